/** What a subscriber of the stand-in for AppSync is told. */
import { once } from 'node:events';
import { Signer } from 'aws-appsync-auth-link';
import { WebSocket } from 'ws';
import { startAppSyncStandIn, type AppSyncApi, type AppSyncStandIn } from '../../../../kit/appsync/stand-in';

const schema = `
type Query { one: Int }
type Mutation { move(id: ID!, place: String): Parcel  drop(id: ID!): Parcel }
type Subscription {
  moved(id: ID): Parcel @aws_subscribe(mutations: ["move"])
  changed(place: String): Parcel @aws_subscribe(mutations: ["move", "drop"])
}
type Parcel { id: ID! place: String at: AWSDateTime carrier: Carrier }
type Carrier { name: String }`;
const resolvers = {
  'Mutation.move': (_: unknown, { id, place }: { id: string; place?: string }) => ({
    ...{ id, place, at: '2026-05-05T12:00:00Z' },
    carrier: { name: 'PostNL' },
  }),
  'Mutation.drop': (_: unknown, { id }: { id: string }) => (id === 'none' ? null : { id }),
};

const running: AppSyncStandIn[] = [];
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  for (const each of running.splice(0)) await each.stop();
});
async function start(api: Partial<AppSyncApi> = {}): Promise<string> {
  const modes = [{ type: 'API_KEY', keys: new Set(['k']) }] as const;
  const standIn = await startAppSyncStandIn({ schema, resolvers, modes, ...api });
  running.push(standIn);
  return standIn.url;
}

type Frame = Readonly<Record<string, unknown>>;
const key = (url: string): Frame => ({ host: new URL(url).host, 'x-api-key': 'k' });
const encoded = (header: Frame): string => Buffer.from(JSON.stringify(header)).toString('base64url');

/** A socket of which frames are read one after the other; keep-alives are left out unless asked for. */
function socketOf(socket: WebSocket) {
  sockets.push(socket);
  socket.on('error', () => undefined);
  const frames: Frame[] = [];
  const readers: ((frame: Frame) => void)[] = [];
  socket.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as Frame;
    const reader = readers.shift();
    if (reader) reader(frame);
    else frames.push(frame);
  });
  const any = (): Promise<Frame> =>
    frames.length > 0 ? Promise.resolve(frames.shift()!) : new Promise((resolve) => readers.push(resolve));
  const next = async (): Promise<Frame> => {
    const frame = await any();
    return frame['type'] === 'ka' ? next() : frame;
  };
  return { any, next, send: (frame: unknown) => socket.send(JSON.stringify(frame)), socket };
}

async function connect(url: string, header: Frame = key(url), path = '/realtime') {
  const address = url.replace(/^http/, 'ws') + path;
  const opened = socketOf(new WebSocket(address, ['graphql-ws', `header-${encoded(header)}`]));
  await once(opened.socket, 'open');
  expect(opened.socket.protocol).toBe('graphql-ws');
  opened.send({ type: 'connection_init' });
  return opened;
}
async function connected(url: string, header?: Frame) {
  const opened = await connect(url, header);
  expect(await opened.next()).toEqual({ type: 'connection_ack', payload: { connectionTimeoutMs: 300_000 } });
  const begin = (id: string, query: string, { variables = {}, authorization = key(url) } = {}) =>
    opened.send({
      ...{ id, type: 'start' },
      payload: { data: JSON.stringify({ query, variables }), extensions: { authorization } },
    });
  return { ...opened, begin };
}
const mutate = (url: string, query: string) =>
  fetch(url, { method: 'POST', headers: { 'x-api-key': 'k' }, body: JSON.stringify({ query }) });

describe('a stand-in for AppSync', () => {
  it('sends what a mutation selected to those who subscribe to it', async () => {
    const url = await start();
    const { begin, next } = await connected(url);
    begin('1', 'subscription { moved { id place carrier { name } at } }');
    expect(await next()).toEqual({ id: '1', type: 'start_ack' });
    await mutate(url, 'mutation { move(id: "p1", place: "Utrecht") { id place carrier { name } } }');
    const moved = { id: 'p1', place: 'Utrecht', carrier: { name: 'PostNL' }, at: null };
    expect(await next()).toEqual({ id: '1', type: 'data', payload: { data: { moved } } });
  });

  it('filters by arguments, and by mutation', async () => {
    const url = await start();
    const { begin, next } = await connected(url);
    begin('1', 'subscription Moved($id: ID) { moved(id: $id) { id } }', { variables: { id: 'p2' } });
    begin('2', 'subscription { changed { id place } }');
    await next();
    await next();
    await mutate(url, 'mutation { move(id: "p1") { id } }');
    await mutate(url, 'mutation { drop(id: "none") { id } }');
    await mutate(url, 'mutation { it: drop(id: "p2") { id } }');
    await mutate(url, 'mutation { move(id: "p2") { id } }');
    const frames = [await next(), await next(), await next(), await next()];
    expect(frames.map(({ id, payload }) => [id, (payload as { data: object }).data])).toEqual([
      ['2', { changed: { id: 'p1', place: null } }],
      ['2', { changed: { id: 'p2', place: null } }],
      ['1', { moved: { id: 'p2' } }],
      ['2', { changed: { id: 'p2', place: null } }],
    ]);
  });

  it('ends a subscription when it is told to', async () => {
    const url = await start();
    const { begin, next, send } = await connected(url);
    begin('1', 'subscription { moved { id } }');
    begin('2', 'subscription { moved { id } }');
    await next();
    await next();
    send({ id: '1', type: 'stop' });
    expect(await next()).toEqual({ id: '1', type: 'complete' });
    await mutate(url, 'mutation { move(id: "p1") { id } }');
    expect(await next()).toMatchObject({ id: '2', type: 'data' });
  });

  it('keeps the connection alive', async () => {
    const { any } = await connect(await start({ keepAlive: 20 }));
    const types = [await any(), await any(), await any(), await any()].map(({ type }) => type);
    expect(types).toEqual(['connection_ack', 'ka', 'ka', 'ka']);
  });

  it('refuses a connection with wrong credentials', async () => {
    const url = await start();
    const { next, socket } = await connect(url, { 'x-api-key': 'wrong' });
    expect(await next()).toEqual({
      type: 'connection_error',
      payload: {
        errors: [
          {
            errorType: 'UnauthorizedException',
            message: 'You are not authorized to make this call.',
            errorCode: 401,
          },
        ],
      },
    });
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
  });

  it.each([
    ['wrong credentials', 'subscription { moved { id } }', 'UnauthorizedException', { 'x-api-key': 'wrong' }],
    ['an unknown field', 'subscription { none }', 'BadRequestException', undefined],
    ['a query', '{ one }', 'BadRequestException', undefined],
    ['what is no GraphQL', '{', 'BadRequestException', undefined],
    [
      'a variable of another type',
      'subscription ($id: ID) { moved(id: $id) { id } }',
      'BadRequestException',
      undefined,
    ],
    ['an id that is in use', 'subscription { moved { id } }', 'DuplicatedOperationError', undefined],
  ])(
    'refuses a subscription with %s, and its siblings live on',
    async (what, query, errorType, authorization) => {
      const url = await start();
      const { begin, next } = await connected(url);
      begin('1', 'subscription { moved { id } }');
      await next();
      const id = what === 'an id that is in use' ? '1' : '2';
      begin(id, query, { variables: { id: {} }, authorization: authorization ?? key(url) });
      expect(await next()).toMatchObject({ id, type: 'error', payload: { errors: [{ errorType }] } });
      await mutate(url, 'mutation { move(id: "p1") { id } }');
      expect(await next()).toMatchObject({ id: '1', type: 'data' });
    },
  );

  it('refuses more than 100 subscriptions of a connection', async () => {
    const url = await start();
    const { begin, next } = await connected(url);
    for (let id = 1; id <= 101; id++) begin(String(id), 'subscription { moved { id } }');
    for (let id = 1; id <= 100; id++) expect(await next()).toEqual({ id: String(id), type: 'start_ack' });
    expect(await next()).toMatchObject({
      id: '101',
      payload: { errors: [{ errorType: 'MaxSubscriptionsReachedError' }] },
    });
  });

  it('verifies signatures of IAM over the connection and over each subscription', async () => {
    const credentials = { access_key: 'AKIA', secret_key: 'secret' };
    const url = await start({
      modes: [
        { type: 'AWS_IAM', region: 'eu-west-1', known: new Map([['AKIA', { secretAccessKey: 'secret' }]]) },
      ],
    });
    const signed = (path: string, data: string): Frame => {
      const fixed = {
        accept: 'application/json, text/javascript',
        'content-encoding': 'amz-1.0',
        'content-type': 'application/json; charset=UTF-8',
      };
      const request = { method: 'POST', url: url + path, body: data, headers: { ...fixed } };
      const { headers } = Signer.sign(request, credentials, { service: 'appsync', region: 'eu-west-1' }) as {
        headers: Frame;
      };
      return headers;
    };
    const { next, send } = await connected(url, signed('/connect', '{}'));
    const data = JSON.stringify({ query: 'subscription { moved { id } }', variables: {} });
    send({ id: '1', type: 'start', payload: { data, extensions: { authorization: signed('', data) } } });
    expect(await next()).toEqual({ id: '1', type: 'start_ack' });
    send({
      id: '2',
      type: 'start',
      payload: { data: `${data} `, extensions: { authorization: signed('', data) } },
    });
    expect(await next()).toMatchObject({
      id: '2',
      payload: { errors: [{ errorType: 'InvalidSignatureException' }] },
    });
  });
});
