import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli } from '../../../support/run-cli';

let folder: string;
let config: string;
let out: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  config = join(folder, 'supergraph.yaml');
  out = join(folder, 'supergraph.graphql');
  writeFileSync(config, 'subgraphs: { a: { routing_url: http://a.test, schema: { file: a.graphql } } }');
  write('type Query { x: Int }');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('weir compose', () => {
  it('prints the supergraph and nothing else', async () => {
    const { exitCode, stdout, stderr } = await run(config);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('@join__graph(name: "a", url: "http://a.test")');
  });

  it('takes supergraph.yaml of this folder, or that of its folder schema', async () => {
    const before = process.cwd();
    const exitCodes: number[] = [];
    try {
      process.chdir(folder);
      exitCodes.push((await run()).exitCode);
      renameSync(config, join(folder, 'elsewhere.yaml'));
      const none = await run();
      expect(none.stderr).toContain('supergraph.yaml does not exist.');
      mkdirSync(join(folder, 'schema'));
      renameSync(join(folder, 'elsewhere.yaml'), join(folder, 'schema/supergraph.yaml'));
      renameSync(join(folder, 'a.graphql'), join(folder, 'schema/a.graphql'));
      exitCodes.push(none.exitCode, (await run()).exitCode);
    } finally {
      process.chdir(before);
    }
    expect(exitCodes).toEqual([0, 2, 0]);
  });

  it('writes the supergraph to a file', async () => {
    expect(await run(config, '--out', out)).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `weir: composed 1 subgraph into ${out}.\n`,
    });
    expect(readFileSync(out, 'utf8')).toContain('x: Int');
    expect(readdirSync(folder).sort()).toEqual(['a.graphql', 'supergraph.graphql', 'supergraph.yaml']);
  });

  it('exits 1 with file and line when the subgraphs do not compose', async () => {
    write('type Query {\n  x: Nowhere\n}');

    const { exitCode, stdout, stderr } = await run(config, '--out', out);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      [
        'error INVALID_GRAPHQL: Unknown type Nowhere',
        `  ${join(folder, 'a.graphql')}:2:6 (a)`,
        '    1 | type Query {',
        '    2 |   x: Nowhere',
        '      |      ^',
        '    3 | }',
        '',
        'weir: does not compose: 1 error.',
        '',
      ].join('\n'),
    );
    expect(existsSync(out)).toBe(false);
  });

  it('exits 2 when the configuration cannot be read', async () => {
    const { exitCode, stderr } = await run(join(folder, 'nowhere.yaml'));

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${join(folder, 'nowhere.yaml')} does not exist.`);
  });

  it('exits 2 when the supergraph cannot be written', async () => {
    const { exitCode, stderr } = await run(config, '--out', join(folder, 'no-folder', 'out.graphql'));

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^weir: .*out\.graphql cannot be written: .*\n$/);
  });

  it('keeps the last good supergraph while it watches', async () => {
    const weir = startCli(['compose', config, '--out', out, '--watch']);
    await weir.printed(/composed 1 subgraph into/);

    write('type Query { x: Nowhere }');
    await weir.printed(/does not compose: 1 error/);
    expect(readFileSync(out, 'utf8')).toContain('x: Int');

    write('type Query { mended: Int }');
    await weir.printed(/does not compose[^]*composed 1 subgraph/);
    expect(readFileSync(out, 'utf8')).toContain('mended: Int');
    expect((await weir.stop()).exitCode).toBe(0);
  });

  it('watches only with --out', async () => {
    expect(await run(config, '--watch')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'weir: --watch needs --out FILE, which keeps the last good supergraph.\n',
    });
  });
});

function run(...args: string[]) {
  return startCli(['compose', ...args]).result;
}

function write(sdl: string): void {
  writeFileSync(join(folder, 'a.graphql'), sdl);
}
