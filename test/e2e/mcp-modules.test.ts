/** What a gateway loads of the Model Context Protocol: nothing, unless it offers tools. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph } from '../../schema';

const root = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'weir-mcp-modules-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['nothing', '', false],
  ['its library', 'mcp: { operations: [tool.graphql] }', true],
])('a gateway loads %s with the options "%s"', async (_, options, isLoaded) => {
  const subgraph = { name: 'a', routingUrl: 'http://127.0.0.1:1/', sdl: 'type Query { a: Int }', file: 'a' };
  const { supergraphSdl } = composeSupergraph({ subgraphs: [subgraph] });
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write('supergraph.graphql', supergraphSdl!);
  write('tool.graphql', 'query A { a }');
  write('weir.yaml', `port: 0\nadmin: { enabled: false }\nsupergraph: supergraph.graphql\n${options}\n`);
  const file = join(folder, 'loaded.json');
  const loads = join(root, 'test/support/loaded-packages.cjs');
  const gateway = spawn(
    process.execPath,
    ['--require', loads, join(root, 'cli/weir.mjs'), 'gateway', '--config', join(folder, 'weir.yaml')],
    { env: { ...process.env, WEIR_LOADED_PACKAGES: file, NODE_OPTIONS: '' } },
  );
  let printed = '';
  const isUp = new Promise<void>((resolve) => {
    for (const stream of [gateway.stdout, gateway.stderr])
      stream.on('data', (text) => {
        printed += String(text);
        if (printed.includes('answers at') || printed.includes('listening')) resolve();
      });
  });
  const ended = once(gateway, 'exit');
  await Promise.race([isUp, ended]);
  gateway.kill('SIGTERM');
  await ended;
  const loaded = JSON.parse(readFileSync(file, 'utf8')) as string[];
  expect([loaded.includes('@modelcontextprotocol/server'), printed]).toEqual([isLoaded, expect.anything()]);
});
