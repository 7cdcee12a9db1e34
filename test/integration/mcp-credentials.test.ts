/** Credentials of agents: over every kind of header rule and of subgraph auth they stay in the gateway. */
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { GatewayOptions } from '../../gateway';
import { composeFile } from '../../schema';
import { startOtlpReceiver } from '../support/otlp-receiver';
import { planted, secret } from '../support/planted-secrets';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { serveHttp1 } from '../support/subgraph-servers';
import { exchanged, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { modernMessage, toolFiles } from '../support/tool-files';

type Auth = NonNullable<GatewayOptions['subgraphs']>[string];
const operatorToken = 'token-of-the-operators';
const resource = 'https://api.shop.example/mcp';

/** How subgraphs are authenticated to, by their names. */
const kinds = {
  linked: () => ({}),
  bearer: () => ({ auth: { type: 'BEARER', token: 'fixed' } }),
  key: () => ({ auth: { type: 'API_KEY', key: 'fixed' } }),
  signed: () => ({ auth: { type: 'AWS_IAM', service: 'execute-api', region: 'eu-west-1' } }),
  fetched: () => ({ auth: { type: 'CLIENT_CREDENTIALS', ...client() } }),
  exchanged: () => ({ auth: { type: 'TOKEN_EXCHANGE', audience: 'exchanged', ...client() } }),
  users: () => ({ appsync: { auth: { type: 'AMAZON_COGNITO_USER_POOLS' } } }),
  opened: () => ({ appsync: { auth: { type: 'OPENID_CONNECT' } } }),
  authorised: () => ({ appsync: { auth: { type: 'AWS_LAMBDA' } } }),
  nobody: () => ({ appsync: { auth: { type: 'NONE' } } }),
  independent: () => ({ identity: 'independent' }),
  ruled: () => ({
    headers: {
      forward: ['authorization', 'x-api-key', 'cookie', '*'],
      rename: { authorization: 'x-original', 'x-jwt': 'x-other' },
      claims: { 'x-raw': 'raw', 'x-copied': 'copied.token', 'x-whom': 'sub' },
      defaults: { 'x-lacking': 'none' },
    },
  }),
  rest: () => ({ headers: { forward: ['x-api-key', 'cookie'] } }),
} satisfies Record<string, () => object>;
const names = Object.keys(kinds);
const client = () => ({ tokenUrl: endpoint.url, clientId: 'weir', clientSecret: 'secret' });

const files = toolFiles({
  'all.graphql': `query All { ${names.map((name) => (name === 'rest' ? 'rest { rest }' : name)).join(' ')} }`,
  'change.graphql': 'mutation Change { change }',
});
const received: { readonly name: string; readonly head: string; readonly headers: IncomingHttpHeaders }[] =
  [];
let issuer: TokenIssuer;
let endpoint: TokenEndpoint;
let stops: (() => Promise<unknown>)[];
let gateway: TestGateway;
let traces: Awaited<ReturnType<typeof startOtlpReceiver>>;
const before = { ...process.env };

beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 'secret' });
  [issuer, endpoint, traces] = await Promise.all([
    startTokenIssuer(),
    startTokenEndpoint(),
    startOtlpReceiver(),
  ]);
  endpoint.answer = () => ({ body: exchanged('exchanged-token') });
  const servers = await Promise.all(
    [...names, 'shadow'].map((name) =>
      serveHttp1((request, response, body) => {
        const head = `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body.toString()}`;
        received.push({ name, head, headers: request.headers });
        const data = { [name]: name, ...(name === 'linked' && { change: 'c' }) };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(name === 'rest' ? data : { data }));
      }),
    ),
  );
  stops = [
    ...servers.map((server) => () => server.stop()),
    () => issuer.close(),
    () => endpoint.stop(),
    () => traces.close(),
  ];
  const schemas = toolFiles({
    'rest.yaml': `openapi: 3.0.3
paths:
  /rest:
    get:
      operationId: rest
      responses: { '200': { content: { application/json: { schema: { type: object, properties: { rest: { type: string } } } } } } }`,
    'rest.join.graphql': 'extend type Query { rest: rest_result }',
    'supergraph.yaml': `subgraphs:\n${names
      .map((name, i) =>
        name === 'rest'
          ? `  rest: { routing_url: ${servers[i]!.url}, schema: { openapi: rest.yaml }, overlay: rest.join.graphql }`
          : `  ${name}: { routing_url: ${servers[i]!.url}, schema: { file: ${name}.graphql } }`,
      )
      .join('\n')}\n`,
    ...Object.fromEntries(
      names.map((name) => [
        `${name}.graphql`,
        `type Query { ${name}: String }${name === 'linked' ? ' type Mutation { change: String }' : ''}`,
      ]),
    ),
  });
  const { supergraphSdl, errors } = await composeFile({ file: join(schemas.folder, 'supergraph.yaml') });
  expect(errors).toBeUndefined();
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    mode: 'production',
    mcp: { resource, operations: [files.pattern], mutations: 'allow' },
    auth: {
      apiKeys: [{ client: 'app', sha256: createHash('sha256').update(apiKey).digest('hex') }],
      oidc: [
        { issuer: issuer.url, audience: 'shop' },
        { issuer: 'https://other.example', audience: 'shop', header: 'x-jwt', jwks: { keys: [] } },
      ],
      lambda: {
        module: ({ authorizationToken: token }: Json) => ({
          isAuthorized: true,
          resolverContext: { sub: 'l1', raw: token, copied: { token: token.slice('Bearer '.length) } },
        }),
      },
    },
    privateLinks: { keys: ['k'.repeat(32)], claims: ['raw', 'copied'] },
    headers: {
      forward: ['authorization', 'cookie', 'x-*', '*-token'],
      rename: { authorization: 'x-forwarded-authorization', cookie: 'x-cookies' },
      claims: { 'x-token': 'raw' },
    },
    calls: { sharedHeaders: ['x-shared'] },
    subgraphs: Object.fromEntries(
      names.map((name) => [name, (kinds as Record<string, () => object>)[name]!() as Auth]),
    ),
    extensions: [],
    hooks: {
      onRequest: (request: Json) => {
        for (const value of Object.values(request.headers)) request.forward('x-hook', String(value));
        request.forward('x-hook-url', request.url);
      },
    },
    shadow: {
      url: servers.at(-1)!.url,
      share: 1,
      perSecond: 1000,
      headers: { forward: ['authorization', 'cookie'] },
    },
    admin: { port: 0, token: operatorToken, console: { sampling: 1 } },
    audit: { trails: [{ to: join(files.folder, 'audit.jsonl') }], key: 'of at least 16 characters' },
    logging: { level: 'debug', fields: { tenant: { header: 'x-tenant' }, raw: { claim: 'raw' } } },
    telemetry: { traces: { otlp: { url: traces.url }, sampling: 1 } },
  } as unknown as GatewayOptions);
}, 60_000);
afterAll(async () => {
  process.env = before;
  await gateway.stop();
  await Promise.all(stops.map((stop) => stop()));
  files.remove();
});

const apiKey = secret();
const others = () => ({
  cookie: `session=${secret()}`,
  'x-auth-token': secret(),
  'x-tenant': secret(),
  'x-shared': secret(),
  'x-original': secret(),
  'x-weir-override': secret(),
  'weir-subject-token': secret(),
  'weir-identity': secret(),
  'mcp-session-id': secret(),
  'proxy-authorization': secret(),
  'x-forwarded-access-token': secret(),
  baggage: `token=${secret()}`,
  'x-datadog-tags': secret(),
  'x-forwarded-for': '192.0.2.1',
});

const call = async (name: string, own: Record<string, string>, path = '/mcp'): Promise<Json> => {
  const { headers, body } = modernMessage({ method: 'tools/call', params: { name, arguments: {} } });
  const url = gateway.url.replace('/graphql', path);
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...own }, body });
  return { status: answer.status, text: await answer.text() };
};

/** What stands around planted texts. */
const around = (text: string, marks: readonly string[]): string[] =>
  marks.flatMap((mark) =>
    text.includes(mark) ? [text.slice(Math.max(0, text.indexOf(mark) - 60), text.indexOf(mark) + 20)] : [],
  );

it('are seen by no subgraph, log, trace, console, metric, audit trail or second endpoint', async () => {
  const jwt = await issuer.token({ aud: resource, sub: 'u1', jti: planted });
  const opaque = secret();
  const credentials = {
    token: { authorization: `Bearer ${jwt}` },
    opaque: { authorization: `Bearer ${opaque}` },
    key: { 'x-api-key': apiKey },
  };
  for (const [kind, own] of Object.entries(credentials))
    for (const tool of ['All', 'Change', 'All', 'Nothing'])
      for (const more of [{}, others()]) {
        const path = `/mcp?access_token=${secret()}`;
        const { status, text } = await call(tool, { ...more, ...own }, path);
        expect([kind, tool, status, around(text, [planted, jwt])]).toEqual([kind, tool, 200, []]);
        if (tool !== 'All') continue;
        const { data } = JSON.parse(text).result.structuredContent;
        const isToken = kind !== 'key';
        for (const name of names)
          expect([kind, name, data[name] !== null]).toEqual([kind, name, name !== 'exchanged' || isToken]);
      }
  for (const own of [
    { authorization: `Bearer ${await issuer.token({ jti: planted })}` },
    { 'x-api-key': secret() },
  ])
    expect((await call('All', { ...others(), ...own })).status).toBe(401);

  const marks = [planted, Buffer.from(planted).toString('base64url').slice(0, -1), jwt, jwt.split('.')[2]!];
  await eventually(() => received.some(({ name }) => name === 'shadow'));
  for (const name of [...names, 'shadow']) {
    const own = received.filter((each) => each.name === name);
    expect([name, own.length > 0]).toEqual([name, true]);
    for (const { head } of own) {
      const identity = /"weir-identity":"([^"]+)"/.exec(head)?.[1] ?? '';
      expect([name, around(head + Buffer.from(identity, 'base64url').toString(), marks)]).toEqual([name, []]);
    }
  }
  const ofExchanged = received.filter(({ name }) => name === 'exchanged');
  expect(new Set(ofExchanged.map(({ headers }) => headers.authorization))).toEqual(
    new Set(['Bearer exchanged-token']),
  );
  expect(
    endpoint.requests
      .map(({ form }) => form['subject_token'])
      .filter(Boolean)
      .sort(),
  ).toEqual([jwt, opaque].sort());
  const linked = received.find(
    ({ name, headers }) => name === 'linked' && headers['weir-identity'] !== undefined,
  )!;
  expect(
    JSON.parse(Buffer.from(String(linked.headers['weir-identity']), 'base64url').toString()),
  ).toMatchObject({
    mode: 'oidc',
    sub: 'u1',
  });

  const text = async (path: string): Promise<string> => {
    const headers = { authorization: `Bearer ${operatorToken}` };
    return (await fetch(`${gateway.adminUrl}/console/api/${path}`, { headers })).text();
  };
  const requests = JSON.parse(await text('requests')) as { id: string }[];
  expect(requests.length).toBeGreaterThan(10);
  for (const path of [
    ...[
      'live',
      'operations',
      'errors',
      'requests',
      'refusals',
      'graph',
      'report',
      'caches',
      'options',
      'shadow',
    ],
    ...requests.map(({ id }) => `requests/${id}`),
  ])
    expect([path, around(await text(path), marks)]).toEqual([path, []]);
  expect(around(await gateway.metrics(), marks)).toEqual([]);
  await gateway.stop();
  expect(around(JSON.stringify(gateway.log), marks)).toEqual([]);
  expect(traces.requests.length).toBeGreaterThan(0);
  for (const { body } of traces.requests) expect(around(body.toString('latin1'), marks)).toEqual([]);
  const trail = readFileSync(join(files.folder, 'audit.jsonl'), 'utf8');
  expect(trail).toContain('"tool.call"');
  expect(around(trail, marks)).toEqual([]);
}, 60_000);
