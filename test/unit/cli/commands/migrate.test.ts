import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeFile } from '../../../../schema';
import { startCli } from '../../../support/run-cli';

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-test-')))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};
const migrate = (...args: string[]) =>
  startCli(['migrate', ...args, '--output', at('weir.yaml'), '--report', at('report.md')]).result;

const router =
  'supergraph:\n  listen: 0.0.0.0:4000\nauthentication:\n  router:\n    jwt:\n      jwks:\n        - url: file:///jwks.json\ncoprocessor:\n  url: http://127.0.0.1:1\n';

describe('weir migrate', () => {
  it('writes options and a report, and says what is next', async () => {
    const { exitCode, stdout, stderr } = await migrate(
      write('router.yaml', router),
      '--supergraph',
      at('supergraph.graphql'),
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.replaceAll(folder, '')).toBe(
      'weir: wrote /weir.yaml, /report.md from router.yaml (Apollo Router): 1 taken over, 1 different, 1 without counterpart, 0 unknown.\n' +
        'weir: 1 key that kept somebody out there: the report begins with them.\n\n' +
        'Next:\n  read /report.md\n  weir gateway --check --config /weir.yaml\n  weir gateway --config /weir.yaml\n',
    );
    expect(readFileSync(at('weir.yaml'), 'utf8')).toContain('#   coprocessor.url\n');
    expect(readFileSync(at('report.md'), 'utf8')).toMatch(
      /^# From router\.yaml \(Apollo Router\) to weir\.yaml\n/,
    );
    expect(readdirSync(folder).sort()).toEqual(['report.md', 'router.yaml', 'weir.yaml']);
  });

  it('overwrites nothing without --force, and then all of it', async () => {
    const file = write('router.yaml', router);
    write('weir.yaml', 'port: 1');
    expect(await migrate(file)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: ${at('weir.yaml')} exists already, and nothing was written: --force overwrites.\n`,
    });
    expect(readFileSync(at('weir.yaml'), 'utf8')).toBe('port: 1');
    expect(existsSync(at('report.md'))).toBe(false);
    expect(await migrate(file, '--force')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(at('weir.yaml'), 'utf8')).toContain('host: 0.0.0.0');
  });

  it('never writes over what it reads', async () => {
    const file = write('weir.yaml', router);
    expect(await migrate(file, '--force')).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('would be overwritten'),
    });
    expect(readFileSync(file, 'utf8')).toBe(router);
  });

  it.each([
    ['no-such.yaml', undefined, 'which does not exist'],
    ['a.yaml', 'a: [', 'is not valid YAML'],
    ['a.yaml', 'nothing: known', 'has no key of a gateway'],
  ])('writes nothing for %s with %j', async (name, text, sentence) => {
    if (text !== undefined) write(name, text);
    const { exitCode, stdout, stderr } = await migrate(at(name));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(readdirSync(folder)).toEqual(text === undefined ? [] : [name]);
  });

  it('writes nothing at all if a folder has the name of one', async () => {
    const file = write('router.yaml', router);
    mkdirSync(at('report.md'));
    expect(await migrate(file, '--force')).toMatchObject({
      exitCode: 2,
      stderr: `weir: nothing was written: ${at('report.md')} is a folder.\n`,
    });
    expect(readdirSync(folder).sort()).toEqual(['report.md', 'router.yaml']);
  });

  it('refuses what may never end, as input and as output', async () => {
    expect(await migrate('/dev/zero')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'weir: FILE names /dev/zero, which is no regular file: copy what it has into one.\n',
    });
    const file = write('a.yaml', router);
    const flags = ['migrate', file, '--from', 'apollo-router', '--report', at('report.md'), '--force'];
    expect(await startCli([...flags, '--output', '/dev/null']).result).toMatchObject({
      exitCode: 2,
      stderr: 'weir: nothing was written: /dev/null is no regular file.\n',
    });
  });

  it('ends where no folder can be made, and leaves none', async () => {
    const file = write('router.yaml', router);
    const run = (output: string) =>
      startCli(['migrate', file, '--output', output, '--report', at('new/report.md')]).result;
    expect(await run(at('router.yaml/x/weir.yaml'))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^weir: nothing was written: ENOTDIR/),
    });
    if (process.platform === 'linux')
      expect(await run('/proc/x/weir.yaml')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/^weir: nothing was written: ENOENT/),
      });
    expect(readdirSync(folder)).toEqual(['router.yaml']);
  });

  it('writes nothing at all if one file cannot be written', async () => {
    const file = write('router.yaml', router);
    const result = await startCli([
      'migrate',
      file,
      '--output',
      at('weir.yaml'),
      '--report',
      at('router.yaml/report.md'),
    ]).result;
    expect(result).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^weir: nothing was written: /),
    });
    expect(readdirSync(folder)).toEqual(['router.yaml']);
  });

  it('writes what composes of an execution config of Cosmo', async () => {
    const config = join(__dirname, '../migrate/fixtures/cosmo/router-execution-config.json');
    const { exitCode, stdout } = await migrate(config);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`weir compose ${at('supergraph.yaml')} --out ${at('supergraph.graphql')}\n`);
    const { errors, supergraphSdl } = await composeFile({ file: at('supergraph.yaml') });
    expect(errors).toBe(undefined);
    expect(supergraphSdl).toContain('join__Graph');
  });
});

describe('weir gateway --config', () => {
  it.each([
    ['router.yaml', router, 'Apollo Router'],
    ['grafbase.toml', '[gateway]\ntimeout = "20s"\n', 'Grafbase Gateway'],
  ])('names the command for %s in one line', async (name, text, title) => {
    const file = write(name, text);
    expect(await startCli(['gateway', '--config', file]).result).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: ${file} is a configuration of ${title}: \`weir migrate ${file}\` makes weir.yaml of it.\n`,
    });
  });

  it('does so in the bundle that a start loads', () => {
    const main = join(__dirname, '../../../../dist/cli/main.js');
    const { status, stderr } = spawnSync(
      process.execPath,
      [main, 'gateway', '--config', write('router.yaml', router)],
      {
        encoding: 'utf8',
      },
    );
    expect(stderr).toContain('is a configuration of Apollo Router: `weir migrate ');
    expect(status).toBe(2);
  });

  it('lists the mistakes in options of Weir as before', async () => {
    const file = write('weir.yaml', 'port: x\nlimits: { dept: 3 }\n');
    const { stderr } = await startCli(['gateway', '--config', file]).result;
    expect(stderr).toContain('`limits.dept` is unknown; did you mean `depth`?');
    expect(stderr).not.toContain('migrate');
  });
});
