/** Answers from the response cache as they go over connections: they are sent past most of what Node does for others. */
import { connect, type Socket } from 'node:net';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  const said = { 'cache-control': 'public, max-age=600' };
  graph.accounts.headers = said;
  graph.accounts.answer = (_, response) => {
    response.setHeaders(new Map(Object.entries(said)));
    response.end(JSON.stringify({ data: { me: { name } } }));
  };
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    // The tests keep the event loop busy themselves.
    overload: { delay: '1m' },
    rates: [{ name: 'all', per: 'everybody', limit: 1_000_000, window: 'day' }],
  });
  for (const request of [post('warm'), get('warm')]) for (let i = 0; i < 2; i++) await answersTo(request, 1);
});
afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

/** Long enough that a few of them fill the buffers of a connection. */
const name = 'é'.repeat(25_000);
const query = '{ me { name } }';
const rightBody = `{"data":{"me":{"name":"${name}"}}}`;

const body = JSON.stringify({ query });
const post = (id: string, more = '', version = '1.1') =>
  `POST /graphql HTTP/${version}\r\nhost: x\r\nx-request-id: ${id}\r\ncontent-type: application/json\r\n` +
  `content-length: ${body.length}\r\n${more}\r\n${body}`;
const get = (id: string) =>
  `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nhost: x\r\nx-request-id: ${id}\r\napollo-require-preflight: yes\r\n\r\n`;

interface Answer {
  readonly head: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

function open(): Socket {
  const { hostname, port } = new URL(gateway.url);
  return connect(Number(port), hostname).setNoDelay(true);
}

/** The next answers on a connection; all of them, and then its end, with `Infinity`. */
function read(socket: Socket, count: number): Promise<Answer[]> {
  let left = Buffer.alloc(0);
  const answers: Answer[] = [];
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      left = Buffer.concat([left, chunk]);
      for (let answer = next(); answer !== undefined; answer = next()) answers.push(answer);
      if (answers.length < count) return;
      socket.off('data', take);
      resolve(answers);
    };
    socket.on('data', take);
    socket.on('error', reject);
    socket.on('close', () => resolve(answers));
  });

  function next(): Answer | undefined {
    const end = left.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const head = left.toString('latin1', 0, end);
    const headers = Object.fromEntries(
      head
        .split('\r\n')
        .slice(1)
        .map((line) => line.toLowerCase().split(': ', 2) as [string, string]),
    );
    const bodyEnd = end + 4 + Number(headers['content-length']);
    if (left.length < bodyEnd) return undefined;
    const answer = { head, headers, body: left.toString('utf8', end + 4, bodyEnd) };
    left = left.subarray(bodyEnd);
    return answer;
  }
}

async function answersTo(bytes: string, count: number): Promise<Answer[]> {
  const socket = open();
  socket.write(bytes);
  const answers = await read(socket, count);
  socket.destroy();
  return answers;
}

function expectHit({ head, headers, body: got }: Answer): void {
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(headers).toMatchObject({
    ...{ 'x-cache': 'hit', 'cache-control': 'public, max-age=600' },
    ...{ 'x-content-type-options': 'nosniff', 'content-type': 'application/json; charset=utf-8' },
  });
  expect(headers['age']).toMatch(/^\d+$/);
  expect(headers).not.toHaveProperty('traceresponse');
  expect(headers['ratelimit']).toMatch(/^"all";r=\d+;t=\d+$/);
  expect(Math.abs(Date.parse(headers['date']!) - Date.now())).toBeLessThan(60_000);
  expect(got === rightBody).toBe(true);
}

describe('a request that looks like one that is known', () => {
  const send = (type: string, content: string) =>
    `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${content.length}\r\n\r\n${content}`;

  it('is none when its body is the URL of a GET', async () => {
    const url = `/graphql?query=${encodeURIComponent(query)}`;
    for (const content of [url, `GET ${url}`]) {
      const [known, answer] = await answersTo(get('known') + send('application/json', content), 2);
      expectHit(known!);
      expect(answer!.head).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  it.each([
    ['application/json; charset=latin1', 415],
    ['application/json;charset="utf-16"', 415],
    ['application/json; charset=utf-8', 200],
    ['application/json;charset="UTF-8"', 200],
    ['application/json; charset=utf8; x=y', 200],
  ])('has the status of a new one when its type is %s', async (type, status) => {
    const fresh = JSON.stringify({ query: `{ me { name } } # ${type}` });
    const [isNew] = await answersTo(send(type, fresh), 1);
    const [known, again] = await answersTo(post('known') + send(type, body), 2);
    expectHit(known!);
    expect([isNew, again].map((each) => each!.head.slice(0, 12))).toEqual(
      Array(2).fill(`HTTP/1.1 ${status}`),
    );
    if (status === 200) expect(again!.headers['x-cache']).toBe('hit');
  });
});

describe.each([
  ['POST', post],
  ['GET', get],
])('a %s', (_, request) => {
  it('is answered on a connection that stays', async () => {
    const socket = open();
    for (const id of ['one', 'b'.repeat(128), 'three']) {
      socket.write(request(id));
      const [answer] = await read(socket, 1);
      expectHit(answer!);
      expect(answer!.headers).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=72' });
    }
    socket.destroy();
  });

  it('is answered in its turn among many in one packet', async () => {
    const ids = Array.from({ length: 9 }, (__, i) => `turn-${i}`);
    const answers = await answersTo(ids.map((id) => request(id)).join(''), ids.length);
    answers.forEach(expectHit);
    const sentId = ({ headers }: Answer): unknown =>
      gateway.log.find(({ requestId }) => requestId === headers['x-request-id'])?.['clientRequestId'];
    await eventually(() => answers.every((each) => sentId(each) !== undefined));
    expect(answers.map(sentId)).toEqual(ids);
  });

  it('is answered when its bytes come one by one', async () => {
    const socket = open();
    const answer = read(socket, 1);
    for (const byte of request('slow')) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    expectHit((await answer)[0]!);
    socket.destroy();
  });

  it('is answered among others that are not', async () => {
    const other = post('other').replace(body, JSON.stringify({ query: '{  me { name} }' }));
    const answers = await answersTo(request('a') + other + request('b'), 3);
    expectHit(answers[0]!);
    expect(answers[1]!.head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expectHit(answers[2]!);
  });

  it('keeps what it sends to a client that reads slowly, while others are answered the same', async () => {
    const slow = Array.from({ length: 3 }, open);
    const ids = slow.map((__, i) => Array.from({ length: 120 }, (___, j) => `slow-${i}-${j}`));
    slow.forEach((socket, i) => socket.pause().write(ids[i]!.map((id) => request(id)).join('')));
    for (let i = 0; i < 30; i++) expectHit((await answersTo(request(`quick-${i}`), 1))[0]!);
    const read3 = slow.map((socket) => read(socket, 120));
    slow.forEach((socket) => socket.resume());
    for (const answers of await Promise.all(read3)) answers.forEach(expectHit);
    slow.forEach((socket) => socket.destroy());
  });
});

it('closes a connection that is not to stay', async () => {
  for (const request of [post('last', 'connection: close\r\n'), post('last', '', '1.0')]) {
    const answers = await answersTo(request, Infinity);
    expect(answers).toHaveLength(1);
    expect(answers[0]!.headers).toMatchObject({ connection: 'close', 'x-cache': 'hit' });
    expect(answers[0]!.body === rightBody).toBe(true);
  }
});

it('is in the access log, and in the metrics', async () => {
  await answersTo(post('logged'), 1);
  const find = (): unknown => gateway.log.find(({ clientRequestId }) => clientRequestId === 'logged');
  while (find() === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  const line = find();
  expect(line).toMatchObject({ method: 'POST', path: '/graphql', status: 200, operationType: 'query' });
  const metrics = await gateway.metrics();
  expect(await gateway.inFlight()).toBe(0);
  expect(metrics).toMatch(
    /^http_server_request_duration_seconds_count\{http_request_method="POST",url_scheme="http",http_route="\/graphql",http_response_status_code="200"\} \d\d+$/m,
  );
});

it('forgets all that a client has asked for that leaves, in whatever turn', async () => {
  const socket = open();
  socket.pause().write(Array.from({ length: 200 }, (_, i) => post(`gone-${i}`)).join(''));
  const reached = () => gateway.log.some(({ clientRequestId }) => clientRequestId === 'gone-0');
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 10));
  socket.resetAndDestroy();
  while ((await gateway.inFlight()) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(gateway.log.some(({ status }) => status === 499)).toBe(true);
});
