/** Proxies that the environment names, for all that the gateway calls: a real proxy that opens tunnels. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { GatewayOptions } from '../../gateway';
import { awsAgents, proxiesOf, useProxies } from '../../gateway/net/outgoing';
import { startOtlpReceiver } from '../support/otlp-receiver';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { certificate, serveHttp1, serveHttp2, serveHttps } from '../support/subgraph-servers';
import { startTokenIssuer } from '../support/token-issuer';
import { startTunnelProxy, type TunnelProxy } from '../support/tunnel-proxy';

let graph: SmallGraph;
let proxy: TunnelProxy;
let gateway: TestGateway | undefined;
const stops: (() => Promise<unknown>)[] = [];
const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
const before = process.env;
/** The environment of the tests, without proxies. */
const noProxies = Object.entries(before).filter(([name]) => !names.includes(name));

beforeAll(async () => {
  graph = await startSmallGraph();
});
beforeEach(async () => {
  proxy = await startTunnelProxy();
  process.env = Object.fromEntries(noProxies);
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await proxy.stop();
  for (const stop of stops.splice(0)) await stop();
  process.env = before;
  useProxies(undefined);
});
afterAll(() => graph.close());

const portOf = (url: string): number => Number(new URL(url).port);
const me = { data: { me: { name: 'Ada' } } };

async function start(options: Partial<GatewayOptions>): Promise<TestGateway> {
  gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), ...options });
  return gateway;
}

it('calls subgraphs through a tunnel, with the credentials of the proxy', async () => {
  const { host } = new URL(proxy.url);
  process.env['HTTP_PROXY'] = `http://weir:p%40ss@${host}`;
  proxy.ports.set('accounts.test:80', portOf(graph.accounts.url));
  await start({ subgraphs: { accounts: { url: 'http://accounts.test/graphql' } } });
  expect(await gateway!.query('{ me { name } }')).toEqual(me);
  expect(await gateway!.query('{ user(id: "u2") { name } }')).toEqual({ data: { user: { name: 'Grace' } } });
  // The second call went over the connection of the first.
  expect(proxy.tunnels).toEqual(['accounts.test:80']);
  expect(proxy.credentials).toEqual([`Basic ${Buffer.from('weir:p@ss').toString('base64')}`]);
});

it.each([
  ['HTTP/1.1', serveHttps, false],
  ['HTTP/2', serveHttp2, true],
])('calls subgraphs over TLS from end to end (%s)', async (_, serve, http2) => {
  const secure = await serve((_request, response) => response.end(JSON.stringify(me)));
  stops.push(() => secure.stop());
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  stops.push(async () => rmSync(folder, { recursive: true }));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, certificate);
  process.env['HTTPS_PROXY'] = new URL(proxy.url).host;
  proxy.ports.set('localhost:8443', portOf(secure.url));
  await start({
    connections: { ca, http2 },
    subgraphs: { accounts: { url: 'https://localhost:8443/graphql' } },
  });
  expect(await gateway!.query('{ me { name } }')).toEqual(me);
  expect(proxy.tunnels).toEqual(['localhost:8443']);
});

it('connects directly where NO_PROXY says so', async () => {
  process.env['http_proxy'] = proxy.url;
  process.env['no_proxy'] = 'other.test, 127.0.0.1';
  await start({});
  expect(await gateway!.query('{ me { name } }')).toEqual(me);
  expect(proxy.tunnels).toEqual([]);
});

it('fails like a call that cannot be delivered where the proxy opens no tunnel', async () => {
  process.env['HTTP_PROXY'] = proxy.url;
  await start({ subgraphs: { accounts: { url: 'http://nowhere.test/graphql' } } });
  expect(await gateway!.query('{ me { name } }')).toMatchObject({
    data: { me: null },
    errors: [{ message: 'Subgraph "accounts" could not be reached.' }],
  });
  expect(JSON.stringify(gateway!.log)).toContain('opens no tunnel to nowhere.test:80: status 502.');
});

it('fetches the keys of issuers and the supergraph by the proxy', async () => {
  const issuer = await startTokenIssuer();
  stops.push(() => issuer.close());
  const supergraph = await serveHttp1((_, response) => response.end(graph.supergraphSdl));
  stops.push(() => supergraph.stop());
  process.env['HTTP_PROXY'] = proxy.url;
  process.env['NO_PROXY'] = '127.0.0.1';
  proxy.ports.set('keys.test:80', portOf(issuer.url)).set('supergraph.test:8080', portOf(supergraph.url));
  await start({
    supergraph: 'http://supergraph.test:8080/supergraph',
    auth: { oidc: [{ issuer: issuer.url, jwks: 'http://keys.test/keys', audience: 'shop' }] },
  });
  const headers = { authorization: `Bearer ${await issuer.token()}` };
  expect(await (await gateway!.post({ query: '{ me { name } }' }, { headers })).json()).toEqual(me);
  expect(new Set(proxy.tunnels)).toEqual(new Set(['keys.test:80', 'supergraph.test:8080']));
});

it('exports traces by the proxy', async () => {
  const collector = await startOtlpReceiver();
  stops.push(() => collector.close());
  process.env['HTTP_PROXY'] = proxy.url;
  process.env['NO_PROXY'] = '127.0.0.1';
  process.env['OTEL_BSP_SCHEDULE_DELAY'] = '10';
  proxy.ports.set('collector.test:4318', portOf(collector.url));
  await start({ telemetry: { traces: { otlp: { url: 'http://collector.test:4318/v1/traces' } } } });
  expect(await gateway!.query('{ me { name } }')).toEqual(me);
  await eventually(() => collector.spans.some(({ name }) => name === 'POST /graphql'));
  expect(new Set(proxy.tunnels)).toEqual(new Set(['collector.test:4318']));
});

it('fetches tokens for subgraphs by the proxy', async () => {
  const tokens = await serveHttp1((_, response) => response.end('{"access_token":"abc","expires_in":60}'));
  stops.push(() => tokens.stop());
  process.env['HTTP_PROXY'] = proxy.url;
  process.env['NO_PROXY'] = '127.0.0.1';
  proxy.ports.set('tokens.test:80', portOf(tokens.url));
  const auth = { type: 'CLIENT_CREDENTIALS', clientId: 'weir', clientSecret: 'secret' } as const;
  await start({ subgraphs: { accounts: { auth: { ...auth, tokenUrl: 'http://tokens.test/token' } } } });
  graph.accounts.requests.length = 0;
  expect(await gateway!.query('{ me { name } }')).toEqual(me);
  expect(graph.accounts.requests[0]!.headers.authorization).toBe('Bearer abc');
  expect(proxy.tunnels).toEqual(['tokens.test:80']);
});

it('calls AWS by the proxy', async () => {
  const s3 = await serveHttp1((_, response) => {
    response.setHeader('etag', '"1"');
    response.end(graph.supergraphSdl);
  });
  stops.push(() => s3.stop());
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' });
  process.env['HTTP_PROXY'] = proxy.url;
  process.env['NO_PROXY'] = '127.0.0.1';
  proxy.ports.set('s3.test:9000', portOf(s3.url));
  await start({
    supergraph: 's3://graphs/supergraph.graphql?region=eu-west-1&endpoint=http://s3.test:9000',
  });
  expect(await gateway!.query('{ me { name } }')).toEqual(me);
  expect(new Set(proxy.tunnels)).toEqual(new Set(['s3.test:9000']));
});

it('gives the AWS SDK an agent for https, too, with TLS from end to end', async () => {
  const secure = await serveHttps((_, response) => response.end('secure'));
  stops.push(() => secure.stop());
  const { host } = new URL(proxy.url);
  useProxies(proxiesOf({ HTTPS_PROXY: host, NO_PROXY: '127.0.0.1' }));
  proxy.ports.set('localhost:8443', portOf(secure.url));
  const { httpsAgent: agent } = awsAgents();
  const ask = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      request(url, { agent, ca: certificate }, (response) => resolve(text(response)))
        .on('error', reject)
        .end();
    });
  expect(await ask('https://localhost:8443')).toBe('secure');
  expect(await ask(secure.url)).toBe('secure');
  await expect(ask('https://nowhere.test')).rejects.toThrow('opens no tunnel to nowhere.test:443');
  expect(proxy.tunnels).toEqual(['localhost:8443', 'nowhere.test:443']);
  agent!.destroy();
});

it('sends metrics to a collector by the proxy', async () => {
  const paths: (string | undefined)[] = [];
  const collector = await serveHttp1((request, response) => {
    paths.push(request.url);
    response.end('{}');
  });
  stops.push(() => collector.stop());
  process.env['HTTP_PROXY'] = proxy.url;
  process.env['NO_PROXY'] = '127.0.0.1';
  proxy.ports.set('collector.test:4318', portOf(collector.url));
  const started = await start({
    telemetry: { metrics: { otlp: { url: 'http://collector.test:4318/v1/metrics', interval: '1h' } } },
  });
  gateway = undefined;
  await started.stop();
  expect([proxy.tunnels, paths]).toEqual([['collector.test:4318'], ['/v1/metrics']]);
});

it('does not start with a proxy that is none, and does not repeat its password', async () => {
  process.env['HTTPS_PROXY'] = 'socks5://weir:secret@proxy.test';
  await expect(start({})).rejects.toMatchObject({
    name: 'OptionsError',
    message: 'The environment variable HTTPS_PROXY must be the http or https URL of a proxy.',
  });
});
