/** Too many requests, and clients that do not read or send. Over 300 lines: each attack has its raw client here. */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startCanary } from '../support/canary';
import { requestBytes } from '../support/pipelined';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;
beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    overload: { requests: 2, queue: 0 },
    cors: { origins: ['https://shop.example'] },
  });
});
afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

it('refuses what is too much at once, answers health, and serves again afterwards', async () => {
  const held: (() => void)[] = [];
  graph.accounts.answer = (_, response) => held.push(() => response.end('{"data":{"me":{"name":"Ada"}}}'));
  const ask = (client: string) =>
    gateway.post({ query: '{ me { name } }' }, { headers: { authorization: client } });
  const served = [ask('1'), ask('2')];
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));

  const refused = await gateway.post(
    { query: '{ me { name } }' },
    { headers: { accept: 'application/graphql-response+json', origin: 'https://shop.example' } },
  );
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect(await refused.json()).toEqual({
    errors: [
      { message: 'The gateway has too many requests at this moment.', extensions: { code: 'OVERLOADED' } },
    ],
  });
  expect((await fetch(new URL('/health/live', gateway.url))).status).toBe(200);
  expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);

  graph.accounts.answer = undefined;
  for (const answer of held) answer();
  expect((await Promise.all(served)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await ask('3')).status).toBe(200);
});

it('keeps the connection of whoever is refused, whatever was sent on it', async () => {
  const held: (() => void)[] = [];
  graph.accounts.answer = (_, response) => held.push(() => response.end('{"data":{"me":{"name":"Ada"}}}'));
  const served = ['1', '2'].map((client) =>
    gateway.post({ query: '{ me { name } }' }, { headers: { authorization: client } }),
  );
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));

  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  const answers = async (count: number): Promise<string[]> => {
    const heads = () => [...text.matchAll(/HTTP\/1\.1 \d+ [^\r]*/g)].map(([head]) => head);
    while (heads().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return heads();
  };
  const refused = 'HTTP/1.1 503 Service Unavailable';
  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const body = '{"query":"{ __typename }"}';
  const whole = `${head}content-length: ${body.length}\r\n\r\n${body}`;
  // Two at once, one whose body comes in pieces after the answer, one that wants no body, one in chunks.
  socket.write(whole + whole);
  expect(await answers(2)).toEqual([refused, refused]);
  socket.write(`${head.replace('json', 'xml')}content-length: 40000\r\n\r\n`);
  await answers(3);
  for (let i = 0; i < 4; i++) socket.write('x'.repeat(10_000));
  socket.write('HEAD /graphql HTTP/1.1\r\nhost: x\r\n\r\n');
  await answers(4);
  socket.write(`${head}transfer-encoding: chunked\r\n\r\n1a\r\n${body}\r\n0\r\n\r\n`);
  expect(await answers(5)).toEqual(Array.from({ length: 5 }, () => refused));

  graph.accounts.answer = undefined;
  for (const answer of held) answer();
  expect((await Promise.all(served)).map(({ status }) => status)).toEqual([200, 200]);
  socket.write(whole);
  expect((await answers(6)).at(-1)).toBe('HTTP/1.1 200 OK');
  expect(text.match(/"OVERLOADED"/g)).toHaveLength(4);
  socket.destroy();
});

describe('a client that reads nothing', () => {
  const name = 'x'.repeat(95_000);
  const body = JSON.stringify({ query: '{ me { name } }' });
  const json = { 'content-type': 'application/json' };
  const files = join(__dirname, '../support/tls');
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const large = JSON.stringify({ data: { me: { name: 'x'.repeat(2_000_000) } } });
  /** More than the buffers of the system take. */
  const requests = 300;
  let own: TestGateway;

  beforeEach(() => {
    graph.accounts.answer = (_, response) => response.end(JSON.stringify({ data: { me: { name } } }));
  });
  afterEach(async () => {
    graph.accounts.answer = undefined;
    await own.stop();
  });

  const start = async (more: object) => {
    own = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      overload: { unread: '1MiB' },
      ...more,
    });
  };

  const isCut = () =>
    own.log.some(({ msg }) => msg === 'clients do not read their answers: connections were cut');
  const wasCut = async () => {
    await eventually(isCut, 30_000);
    while ((await own.inFlight()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('is cut, however many answers it has asked for, and others are served', async () => {
    await start({});
    const { hostname, port } = new URL(own.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.pause();
    for (let i = 0; i < requests; i++)
      socket.write(
        requestBytes('POST /graphql', [...Object.entries(json), ['authorization', `client ${i}`]], body),
      );
    await wasCut();
    expect((await own.query('{ me { name } }')).data).toEqual({ me: { name } });
    socket.destroy();
  });

  it('is cut on HTTP/2, too', async () => {
    await start({ tls });
    const session = connectHttp2(new URL(own.url).origin, { ca: readFileSync(tls.cert) });
    session.on('error', () => undefined);
    for (let i = 0; i < 90; i++) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/graphql',
        ...json,
        authorization: `${i}`,
      });
      stream.on('error', () => undefined);
      stream.end(body);
    }
    await wasCut();
    session.destroy();
  });

  it('is cut on HTTP/2 also when its answers are large and its window is 0', async () => {
    graph.accounts.answer = (_, response) => response.end(large);
    await start({ tls, overload: { unread: '8MiB' } });
    const session = connectHttp2(new URL(own.url).origin, {
      ca: readFileSync(tls.cert),
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => undefined);
    // 20 MB, of which Fastify writes 64 KB each before it waits.
    for (let i = 0; i < 10; i++) {
      const headers = { ':method': 'POST', ':path': '/graphql', ...json, authorization: `${i}` };
      const stream = session.request(headers);
      stream.on('error', () => undefined);
      stream.end(body);
    }
    await wasCut();
    session.destroy();
  });

  it.each([
    ['as soon as too much waits', '48MiB'],
    ['after the time for which it may read so slowly', '128MiB'],
  ])(
    'but some bytes now and then is cut %s, and nobody else is refused',
    async (_, unread) => {
      graph.accounts.answer = (_, response) => response.end(large);
      await start({ overload: { unread, readTime: '1s' } });
      const canary = await startCanary({ url: own.url, queries: ['{ __typename }'] });
      const { hostname, port } = new URL(own.url);
      // Equal requests share an answer.
      const headers = (name: string) => [...Object.entries(json), ['authorization', name] as const];
      const readers = Array.from({ length: 6 }, (_, i) => {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined);
        // 18 MB each, more than the buffers of the system take.
        for (let k = 0; k < 9; k++) socket.write(requestBytes('POST /graphql', headers(`${i} ${k}`), body));
        socket.pause();
        const timer = setInterval(() => socket.read(100), 100);
        return () => {
          clearInterval(timer);
          socket.destroy();
        };
      });
      await eventually(isCut, 30_000);
      readers.forEach((leave) => leave());
      await canary.expectUnharmed();
      await canary.stop();
      expect(await own.metrics()).not.toMatch(/^weir_requests_refused_total [1-9]/m);
    },
    40_000,
  );

  /** Clients that send so many requests each, and read nothing until they are let. */
  const stalled = (count: number, each: number, nameOf: (client: number, i: number) => string) => {
    const { hostname, port } = new URL(own.url);
    return Array.from({ length: count }, (_, client) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      socket.pause();
      for (let i = 0; i < each; i++) {
        const headers = [...Object.entries(json), ['authorization', nameOf(client, i)] as const];
        socket.write(requestBytes('POST /graphql', headers, body));
      }
      return socket;
    });
  };

  it('takes no answers from clients that read, however large all that arrive together are', async () => {
    await start({ overload: { unread: '4MiB' } });
    graph.accounts.answer = (_, response) => response.end(large);
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const answer = await fetch(own.url, {
          method: 'POST',
          headers: { ...json, authorization: `${i}` },
          body,
        });
        return [answer.status, (await answer.text()).length];
      }),
    );
    expect(answers).toEqual(answers.map(() => [200, large.length]));
    expect(isCut()).toBe(false);
  }, 40_000);

  it('costs nobody the connection when one answer waits for many', async () => {
    const [clients, each] = [5, 5];
    const held: (() => void)[] = [];
    await start({ overload: { unread: '8MiB' } });
    // Known operations alone are shared.
    await own.query('{ me { name } }');
    graph.accounts.answer = (_, response) => held.push(() => response.end(large));
    const canary = await startCanary({ url: own.url, queries: ['{ __typename }'] });
    const sockets = stalled(clients, each, () => 'all alike');
    await eventually(async () => held.length > 0 && (await own.inFlight()) >= clients * each);
    for (const answer of held) answer();
    // 50 MB for 5 connections, of which the buffers of the system take a part.
    await new Promise((resolve) => setTimeout(resolve, 700));
    let read = 0;
    for (const socket of sockets) socket.on('data', (piece: Buffer) => (read += piece.length)).resume();
    await eventually(() => read > clients * each * 2_000_000);
    expect([held.length, isCut()]).toEqual([1, false]);
    sockets.forEach((socket) => socket.destroy());
    await canary.expectUnharmed();
    await canary.stop();
  }, 40_000);
});

describe('a client that begins requests and sends no more of them', () => {
  const files = join(__dirname, '../support/tls');
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  let own: TestGateway;
  afterEach(() => own.stop());

  const start = async (more: object) => {
    own = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      overload: { requests: 3, queue: 0 },
      ...more,
    });
  };
  const inFlight = async (count: number) => {
    while ((await own.inFlight()) !== count) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const gaveUp = () =>
    own.log.filter(({ msg }) => msg === 'clients do not finish their requests: requests were dropped');

  const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

  it.each([
    ['of a length that it says', 'content-length: 100\r\n\r\n{'],
    ['in chunks', 'transfer-encoding: chunked\r\n\r\n1\r\n{\r\n'],
    ['that is packed', 'content-encoding: gzip\r\ncontent-length: 100\r\n\r\n'],
    ['of another type', 'content-type: application/json; a=b\r\ncontent-length: 100\r\n\r\n'],
  ])(
    'takes no place from others with a body %s, and may take its time',
    async (_, rest) => {
      await start({});
      const { hostname, port } = new URL(own.url);
      const start_ = head.replace(/content-type: .*\r\n/, rest.includes('content-type') ? '' : '$&');
      const sockets = Array.from({ length: 3 }, () => {
        const socket = connect(Number(port), hostname);
        socket.write(start_ + rest);
        return socket;
      });
      await inFlight(3);
      for (let i = 0; i < 10; i++)
        expect(await own.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
      await inFlight(3);
      expect(gaveUp()).toEqual([]);
      for (const socket of sockets) socket.destroy();
      await inFlight(0);
    },
    20_000,
  );

  it('is told that they did not arrive when there are more than may be served, the oldest first', async () => {
    await start({});
    const { hostname, port } = new URL(own.url);
    const answers: string[] = [];
    const sockets = [];
    for (let i = 0; i < 4; i++) {
      const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (piece) => answers.push(`${i}: ${String(piece).split('\r\n')[0]}`));
      socket.write(`${head}content-length: 100\r\n\r\n{`);
      if (i < 3) await inFlight(i + 1);
    }
    while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await inFlight(3);
    expect(answers).toEqual(['0: HTTP/1.1 408 REQUEST_TIMEOUT']);
    expect(await own.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
    expect(gaveUp()).toMatchObject([{ requests: 1 }]);
    for (const socket of sockets) socket.destroy();
  });

  it('fills no memory with what it sends of them, and loses no more of them than it has to', async () => {
    await start({ overload: { unsent: '100KiB' } });
    const { hostname, port } = new URL(own.url);
    const sockets = [60_000, 30_000, 30_000].map((size) => {
      const socket = connect(Number(port), hostname);
      socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n');
      socket.write(`content-length: ${size + 1}\r\n\r\n${' '.repeat(size)}`);
      return socket;
    });
    let cut = '';
    sockets[0]!.on('data', (piece) => (cut += piece.toString()));
    await new Promise((closed) => sockets[0]!.once('close', closed));
    expect(cut).toMatch(/^HTTP\/1\.1 408 /);
    await inFlight(2);
    expect(await own.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
    expect(gaveUp()).toMatchObject([{ requests: 1 }]);
    for (const socket of sockets) socket.destroy();
  });

  it('loses no request before them on its connection, and is told so after the answer to that', async () => {
    await start({ overload: { unsent: '20B' } });
    let answer: (() => void) | undefined;
    graph.accounts.answer = (_, response) => {
      answer = () => response.end('{"data":{"me":{"name":"Ada"}}}');
    };
    const { hostname, port } = new URL(own.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    const request = requestBytes(
      'POST /graphql',
      [['content-type', 'application/json']],
      '{"query":"{ me { name } }"}',
    );
    socket.write(request);
    socket.write(request.subarray(0, -1));
    const received = text(socket);
    // It is given up again while it waits.
    while (gaveUp().length < 2 || answer === undefined)
      await new Promise((resolve) => setTimeout(resolve, 20));
    answer();
    graph.accounts.answer = undefined;
    const answers = (await received).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((each) => each.slice(9, 12))).toEqual(['200', '408']);
    expect(answers[0]).toContain('{"data":{"me":{"name":"Ada"}}}');
    expect(await own.query('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  });

  it('loses on HTTP/2 these requests, and no others of its connection', async () => {
    await start({ tls, overload: { unsent: '100KiB' } });
    const held: (() => void)[] = [];
    graph.accounts.answer = (_, response) => held.push(() => response.end('{"data":{"me":{"name":"Ada"}}}'));
    const session = connectHttp2(new URL(own.url).origin, { ca: readFileSync(tls.cert) });
    session.on('error', () => undefined);
    const send = (body: string, isWhole: boolean) =>
      new Promise<number | undefined>((resolve) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/graphql',
          'content-type': 'application/json',
        });
        let status: number | undefined;
        stream.on('response', (headers) => (status = headers[':status']));
        stream.on('error', () => undefined);
        stream.on('close', () => resolve(status));
        stream.resume();
        stream.write(body);
        if (isWhole) stream.end();
      });
    const whole = send('{"query":"{ me { name } }"}', true);
    const begun = [send('{', false), send('', false)];
    expect(await Promise.all(begun)).toEqual([408, 408]);
    expect(gaveUp()).not.toEqual([]);
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const answer of held) answer();
    expect(await whole).toBe(200);
    graph.accounts.answer = undefined;
    session.destroy();
  });

  it('loses them also when it takes no answer to them', async () => {
    await start({ tls, overload: { requests: 1 } });
    const session = connectHttp2(new URL(own.url).origin, {
      ca: readFileSync(tls.cert),
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => undefined);
    const ended = [1, 2, 3].map(
      () =>
        new Promise<boolean>((resolve) => {
          const stream = session.request({
            ':method': 'POST',
            ':path': '/graphql',
            'content-type': 'application/json',
          });
          stream.on('error', () => undefined);
          stream.on('close', () => resolve(true));
          stream.write('{');
        }),
    );
    expect(await Promise.any(ended)).toBe(true);
    // The last one goes, too, when its time is over: on a busy machine that may be at once.
    await eventually(async () => (await own.inFlight()) <= 1);
    session.destroy();
  });
});
