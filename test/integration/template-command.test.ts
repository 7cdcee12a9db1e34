/** `weir template`, with subgraphs as processes of their own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli } from '../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-template-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Node compiles the sources. */
const env = { NODE_OPTIONS: `--require ${join(__dirname, '../support/typescript.cjs')}` };
const thanks = join(__dirname, '../support/thanks-subgraph.ts');
const template = (...args: string[]) => startCli(['template', ...args], env).result;
const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe('weir template subgraph', () => {
  it('writes the template of a subgraph to a file in a new folder', async () => {
    const out = join(folder, 'deploy/thanks/template.yaml');
    expect(await template('subgraph', thanks, '--out', out)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const golden = join(__dirname, '../unit/cli/package/template/golden/thanks.yaml');
    expect(readFileSync(out, 'utf8')).toBe(readFileSync(golden, 'utf8'));
  });

  it('prints it otherwise, with the folder of the code', async () => {
    const { stdout, exitCode } = await template('subgraph', thanks, '--code', '../build');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('CodeUri: ../build');
  });

  it('reads an ES module that awaits something, and passes over what it prints', async () => {
    const declaration =
      '{ name: "late", tables: [], publishes: false, consumers: [], workflows: [], options: {} }';
    const module = `console.log('hello');\nawait null;\nexport const handler = { declaration: () => (${declaration}) };\n`;
    const { stdout, exitCode } = await template('subgraph', write('late.mjs', module));
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Description: The subgraph late.');
  });

  it.each([
    ['nothing', "there is no subgraph 'nothing', and no such file"],
    [
      write('silent.cjs', 'console.log(1)'),
      'its `handler` must be what lambdaHandler of weir/subgraph has made',
    ],
    [write('failing.cjs', 'throw new Error("no such module")'), 'no such module'],
  ])('refuses %s with a sentence', async (name, sentence) => {
    const { exitCode, stdout, stderr } = await template('subgraph', name);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });
});

describe('weir template gateway', () => {
  it.each([
    [[], 'Handler: index.handler', false],
    [['--stream'], 'Handler: index.streamHandler', true],
  ])('with %j has a handler and a function URL for it', async (flags, handler, streams) => {
    const config = write('weir.yaml', 'supergraph: s3://schemas/shop.graphql\n');
    const { stdout, exitCode } = await template('gateway', '--config', config, ...flags);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(handler);
    expect(stdout.includes('InvokeMode: RESPONSE_STREAM')).toBe(streams);
    expect(stdout).toContain('s3:GetObject');
  });
});
