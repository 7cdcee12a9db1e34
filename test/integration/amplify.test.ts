/** AWS Amplify as it is installed, in a process of its own, over TLS. The subgraph's events are the test's. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { upstreams } from '../support/held-upstreams';
import { watchIdentities } from '../support/identities';
import { Queue } from '../support/queue';
import {
  type Json,
  sampleSum,
  sourceOf,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

const support = join(__dirname, '../support');
const tls = { cert: join(support, 'tls/cert.pem'), key: join(support, 'tls/key.pem') };
const credentials = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };

let shop: TestSubgraph;
let issuer: TokenIssuer;
let pool: TokenIssuer;
let gateway: TestGateway;
let application: ChildProcess;
const identities = watchIdentities();
/** What the application reports, by the id of the operation. */
const reports = new Map<string, Queue<Json>>();
let connections = 0;
let ids = 0;
const running: string[] = [];

async function startGateway(port = 0): Promise<void> {
  gateway = await startTestGateway({
    transport: upstreams,
    supergraph: sourceOf(compose([shop])),
    ...{ port, tls },
    auth: {
      apiKeys: [{ client: 'app', sha256: createHash('sha256').update('da2-key').digest('hex') }],
      iam: { keys: [{ ...credentials, subject: 'u2' }] },
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
      cognito: [{ userPool: 'eu-west-1_Shop', issuer: pool.url, clients: ['app-client'] }],
      lambda: {
        module: ({ authorizationToken }: { authorizationToken: string }) => ({
          isAuthorized: authorizationToken === 'custom-token',
          resolverContext: { sub: 'u7' },
        }),
      },
    },
    headers: { forward: ['x-tenant'] },
    subscriptions: { perConnection: 6, connectionParams: ['x-tenant'] },
  });
}

beforeAll(async () => {
  [issuer, pool, shop] = await Promise.all([
    startTokenIssuer(),
    startTokenIssuer(),
    startSubgraph({
      name: 'shop',
      typeDefs: `
        type Query { price: Int }
        type Mutation { reprice(price: Int!): Int }
        type Subscription { repriced(upc: ID!): Price }
        type Price { upc: ID!  price: Int }`,
      resolvers: {
        Query: { price: () => 1 },
        Mutation: { reprice: (_: unknown, { price }: { price: number }) => price },
      },
    }),
  ]);
  await startGateway();
  application = fork(join(support, 'amplify-process.mjs'), [gateway.url], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: tls.cert },
    execArgv: [],
  });
  await once(application, 'message');
  application.on('message', (message: Json) => {
    if ('connection' in message) connections++;
    else reports.get(message.id)!.push(message);
  });
});
beforeEach(() => {
  connections = 0;
  identities.length = 0;
});
afterEach(async () => {
  for (const id of running.splice(0)) application.send({ id, stop: true });
  // Amplify keeps a connection for a second after its last subscription.
  while (sampleSum(await gateway.metrics(), 'weir_websocket_connections') > 0) await wait(20);
  upstreams.reset();
});
afterAll(async () => {
  application.kill();
  if (application.exitCode === null && application.signalCode === null) await once(application, 'exit');
  await gateway.stop();
  await Promise.all([issuer.close(), pool.close(), shop.close()]);
});

interface Session {
  readonly token?: string;
  readonly credentials?: typeof credentials;
}

/** The next that the application reports of an operation. */
const reportOf = (id: string): Promise<Json> => reports.get(id)!.next();

/** Has the application run an operation with `client.graphql`; returns its id. */
function run(operation: object, session: Session = {}, headers: Record<string, string> = {}): string {
  const id = `operation-${ids++}`;
  reports.set(id, new Queue());
  application.send({ id, operation, session, headers });
  return id;
}

const document = 'subscription ($upc: ID!) { repriced(upc: $upc) { upc price } }';

/** Subscribes, and waits until the events come from the subgraph. */
async function subscribe(operation: object, session?: Session, headers?: Record<string, string>) {
  const count = upstreams.open.length;
  const id = run({ query: document, variables: { upc: `${ids}` }, ...operation }, session, headers);
  running.push(id);
  while (upstreams.open.length === count) await wait(5);
  return id;
}

/** What a subscription is refused with that comes over an open connection. */
async function refusalOf(operation: object, session?: Session): Promise<Json> {
  const { failed } = await reportOf(run({ query: document, variables: { upc: '1' }, ...operation }, session));
  const [, payload] = /^Connection failed: (\{.*\})$/.exec(failed)!;
  return JSON.parse(payload!).errors[0];
}

const repriced = (price: number) => ({ repriced: { upc: '1', price } });

/** Gives an event to all who are subscribed, and sees that these get it. */
async function expectEvent(ids: readonly string[], price: number): Promise<void> {
  upstreams.give(repriced(price));
  for (const id of ids) expect(await reportOf(id)).toEqual({ id, data: repriced(price) });
}

const modes: [authMode: string, mode: string, operation: object, session: () => Promise<Session>][] = [
  ['apiKey', 'api-key', {}, async () => ({})],
  ['userPool', 'cognito', {}, async () => ({ token: await poolToken() })],
  ['oidc', 'oidc', {}, async () => ({ token: await issuer.token() })],
  ['lambda', 'lambda', { authToken: 'custom-token' }, async () => ({})],
  ['iam', 'iam', {}, async () => ({ credentials })],
];
const poolToken = (claims = {}) =>
  pool.token({
    ...{ aud: undefined as unknown as string, token_use: 'access', client_id: 'app-client' },
    ...claims,
  });
const expired = async (): Promise<Session> => ({ token: await issuer.token({ exp: inSeconds(-60) }) });

it.each(modes)('runs queries and mutations in mode %s', async (authMode, mode, operation, session) => {
  const query = run({ query: '{ price }', authMode, ...operation }, await session());
  expect(await reportOf(query)).toEqual({ id: query, data: { price: 1 } });
  const mutation = run(
    {
      query: 'mutation ($price: Int!) { reprice(price: $price) }',
      variables: { price: 2 },
      authMode,
      ...operation,
    },
    await session(),
  );
  expect(await reportOf(mutation)).toEqual({ id: mutation, data: { reprice: 2 } });
  expect(identities.map((identity) => identity.mode)).toEqual([mode, mode]);
});

it.each(modes)('subscribes in mode %s', async (authMode, mode, operation, session) => {
  const id = await subscribe({ authMode, ...operation }, await session(), { 'x-tenant': 'a' });
  await expectEvent([id], 5);
  await expectEvent([id], 6);
  expect(upstreams.open[0]!.request.caller.headers).toMatchObject({ 'x-tenant': 'a' });
  expect(connections).toBe(1);
  // The connection, which is over; the subscription is not.
  expect(identities.map((identity) => identity.mode)).toEqual([mode]);
});

it.each([
  ['oidc', (claims: object) => issuer.token(claims as never)],
  ['userPool', (claims: object) => poolToken(claims)],
])('subscribes with a token of 13.2 KB in mode %s, and connects once', async (authMode, tokenWith) => {
  const token = await tokenWith({ groups: Array.from({ length: 1000 }, (_, i) => `group${i}`) });
  expect(token.length).toBeGreaterThan(13_200);
  const id = await subscribe({ authMode }, { token });
  await expectEvent([id], 5);
  expect(connections).toBe(1);
});

it.each<[string, object, () => Promise<Session>]>([
  ['a wrong key', { authMode: 'apiKey', apiKey: 'wrong' }, async () => ({})],
  ['an expired token', { authMode: 'oidc' }, expired],
  ['a token that is denied', { authMode: 'lambda', authToken: 'other' }, async () => ({})],
  [
    'another secret',
    { authMode: 'iam' },
    async () => ({ credentials: { ...credentials, secretAccessKey: 'x' } }),
  ],
])('with %s is refused, and connects once', async (_, operation, session) => {
  const id = run({ query: document, variables: { upc: '1' }, ...operation }, await session());
  expect(await reportOf(id)).toEqual({ id, failed: 'Connection failed: UnauthorizedException' });
  expect(connections).toBe(1);
});

describe('over one connection', () => {
  /** A subscription in each mode. */
  const subscribeInAll = async (): Promise<string[]> => {
    const all: string[] = [];
    for (const [authMode, , operation, session] of modes)
      all.push(await subscribe({ authMode, ...operation }, await session()));
    return all;
  };

  it('subscribes in all modes, and is told why another subscription is refused, while these live on', async () => {
    const all = await subscribeInAll();
    await expectEvent(all, 5);
    const sixth = await subscribe({ authMode: 'apiKey' });
    expect(await refusalOf({ authMode: 'apiKey' })).toMatchObject({
      errorType: 'MaxSubscriptionsReachedError',
      message: expect.stringContaining('6'),
    });
    application.send({ id: sixth, stop: true });
    while (upstreams.open.length > all.length) await wait(5);
    const refused: [operation: object, message: unknown][] = [
      [{ query: 'subscription { unknown }' }, 'Cannot query field "unknown" on type "Subscription".'],
      [{ authMode: 'apiKey', apiKey: 'wrong' }, 'The API key is not known.'],
      [{ authMode: 'lambda', authToken: 'other' }, expect.stringContaining('authoriser')],
    ];
    for (const [operation, message] of refused)
      expect(await refusalOf(operation)).toEqual({ errorType: 'BadRequestException', message });
    await expectEvent(all, 6);
    expect(connections).toBe(1);
  });

  it('is told that a token has expired, and subscribes anew for the others', async () => {
    const others = [
      await subscribe({ authMode: 'apiKey' }),
      await subscribe({ authMode: 'iam' }, { credentials }),
    ];
    const token = await issuer.token({ exp: inSeconds(-60) });
    expect(await refusalOf({ authMode: 'oidc' }, { credentials, token })).toEqual({
      errorType: 'UnauthorizedException',
      message: 'The token has expired.',
    });
    while (connections < 2 || upstreams.open.length < others.length) await wait(5);
    await expectEvent(others, 6);
    expect(connections).toBe(2);
  });

  it('comes back when the gateway is replaced', async () => {
    const session = { token: await poolToken(), credentials };
    const all: string[] = [];
    for (const [authMode, , operation] of modes)
      if (authMode !== 'oidc') all.push(await subscribe({ authMode, ...operation }, session));
    const { port } = new URL(gateway.url);
    await gateway.stop();
    upstreams.reset();
    await startGateway(Number(port));
    while (upstreams.open.length < all.length) await wait(5);
    await expectEvent(all, 6);
  });
});
