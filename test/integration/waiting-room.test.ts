/** Who waits for a place, over real sockets. Longer than other files: all ways in, and all ways to leave, meet one gateway. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { askForLeave } from '../support/ask-for-leave';
import { startTestGateway, sourceOf, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;
/** Answers what the one place is taken by. */
let free: (() => void) | undefined;
const sockets: Socket[] = [];

beforeAll(async () => {
  graph = await startSmallGraph();
});
afterAll(() => graph.close());
afterEach(async () => {
  free?.();
  free = undefined;
  graph.accounts.answer = undefined;
  for (const socket of sockets.splice(0)) socket.destroy();
  await gateway.stop();
});

const query = JSON.stringify({ query: '{ __typename }' });
const answer = '{"data":{"__typename":"Query"}}';
const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const whole = (body: string) => `${head}content-length: ${body.length}\r\n\r\n${body}`;
const files = join(__dirname, '../support/tls');
const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };

/** A gateway with one place. */
async function startFull(more: object = {}, overload: object = {}): Promise<void> {
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    overload: { requests: 1, wait: '1m', ...overload },
    ...more,
  });
  graph.accounts.answer = (_, response) => {
    free = () => response.end('{"data":{"me":{"name":"Ada"}}}');
  };
}

/** Somebody has the place until it is `free`; `served` is the status of the answer. */
async function takePlace(): Promise<{ readonly served: Promise<number> }> {
  const served = gateway.post({ query: '{ me { name } }' }).then(async (response) => {
    await response.text();
    return response.status;
  });
  while (free === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  return { served };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}
const waiting = (count: number) =>
  until(async () => (await gateway.metrics()).includes(`weir_requests_waiting ${count}\n`));
const inFlight = (count: number) => until(async () => (await gateway.inFlight()) === count);

/** A connection that keeps what comes on it. */
function open() {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  return {
    socket,
    write: (bytes: string) => new Promise<void>((written) => socket.write(bytes, () => written())),
    /** The status of each answer, once there are so many. */
    answers: async (count: number): Promise<number[]> => {
      const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
      while (statuses().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
      return statuses();
    },
    text: () => text,
  };
}

it('serves those that wait in the order in which they came, and health meanwhile', async () => {
  await startFull();
  await takePlace();
  const order: number[] = [];
  const asked: Promise<void>[] = [];
  for (let i = 0; i < 5; i++) {
    asked.push(
      gateway.post(query).then(async (response) => {
        expect(await response.text()).toContain(answer);
        order.push(i);
      }),
    );
    await waiting(i + 1);
  }
  expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);
  expect(order).toEqual([]);
  free!();
  await Promise.all(asked);
  expect(order).toEqual([0, 1, 2, 3, 4]);
  await waiting(0);
});

it('serves addresses in turn, so that one of many requests keeps nobody else waiting for all of them', async () => {
  await startFull({ trustedProxies: ['127.0.0.1'] });
  await takePlace();
  const order: string[] = [];
  const ask = async (address: string) => {
    const response = await gateway.post(query, { headers: { 'x-forwarded-for': address } });
    expect(response.status).toBe(200);
    order.push(address);
  };
  const asked: Promise<void>[] = [];
  for (const address of ['9.9.9.1', '9.9.9.1', '9.9.9.1', '9.9.9.1', '9.9.9.2', '9.9.9.2']) {
    asked.push(ask(address));
    await waiting(asked.length);
  }
  free!();
  await Promise.all(asked);
  expect(order).toEqual(['9.9.9.1', '9.9.9.2', '9.9.9.1', '9.9.9.2', '9.9.9.1', '9.9.9.1']);
});

it('refuses who has waited for the time of the options, and keeps the connection', async () => {
  await startFull({}, { wait: '50ms', queue: 0 });
  await takePlace();
  const { write, answers, text } = open();
  await write(whole(query));
  expect(await answers(1)).toEqual([503]);
  // More than is kept of a body that nobody has asked for, and half of it comes after the answer.
  await write(`${head.replace('json', 'xml')}content-length: 100000\r\n\r\n${' '.repeat(50_000)}`);
  expect(await answers(2)).toEqual([503, 503]);
  await write(' '.repeat(50_000));
  free!();
  await write(whole(query));
  expect(await answers(3)).toEqual([503, 503, 200]);
  expect(text().match(/"OVERLOADED"/g)).toHaveLength(2);
});

it('does nothing for a client that leaves while it waits', async () => {
  await startFull();
  const { served } = await takePlace();
  graph.accounts.answer = undefined;
  const before = graph.accounts.requests.length;
  const { socket, write } = open();
  const mine = JSON.stringify({ query: '{ me { name } }' });
  // Two on one connection, of which Node tells of the first only that its client has left.
  await write(whole(mine) + whole(mine));
  await waiting(2);
  socket.destroy();
  const asked = gateway.post(query);
  await waiting(3);
  free!();
  expect((await asked).status).toBe(200);
  expect(await served).toBe(200);
  await waiting(0);
  await inFlight(0);
  expect(graph.accounts.requests).toHaveLength(before);
});

it('has a request wait as soon as its body has come, and not before', async () => {
  await startFull();
  await takePlace();
  const [early, late] = [open(), open()];
  await early.write(`${head}content-length: ${query.length}\r\n\r\n${query.slice(0, 5)}`);
  await inFlight(2);
  await waiting(0);
  await early.write(query.slice(5, 10));
  await early.write(query.slice(10));
  await waiting(1);
  // Where one request may be worked on, one may be arriving: of two the older one would get 408.
  await late.write(`${head}content-length: ${query.length}\r\n\r\n${query.slice(0, 5)}`);
  await inFlight(3);
  await waiting(1);
  free!();
  expect(await early.answers(1)).toEqual([200]);
  await late.write(query.slice(5, 10));
  await late.write(query.slice(10));
  expect(await late.answers(1)).toEqual([200]);
  expect(late.text()).toContain(answer);
});

it('has one whose body comes in chunks wait when all of it has come', async () => {
  await startFull();
  await takePlace();
  const { write, answers } = open();
  await write(`${head}transfer-encoding: chunked\r\n\r\n5\r\n${query.slice(0, 5)}\r\n`);
  await inFlight(2);
  await waiting(0);
  await write(`${(query.length - 5).toString(16)}\r\n${query.slice(5)}\r\n0\r\n\r\n`);
  await waiting(1);
  free!();
  expect(await answers(1)).toEqual([200]);
});

it.each([
  ['is good', 'web-1', [100, 200]],
  ['is wrong', 'web-3', [401]],
])(
  'gives no leave to send a body before its turn, when it is known that a key %s',
  async (_, key, statuses) => {
    const sha256 = createHash('sha256').update('web-1').digest('hex');
    await startFull({ auth: { apiKeys: [{ client: 'web', sha256 }], anonymous: true } });
    await takePlace();
    const asked = askForLeave(gateway.url, { 'x-api-key': key }, query);
    await waiting(1);
    free!();
    expect(await asked).toEqual(statuses);
  },
);

it('takes a body that is larger than what is kept meanwhile', async () => {
  await startFull();
  await takePlace();
  const body = JSON.stringify({ query: `{ __typename } #${'x'.repeat(500_000)}` });
  const { socket, write, answers } = open();
  void write(whole(body));
  await waiting(1);
  free!();
  expect(await answers(1)).toEqual([200]);
  await write(whole(query));
  expect(await answers(2)).toEqual([200, 200]);
  expect(socket.destroyed).toBe(false);
});

it('keeps the order of what is pipelined', async () => {
  await startFull();
  await takePlace();
  const { write, answers, text } = open();
  const named = (name: string) => JSON.stringify({ query: `{ ${name}: __typename }` });
  await write(whole(named('a')) + whole(named('b')) + whole(named('c')));
  await waiting(3);
  free!();
  expect(await answers(3)).toEqual([200, 200, 200]);
  expect([...text().matchAll(/"([abc])":"Query"/g)].map(([, name]) => name)).toEqual(['a', 'b', 'c']);
});

it('serves a GET, a body in chunks, and one that is packed or of another type, as ever', async () => {
  await startFull();
  await takePlace();
  const search = new URLSearchParams({ query: '{ __typename }' }).toString();
  const requests = [
    `GET /graphql?${search} HTTP/1.1\r\nhost: x\r\napollo-require-preflight: yes\r\n\r\n`,
    `${head}transfer-encoding: chunked\r\n\r\n${query.length.toString(16)}\r\n${query}\r\n0\r\n\r\n`,
    whole('nothing').replace('content-type', 'content-encoding: gzip\r\ncontent-type'),
    whole(query).replace('application/json', 'text/plain'),
  ];
  const connections = requests.map((bytes) => {
    const connection = open();
    void connection.write(bytes);
    return connection;
  });
  await waiting(4);
  free!();
  const statuses = await Promise.all(connections.map(({ answers }) => answers(1)));
  expect(statuses).toEqual([[200], [200], [400], [415]]);
});

it('says to a body that is too large that it is, and the client hears it', async () => {
  await startFull({ limits: { body: '100KiB' } });
  await takePlace();
  const { write, answers, text } = open();
  void write(whole('x'.repeat(200_000)));
  await waiting(1);
  free!();
  expect(await answers(1)).toEqual([413]);
  expect(text()).toContain('"PAYLOAD_TOO_LARGE"');
});

describe('over HTTP/2', () => {
  const ask = (session: ReturnType<typeof connectHttp2>, body: string) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    const status = new Promise<number | undefined>((resolve) => {
      let status: number | undefined;
      stream.on('response', (headers) => (status = headers[':status']));
      stream.on('error', () => undefined);
      stream.on('close', () => resolve(status));
    });
    stream.resume();
    stream.end(body);
    return { stream, status };
  };

  it('serves those that wait, and does nothing for one that is reset', async () => {
    await startFull({ tls });
    const session = connectHttp2(new URL(gateway.url).origin, { ca: readFileSync(tls.cert) });
    session.on('error', () => undefined);
    const first = ask(session, JSON.stringify({ query: '{ me { name } }' }));
    while (free === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    graph.accounts.answer = undefined;
    const before = graph.accounts.requests.length;
    const second = ask(session, query);
    const reset = ask(session, JSON.stringify({ query: '{ me { name } }' }));
    const large = ask(session, JSON.stringify({ query: `{ __typename } #${'x'.repeat(300_000)}` }));
    await waiting(3);
    reset.stream.close(8);
    await reset.status;
    free();
    expect(await first.status).toBe(200);
    expect(await second.status).toBe(200);
    expect(await large.status).toBe(200);
    await inFlight(0);
    expect(graph.accounts.requests).toHaveLength(before);
    session.destroy();
  });
});

it('serves those that wait when it stops', async () => {
  await startFull();
  const { served } = await takePlace();
  const asked = [1, 2, 3].map(() => gateway.post(query).then(({ status }) => status));
  await waiting(3);
  const stopped = gateway.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  free!();
  expect(await Promise.all([served, ...asked])).toEqual([200, 200, 200, 200]);
  await stopped;
});

it('answers those that wait when they do not get their turn before the end', async () => {
  await startFull({ shutdown: { grace: '300ms' } }, { queue: 0 });
  const { served } = await takePlace();
  const asked = gateway.post(query).then(({ status }) => status);
  await waiting(1);
  await gateway.stop();
  expect(await Promise.all([served, asked])).toEqual([503, 503]);
});

it('answers those that have a seat when the end comes, and begins none of them then', async () => {
  await startFull({ shutdown: { grace: '300ms' } });
  const { served } = await takePlace();
  const before = graph.accounts.requests.length;
  const statusOf = (asked: Promise<Response>) => asked.then(({ status }) => status);
  const asked = [1, 2, 3].map((i) => statusOf(gateway.post({ query: `{ me { name } a${i}: __typename }` })));
  await waiting(3);
  await gateway.stop();
  expect(await Promise.all([served, ...asked])).toEqual([503, 503, 503, 503]);
  expect(graph.accounts.requests).toHaveLength(before);
});
