/** Commands that introspect subgraphs: as the gateway calls them. */
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { useProxies } from '../../../../gateway/net/outgoing';
import { startCli } from '../../../support/run-cli';
import { temporaryFolder } from '../../../support/subgraph-kit';
import { serveHttps } from '../../../support/subgraph-servers';
import { startTunnelProxy, type TunnelProxy } from '../../../support/tunnel-proxy';

// The first command loads the composer.
jest.setTimeout(60_000);
const folder = temporaryFolder();
const sdl = 'type Query { a: Int }';
const config = join(folder.path, 'supergraph.yaml');
const options = folder.write(
  'weir.yaml',
  `connections: { ca: ${join(__dirname, '../../../support/tls/cert.pem')} }
subgraphs: { a: { auth: { type: API_KEY, key: k-1, header: x-key } } }
`,
);
let proxy: TunnelProxy;
let server: Awaited<ReturnType<typeof serveHttps>>;
/** The keys with which the subgraph was asked. */
const keys: unknown[] = [];
beforeAll(async () => {
  server = await serveHttps((request, response) => {
    keys.push(request.headers['x-key']);
    void text(request).then(() => response.end(JSON.stringify({ data: { _service: { sdl } } })));
  });
  proxy = await startTunnelProxy();
  proxy.ports.set('localhost:8443', Number(new URL(server.url).port));
  folder.write(
    'supergraph.yaml',
    'subgraphs: { a: { schema: { subgraph_url: "https://localhost:8443/graphql" } } }',
  );
  folder.write('before.graphql', '');
});
afterEach(() => {
  useProxies(undefined);
  proxy.tunnels.length = keys.length = 0;
});
afterAll(async () => {
  await Promise.all([server.stop(), proxy.stop()]);
  folder.remove();
});

const registry = () => ['--registry', join(folder.path, 'registry'), '--graph', 'shop@dev'];

describe.each([
  ['compose', () => [config]],
  ['publish', () => ['--config', config, ...registry()]],
  ['check', () => ['--config', config, ...registry()]],
])('weir %s', (command, args) => {
  const run = (...more: string[]) =>
    startCli([command, ...args(), ...more], { HTTPS_PROXY: proxy.url }).result;

  it('introspects by the proxy of the environment, with certificates and credentials of the options', async () => {
    const { exitCode, stderr } = await run('--options', options);
    expect({ exitCode, stderr: stderr.replace(/^.*composed.*\n/, '') }).toEqual({ exitCode: 0, stderr: '' });
    expect([proxy.tunnels, keys]).toEqual([['localhost:8443'], ['k-1']]);
  });

  it('says why a subgraph cannot be introspected without them', async () => {
    const { exitCode, stderr } = await run();
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(
        /The schema of a cannot be read: .*\(self-signed certificate.*\): name its authority in `subgraphs\.a\.tls\.ca`/,
      ),
    });
    expect([proxy.tunnels, keys]).toEqual([['localhost:8443'], []]);
  });

  it('refuses options that are wrong before it asks anybody', async () => {
    const { exitCode, stderr } = await run('--options', folder.write('wrong.yaml', 'conections: {}\n'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('conections') });
    expect(proxy.tunnels).toEqual([]);
  });
});
