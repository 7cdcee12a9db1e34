import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { introspectAsGateway, type IntrospectionCalls } from '../../../../cli/registry/introspect-as-gateway';
import { parseOptions } from '../../../../gateway/options';
import { proxiesOf, useProxies } from '../../../../gateway/net/outgoing';
import { readSubgraphSchemas } from '../../../../schema';
import { serveHttps } from '../../../support/subgraph-servers';

const certificate = join(__dirname, '../../../support/tls/cert.pem');
const sdl = 'type Query { a: Int }';
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  useProxies(undefined);
  for (const stop of stops.splice(0)) await stop();
});

/** Asks a subgraph `a` at a URL for its schema, with these options of the gateway. */
async function ask(url: string, options: Parameters<typeof parseOptions>[0]): Promise<string> {
  const calls: IntrospectionCalls = introspectAsGateway(() => parseOptions(options));
  stops.push(() => calls.close());
  const subgraph = { name: 'a', routingUrl: url, schema: { kind: 'url', url, headers: {} } } as const;
  const [read] = await readSubgraphSchemas({ file: 'supergraph.yaml', subgraphs: [subgraph] }, calls);
  return read!.sdl;
}

async function startSubgraph(): Promise<string> {
  const server = await serveHttps((request, response) => {
    void text(request).then(() => response.end(JSON.stringify({ data: { _service: { sdl } } })));
  });
  stops.push(() => server.stop());
  return server.url.replace('127.0.0.1', 'localhost');
}

it.each([
  ['connections.ca', { connections: { ca: certificate } }],
  ['subgraphs.NAME.tls', { subgraphs: { a: { tls: { ca: certificate } } } }],
])('trusts the certificates of %s', async (_, options) => {
  const url = await startSubgraph();
  expect(await ask(url, options)).toBe(sdl);
  await expect(ask(url, {})).rejects.toMatchObject({
    problems: [{ message: expect.stringMatching(/certificate/) }],
  });
});

it('goes by the proxy of the environment', async () => {
  useProxies(proxiesOf({ HTTPS_PROXY: 'http://127.0.0.1:9' }));
  await expect(ask('https://a.test/graphql', {})).rejects.toMatchObject({
    problems: [{ message: expect.stringContaining('127.0.0.1:9') }],
  });
});
