import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '../../../cli/program';
import { variableOf } from '../../../cli/variables';
import { startCli } from '../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-variables-'));
const supergraph = join(folder, 'none.graphql');
const config = join(folder, 'weir.yaml');
writeFileSync(config, 'port: 4300\nadmin: { port: 4301 }\n');
afterAll(() => rmSync(folder, { recursive: true }));

describe('an environment variable', () => {
  it('is in the help of each flag', async () => {
    const program = createProgram({
      stdout: sink,
      stderr: sink,
      env: {},
      signal: new AbortController().signal,
    });
    for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
      const help = command.helpInformation().replace(/\s+/g, ' ');
      for (const option of command.options)
        expect(help).toContain(`[${variableOf(option, command) ?? 'NO_COLOR'}]`);
    }
  });

  it('gives an option of the gateway, over the file and under a flag', async () => {
    const env = { WEIR_CONFIG: config, WEIR_PORT: '4400', WEIR_FORMAT: 'json', WEIR_ADMIN_PORT: '' };
    expect(optionsIn((await run(['config', 'print'], env)).stdout)).toMatchObject({
      port: { value: 4400, origin: { kind: 'environment', variable: 'WEIR_PORT' } },
      'admin.port': { value: 4301, origin: { kind: 'file', file: config, line: 2 } },
    });
    const { stdout } = await run(['config', 'print', '--port', '4500'], env);
    expect(optionsIn(stdout)).toMatchObject({
      port: { value: 4500, origin: { kind: 'flag', flag: '--port' } },
    });
  });

  it('is named where its value is wrong', async () => {
    const given = ['gateway', '--supergraph', supergraph];
    expect((await run(given, { WEIR_PORT: 'x' })).stderr).toBe(
      'weir: WEIR_PORT must be a whole number from 0 to 65535, but got: "x".\n',
    );
    expect((await run(given, { WEIR_WORKERS: 'many' })).stderr).toBe(
      'weir: WEIR_WORKERS does not take "many". It must be a number from 1 to 999, or `auto`.\n',
    );
    expect(await run(given, { WEIR_MODE: 'test' })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'weir: WEIR_MODE does not take "test". Allowed choices are development, production.\n',
    });
    expect((await run(given, { WEIR_CHECK: 'yes' })).stderr).toBe(
      'weir: WEIR_CHECK does not take "yes". It must be true or false.\n',
    );
  });

  it('of Kubernetes for a service is not taken for a port', async () => {
    const { exitCode, stdout } = await run(['config', 'print', '--format', 'json'], {
      WEIR_PORT: 'tcp://10.0.0.1:80',
      WEIR_ADMIN_PORT: 'tcp://10.0.0.2:9464',
    });
    expect(exitCode).toBe(0);
    expect(optionsIn(stdout)).toMatchObject({ port: { origin: { kind: 'default' } } });
  });

  it('turns a flag without a value on and off', async () => {
    const compose = (watch: string) => run(['compose', join(folder, 'none.yaml')], { WEIR_WATCH: watch });
    expect((await compose('true')).stderr).toMatch(/^weir: --watch needs --out/);
    expect((await compose('false')).stderr).not.toContain('--watch');
  });

  it('gives a mandatory flag', async () => {
    expect((await run(['explain'], { WEIR_QUERY: 'none.graphql' })).stderr).toBe(
      'weir: WEIR_QUERY names none.graphql, which does not exist.\n',
    );
    expect((await run(['explain'], { WEIR_QUERY: '' })).stderr).toBe('weir: -q, --query <FILE> is needed.\n');
  });

  it('has the values of a repeated flag separated by commas, and a flag replaces all of them', async () => {
    const given = ['contract', 'shop@public', '--registry', join(folder, 'none')];
    const env = { WEIR_INCLUDE: 'a, b' };
    expect((await run(given, env)).stderr).toMatch(/^weir: --include and --exclude need --of/);
  });

  it('for the options file of the gateway is not used for a supergraph configuration', async () => {
    const { stderr } = await run(['publish', 'a'], { WEIR_CONFIG: config });
    expect(stderr).toBe('weir: which schema has a? Name it with --schema FILE.\n');
    expect((await run(['publish'], { WEIR_SUPERGRAPH_CONFIG: 'none.yaml' })).stderr).toContain('none.yaml');
  });
});

const sink = { write: () => undefined };
const run = (args: readonly string[], env: Record<string, string>) => startCli(args, env).result;

interface Row {
  readonly option: string;
}

const optionsIn = (text: string): Record<string, Row> =>
  Object.fromEntries((JSON.parse(text) as { options: Row[] }).options.map((row) => [row.option, row]));
