import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph } from '../../../../schema';
import { type RunningCli, startCli } from '../../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const broken = join(folder, 'broken.graphql');
writeFileSync(broken, 'type Query { ');
let running: RunningCli | undefined;
afterEach(() => running?.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('weir gateway', () => {
  it('serves a supergraph file until it is asked to stop', async () => {
    const subgraph = createServer((_request, response) =>
      response.setHeader('content-type', 'application/json').end('{"data":{"hello":"world"}}'),
    );
    await new Promise<void>((listening) => subgraph.listen(0, '127.0.0.1', listening));
    const { port } = subgraph.address() as AddressInfo;
    const supergraph = join(folder, 'supergraph.graphql');
    writeFileSync(supergraph, composed(`http://127.0.0.1:${port}/graphql`));

    running = startCli([
      'gateway',
      '--supergraph',
      supergraph,
      '--port',
      '0',
      '--admin-port',
      '0',
      '--log-level',
      'warn',
    ]);
    await running.printed(/http:\/\/127\.0\.0\.1:\d+\/graphql/);
    const [url] = /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(running.stderr)!;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ hello }"}',
    });

    expect(await response.json()).toEqual({ data: { hello: 'world' } });
    expect((await running.stop()).exitCode).toBe(0);
    await new Promise((closed) => subgraph.close(closed));
  });

  it.each([
    [
      'two ports that are one',
      ['--port', '4100', '--admin-port', '4100', '--supergraph', 'nowhere.graphql'],
      'weir: --admin-port must differ from the port of clients, but both are 4100.\n',
    ],
    [
      'a supergraph that does not exist',
      ['--supergraph', 'nowhere.graphql'],
      'weir: The supergraph cannot be read: nowhere.graphql does not exist.\n',
    ],
    [
      'a supergraph that cannot be run',
      ['--supergraph', broken],
      `weir: The supergraph cannot be run: ${broken}:1:14: Syntax Error: Expected Name, found <EOF>.\n`,
    ],
    [
      'a configuration that does not exist',
      ['--config', 'nowhere.yaml'],
      expect.stringMatching(/^weir: .*nowhere\.yaml.*\n$/),
    ],
  ])('exits 2 with one sentence for %s', async (_what, args, stderr) => {
    expect(await startCli(['gateway', '--admin-port', '0', ...args]).result).toEqual({
      exitCode: 2,
      stdout: '',
      stderr,
    });
  });

  it('names the port that is in use', async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const { port } = taken.address() as AddressInfo;
    const supergraph = join(folder, 'taken.graphql');
    writeFileSync(supergraph, composed('http://127.0.0.1:9/graphql'));

    const { exitCode, stderr } = await startCli([
      ...[
        'gateway',
        '--supergraph',
        supergraph,
        '--port',
        String(port),
        '--admin-port',
        '0',
        '--log-level',
        'silent',
      ],
    ]).result;

    await new Promise((closed) => taken.close(closed));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      new RegExp(`^weir: --port ${port} .* is taken by another process: choose another one`),
    );
  });
});

function composed(routingUrl: string): string {
  const sdl = 'type Query { hello: String }';
  return composeSupergraph({ subgraphs: [{ name: 'a', routingUrl, sdl, file: 'a.graphql' }] }).supergraphSdl!;
}
