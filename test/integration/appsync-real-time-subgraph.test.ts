/** Subscriptions at an AppSync API, in each mode, against a server that checks credentials as AppSync does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, getOperationAST, parse } from 'graphql';
import type { AppSyncAuth } from '../../gateway/options/subgraph-auth';
import { appSyncSigner } from '../../gateway/subgraph-calls/signers/appsync-signer';
import { Callbacks } from '../../gateway/subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { type AppSyncMode } from '../../kit/appsync/credentials';
import { serveRealTime } from '../../kit/appsync/real-time';
import { callerOf } from '../support/caller';
import { operationOf } from '../support/subgraph-request';

const text = `
  type Query { stock(upc: ID!): Int }
  type Stock { upc: ID  count: Int }
  type Mutation { move(upc: ID!, count: Int!): Stock }
  type Subscription { moved(upc: ID): Stock @aws_subscribe(mutations: ["move"]) }`;
const schema = buildSchema(`directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION ${text}`);
const region = 'eu-west-1';
const secretAccessKey = 'secret';

const stops: (() => Promise<unknown>)[] = [];
const before = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDKNOWN', AWS_SECRET_ACCESS_KEY: secretAccessKey });
});
afterAll(() => {
  process.env = before;
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function open(auth: AppSyncAuth, modes: readonly AppSyncMode[]) {
  const server = createServer();
  let sockets = 0;
  server.on('upgrade', () => sockets++);
  const realTime = serveRealTime(server, { text, schema, modes, path: '/graphql' });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const callbacks = new Callbacks({ host: '127.0.0.1', port: 0, path: '/c', publicUrl: 'http://127.0.0.1' });
  const transport = new SubscriptionTransport({ meter: new Meter(), callbacks });
  stops.push(async () => {
    realTime.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  stops.push(async () => transport.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const subgraph = { name: 'stock', protocol: 'appsync', url, signer: appSyncSigner(auth) } as const;
  const lease = transport.lease();
  const opening = lease.resuming(subgraph, lease.to(subgraph));
  const subscribe = async (headers: Record<string, string> = {}, upc: unknown = '1') => {
    const document = 'subscription Moved($upc:ID){moved(upc:$upc){upc count}}';
    const operation = operationOf(document, { kind: 'subscription', name: 'Moved' });
    const variables = Buffer.from(JSON.stringify({ upc }));
    return (await opening({ operation, variables, caller: callerOf({ headers }) })).source;
  };
  const move = (upc: string, count: number) =>
    realTime.publish(getOperationAST(parse('mutation { move { upc count } }'))!, { move: { upc, count } });
  return { subscribe, move, sockets: () => sockets };
}

const known = new Map([['AKIDKNOWN', { secretAccessKey }]]);
const modes: [AppSyncAuth['type'], AppSyncAuth, AppSyncMode, Record<string, string>][] = [
  ['API_KEY', { type: 'API_KEY', apiKey: 'k' }, { type: 'API_KEY', keys: new Set(['k']) }, {}],
  ['AWS_IAM', { type: 'AWS_IAM', region }, { type: 'AWS_IAM', region, known }, {}],
  [
    'AWS_LAMBDA',
    { type: 'AWS_LAMBDA', token: 'ours' },
    { type: 'AWS_LAMBDA', isAuthorized: (token) => token === 'ours' },
    {},
  ],
  [
    'AWS_LAMBDA',
    { type: 'AWS_LAMBDA' },
    { type: 'AWS_LAMBDA', isAuthorized: (token) => token === 'of-the-client' },
    { authorization: 'Bearer of-the-client' },
  ],
];

it.each(modes)('an API in the mode %s sends its events', async (_, auth, mode, headers) => {
  const { subscribe, move } = await open(auth, [mode]);
  const source = await subscribe(headers);
  await move('2', 5);
  await move('1', 7);
  expect((await source.next())!.body.toString()).toBe('{"data":{"moved":{"upc":"1","count":7}}}');
  source.close();
});

it('refuses a wrong key once, with a sentence that names no address', async () => {
  const { subscribe, sockets } = await open({ type: 'API_KEY', apiKey: 'wrong' }, [modes[0]![2]]);
  await expect(subscribe()).rejects.toMatchObject({
    failure: 'not-accepted',
    message: 'Subgraph "stock" did not accept the subscription.',
  });
  expect(sockets()).toBe(1);
});

it('has a refused subscription as one event, with the type of the error as its code', async () => {
  const { subscribe } = await open({ type: 'API_KEY', apiKey: 'k' }, [modes[0]![2]]);
  const sources = [];
  for (let i = 0; i < 2; i++) sources.push(await subscribe({}, ['no id']));
  for (const source of sources) {
    const { errors } = JSON.parse((await source.next())!.body.toString());
    expect(errors[0].extensions).toEqual({ code: expect.any(String) });
    expect(await source.next()).toBeUndefined();
  }
});

it('shares a connection between callers of whom the API sees nothing, up to 100 subscriptions', async () => {
  const { subscribe, sockets } = await open({ type: 'API_KEY', apiKey: 'k' }, [modes[0]![2]]);
  for (let i = 0; i < 101; i++) await subscribe({ 'x-user': `u${i % 7}` });
  expect(sockets()).toBe(2);
});

it('has a connection for each token of a caller', async () => {
  const { subscribe, sockets } = await open({ type: 'AWS_LAMBDA' }, [
    { type: 'AWS_LAMBDA', isAuthorized: () => true },
  ]);
  for (const token of ['a', 'b', 'a']) await subscribe({ authorization: token });
  expect(sockets()).toBe(2);
});
