/** What every way to call a subgraph does. Over 300 lines: HTTP/1.1 and HTTP/2 keep promises of their own, too. */
import dns from 'node:dns';
import { setTimeout as wait } from 'node:timers/promises';
import tls from 'node:tls';
import zlib from 'node:zlib';
import {
  type ArrivingResponse,
  ArrivingResponses,
} from '../../gateway/subgraph-calls/wire/arriving-responses';
import {
  createHttpTransport,
  type HttpTransport,
  type HttpTransportOptions,
} from '../../gateway/subgraph-calls/wire/http';
import {
  type Caller,
  type Send,
  type SubgraphOperation,
  TransportError,
} from '../../gateway/subgraph-calls/contract/transport';
import {
  certificate,
  type Handler,
  type RunningServer,
  serveBytes,
  serveHttp1,
  serveHttp2,
  serveHttps,
} from '../support/subgraph-servers';
import { callerOf } from '../support/caller';
import { within } from '../support/times';

const servers: RunningServer[] = [];
const transports: HttpTransport[] = [];
afterEach(async () => {
  await Promise.all(transports.splice(0).map((transport) => transport.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function operation(document = 'query Q($x:Int){double(x:$x)}', name = 'Q'): SubgraphOperation {
  const fixed = JSON.stringify({ query: document, operationName: name });
  return {
    subgraph: 'reviews',
    kind: 'query',
    document,
    name,
    bodyPrefix: Buffer.from(`${fixed.slice(0, -1)},"variables":`),
  };
}

const asks = operation();

const call = (send: Send, more: { variables?: unknown; caller?: Caller } = {}) =>
  send({
    operation: asks,
    variables: more.variables === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(more.variables)),
    caller: more.caller ?? callerOf(),
  });

async function failureOf(sending: Promise<unknown>): Promise<TransportError> {
  const error = await sending.then(
    () => new Error('There was an answer.'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportError)) throw error as Error;
  return error;
}

/**
 * How long something takes, in milliseconds that a timer of this event loop counts: a busy machine holds both up, and that
 * is nobody's fault.
 */
async function timed<T>(work: Promise<T>): Promise<{ result: T; took: number }> {
  let took = 0;
  const timer = setInterval(() => (took += 10), 10);
  const result = await work;
  clearInterval(timer);
  return { result, took };
}

interface Asked {
  readonly body: { query: string; operationName: string; variables: Record<string, unknown> };
  readonly headers: Record<string, string | string[] | undefined>;
}
/** Answers with JSON; or never, or not at all. */
type Answer = (asked: Asked) => object | 'never' | 'fails' | Promise<object>;

interface Started {
  readonly send: Send;
}

const once = <Value>(make: () => Value): (() => Value) => {
  let made: Value | undefined;
  return () => (made ??= make());
};
const gzipBomb = once(() => zlib.gzipSync(Buffer.alloc(50_000_000)));
const brotliBomb = once(() =>
  zlib.brotliCompressSync(Buffer.alloc(50_000_000), {
    params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
  }),
);

const strictly: HttpTransportOptions = { strict: true, http2: false };

/** What every transport is started with: something that answers. */
const everyTransport: Record<string, (answer: Answer, options?: { timeout?: number }) => Promise<Started>> = {
  'HTTP/1.1': (answer, options) => startOverHttp(serveHttp1, answer, options),
  'HTTP/1.1 over TLS': (answer, options) => startOverHttp(serveHttps, answer, options),
  'HTTP/2': (answer, options) => startOverHttp(serveHttp2, answer, options),
  'strict HTTP/1.1': (answer, options) => startOverHttp(serveHttp1, answer, { ...options, ...strictly }),
  'strict HTTP/1.1 over TLS': (answer, options) =>
    startOverHttp(serveHttps, answer, { ...options, ...strictly }),
};

async function startOverHttp(
  serve: typeof serveHttp1,
  answer: Answer,
  options: { timeout?: number } & HttpTransportOptions = {},
): Promise<Started> {
  const handler: Handler = (request, response, body) => {
    void Promise.resolve(answer({ body: JSON.parse(body.toString()), headers: request.headers })).then(
      (result) => {
        if (result === 'never') return;
        if (result === 'fails') response.socket?.destroy();
        else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
      },
    );
  };
  return startHttp(await serve(handler), options);
}

type StartOptions = { timeout?: number; maxResponseSize?: number } & HttpTransportOptions;

function startHttp(server: RunningServer, options: StartOptions = {}) {
  servers.push(server);
  const { timeout, maxResponseSize, ...transportOptions } = options;
  const transport = createHttpTransport({
    ...{ http2: true, ca: certificate },
    // A busy machine takes long for handshakes.
    ...{ connectTimeout: 60_000, ...transportOptions },
  });
  transports.push(transport);
  const send = transport.to({ name: 'reviews', url: server.url, timeout, maxResponseSize });
  return { server, transport, send };
}

describe.each(Object.entries(everyTransport))('a transport %s', (_name, startTransport) => {
  it('asks with the document, the operation name and the variables, and answers with status and body', async () => {
    const asked: Asked[] = [];
    const { send } = await startTransport((request) => {
      asked.push(request);
      return { data: { double: 4 } };
    });
    const { status, headers, body } = await call(send, { variables: { x: 2 } });
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/json/);
    expect(body.toString()).toBe('{"data":{"double":4}}');
    expect(asked[0]?.body).toEqual({ query: asks.document, operationName: 'Q', variables: { x: 2 } });
  });

  it('sends an empty object where there are no variables', async () => {
    const { send } = await startTransport(({ body }) => ({ data: body.variables }));
    expect((await call(send)).body.toString()).toBe('{"data":{}}');
  });

  it('sends the headers that were chosen', async () => {
    const { send } = await startTransport(({ headers }) => ({ data: headers['authorization'] }));
    const { body } = await call(send, { caller: callerOf({ headers: { authorization: 'Bearer u1' } }) });
    expect(body.toString()).toBe('{"data":"Bearer u1"}');
  });

  it('keeps bytes of every script as they are', async () => {
    const text = 'Ä 漢字 😀 \u2028';
    const { send } = await startTransport(({ body }) => ({ data: body.variables }));
    const { body } = await call(send, { variables: { text } });
    expect(JSON.parse(body.toString())).toEqual({ data: { text } });
  });

  it('takes a response of many chunks', async () => {
    const data = 'x'.repeat(3_000_000);
    const { send } = await startTransport(() => ({ data }));
    expect((await call(send)).body.toString()).toBe(JSON.stringify({ data }));
  });

  it('gives each of many calls at once its own answer', async () => {
    const { send } = await startTransport(async ({ body }) => {
      await wait(Math.random() * 10);
      return { data: body.variables };
    });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, x) => call(send, { variables: { x } })),
    );
    expect(answers.map(({ body }) => JSON.parse(body.toString()).data.x)).toEqual(
      Array.from({ length: 100 }, (_, x) => x),
    );
  });

  it('gives a call up that takes longer than it may', async () => {
    const { send } = await startTransport(() => 'never', { timeout: 60 });
    const { result, took } = await timed(failureOf(call(send)));
    expect(result).toMatchObject({
      code: 'GATEWAY_TIMEOUT',
      failure: 'timeout',
      subgraph: 'reviews',
      message: 'Subgraph "reviews" did not answer in time.',
    });
    expect(took).toBeLessThan(within(160));
  });

  it("gives a call up at the caller's deadline", async () => {
    const { send } = await startTransport(() => 'never');
    const { result, took } = await timed(
      failureOf(call(send, { caller: callerOf({ deadline: performance.now() + 60 }) })),
    );
    expect(result).toMatchObject({ failure: 'timeout' });
    expect(took).toBeLessThan(within(160));
  });

  it('does not call when the deadline has passed, or the client has gone', async () => {
    let calls = 0;
    const { send } = await startTransport(() => {
      calls++;
      return {};
    });
    expect(
      await failureOf(call(send, { caller: callerOf({ deadline: performance.now() - 1 }) })),
    ).toMatchObject({
      failure: 'timeout',
    });
    expect(await failureOf(call(send, { caller: callerOf({ isGone: true }) }))).toMatchObject({
      failure: 'aborted',
    });
    expect(calls).toBe(0);
  });

  it('gives all calls of a client up when it goes', async () => {
    const client = { ...callerOf(), isGone: false };
    const { send } = await startTransport(() => 'never');
    const calls = Array.from({ length: 16 }, () => failureOf(call(send, { caller: client })));
    await wait(20);
    client.isGone = true;
    const { result, took } = await timed(Promise.all(calls));
    expect(new Set(result.map(({ failure }) => failure))).toEqual(new Set(['aborted']));
    expect(took).toBeLessThan(within(100));
  });

  it('says that a subgraph failed, and not where it is', async () => {
    const { send } = await startTransport(() => 'fails');
    const { code, message } = await failureOf(call(send));
    expect(code).toBe('SUBREQUEST_HTTP_ERROR');
    expect(message).toMatch(/^Subgraph "reviews" /);
    expect(message).not.toMatch(/127|http|:\d/);
  });
});

describe.each([
  ['HTTP/1.1', serveHttp1, {}],
  ['HTTP/1.1 over TLS', serveHttps, {}],
  ['HTTP/2', serveHttp2, {}],
  ['strict HTTP/1.1', serveHttp1, strictly],
  ['strict HTTP/1.1 over TLS', serveHttps, strictly],
])('an HTTP transport over %s', (_name, serve, http) => {
  const start = (server: RunningServer, options: StartOptions = {}) =>
    startHttp(server, { ...http, ...options });

  it('answers with any status and body', async () => {
    const { send } = start(
      await serve((_request, response, body) => {
        const { status } = JSON.parse(body.toString()).variables;
        response.writeHead(status, { 'content-type': 'text/html' }).end('<html>');
      }),
    );
    for (const status of [200, 400, 401, 404, 500, 503]) {
      expect(await call(send, { variables: { status } })).toMatchObject({
        status,
        body: Buffer.from('<html>'),
      });
    }
  });

  it('answers with a redirect, and does not follow it', async () => {
    const asked: unknown[] = [];
    const { send } = start(
      await serve((request, response) => {
        asked.push(request.url);
        response.writeHead(307, { location: '/elsewhere' }).end();
      }),
    );
    expect(await call(send)).toMatchObject({ status: 307, headers: { location: '/elsewhere' } });
    expect(asked).toEqual(['/graphql']);
  });

  it('asks by POST with JSON, and for no packing unless told', async () => {
    const seen: Record<string, unknown>[] = [];
    const server = await serve((request, response) => {
      seen.push({ ...request.headers, method: request.method });
      response.end('{}');
    });
    await call(start(server).send);
    await call(start(server, { compression: true }).send);
    expect(seen).toMatchObject([
      {
        method: 'POST',
        'content-type': 'application/json',
        accept: expect.stringContaining('application/json'),
      },
      { 'accept-encoding': 'gzip, br' },
    ]);
    expect(seen[0]).not.toHaveProperty('accept-encoding');
  });

  it("sends a subgraph's own headers rather than the client's", async () => {
    const { server, transport } = start(
      await serve((request, response) => response.end(JSON.stringify(request.headers))),
    );
    const send = transport.to({ name: 'reviews', url: server.url, headers: { 'X-Api-Key': 'ours' } });
    const { body } = await call(send, {
      caller: callerOf({ headers: { 'x-api-key': 'theirs', 'x-other': 'a' } }),
    });
    expect(JSON.parse(body.toString())).toMatchObject({ 'x-api-key': 'ours', 'x-other': 'a' });
  });

  it('joins headers that occur more than once, except cookies', async () => {
    const { send } = start(
      await serve((_request, response) => {
        response.setHeader('cache-control', ['max-age=1', 'private']);
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        response.end('{}');
      }),
    );
    const { headers } = await call(send);
    expect(headers).toMatchObject({ 'cache-control': 'max-age=1, private', 'set-cookie': ['a=1', 'b=2'] });
  });

  it('takes an empty body', async () => {
    const { send } = start(await serve((_request, response) => response.writeHead(204).end()));
    expect(await call(send)).toMatchObject({ status: 204, body: Buffer.alloc(0) });
  });

  it('refuses a response that says it is over the limit, or turns out to be', async () => {
    const server = await serve((_request, response, body) => {
      const { size, says } = JSON.parse(body.toString()).variables;
      if (says) response.setHeader('content-length', size);
      response.write(Buffer.alloc(Number(size) / 2));
      setTimeout(() => response.end(Buffer.alloc(Number(size) / 2)), 10);
    });
    const { send } = start(server, { maxResponseSize: 100_000 });
    expect((await call(send, { variables: { size: 100_000 } })).body).toHaveLength(100_000);
    for (const says of [true, false]) {
      expect(await failureOf(call(send, { variables: { size: 100_002, says } }))).toMatchObject({
        code: 'SUBREQUEST_HTTP_ERROR',
        failure: 'too-large',
      });
    }
  });

  it('holds no more of large responses than it may, but for the oldest, and gives each whole', async () => {
    const [count, size, limit] = [12, 4_000_000, 1_000_000];
    const held = new Map<object, number>();
    let most = 0;
    class Watched extends ArrivingResponses {
      override add(response: ArrivingResponse): void {
        held.set(response, response.taken);
        most = Math.max(
          most,
          [...held.values()].reduce((sum, taken) => sum + taken),
        );
        super.add(response);
      }
      override delete(response: ArrivingResponse): void {
        held.delete(response);
        super.delete(response);
      }
    }
    const { send } = start(
      await serve((_request, response, body) => {
        const { x } = JSON.parse(body.toString()).variables;
        if (x % 2 === 0) response.setHeader('content-length', size);
        response.end(Buffer.alloc(size, x));
      }),
      { arriving: new Watched(limit) },
    );
    const answers = await Promise.all(
      Array.from({ length: count }, (_, x) => call(send, { variables: { x } })),
    );
    expect(answers.every(({ body }, x) => body.equals(Buffer.alloc(size, x)))).toBe(true);
    expect(held.size).toBe(0);
    // Twice the oldest, as a buffer of unknown final size grows, and a piece of each of the others.
    expect(most).toBeLessThan(limit + 2 * size + count * 256 * 1024);
  });

  it('stops reading a response without end', async () => {
    let sent = 0;
    let stopped = false;
    const { send } = start(
      await serve((_request, response) => {
        const chunk = Buffer.alloc(64 * 1024);
        const write = (): void => {
          while (!stopped && response.write(chunk)) sent += chunk.length;
          sent += chunk.length;
        };
        response.on('drain', write);
        response.on('close', () => (stopped = true));
        response.on('error', () => (stopped = true));
        write();
      }),
      { maxResponseSize: 1_000_000 },
    );
    expect(await failureOf(call(send))).toMatchObject({ failure: 'too-large' });
    await until(() => stopped);
    expect(sent).toBeLessThan(20_000_000);
  });

  describe('unpacks', () => {
    const text = '{"data":"äääää"}'.repeat(100);
    const packed: Record<string, Buffer> = {
      gzip: zlib.gzipSync(text),
      'x-gzip': zlib.gzipSync(text),
      br: zlib.brotliCompressSync(text),
      GZIP: zlib.gzipSync(text),
      identity: Buffer.from(text),
    };
    if ('zstdCompressSync' in zlib)
      packed['zstd'] = (zlib.zstdCompressSync as (text: string) => Buffer)(text);

    it.each(Object.keys(packed))('%s', async (encoding) => {
      const { send } = start(
        await serve((_request, response) =>
          response.writeHead(200, { 'content-encoding': encoding }).end(packed[encoding]!),
        ),
      );
      expect((await call(send)).body.toString()).toBe(text);
    });

    it.each([
      ['a chain', 'gzip, gzip', zlib.gzipSync(zlib.gzipSync(text))],
      ['what it does not know', 'sdch', Buffer.from(text)],
      ['what is not packed', 'gzip', Buffer.from(text)],
      ['what is cut off', 'gzip', zlib.gzipSync(text).subarray(0, -10)],
    ])('not %s', async (_what, encoding, body) => {
      const { send } = start(
        await serve((_request, response) =>
          response.writeHead(200, { 'content-encoding': encoding }).end(body),
        ),
      );
      expect(await failureOf(call(send))).toMatchObject({
        code: 'SUBREQUEST_MALFORMED_RESPONSE',
        failure: 'encoding',
      });
    });

    it.each([
      ['gzip', gzipBomb],
      ['br', brotliBomb],
    ])('no bomb of %s', async (encoding, bombOf) => {
      const bomb = bombOf();
      const { send } = start(
        await serve((_request, response) =>
          response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
        ),
        { maxResponseSize: 1_000_000 },
      );
      const before = process.memoryUsage.rss();
      expect(await failureOf(call(send))).toMatchObject({ failure: 'too-large' });
      expect(process.memoryUsage.rss() - before).toBeLessThan(40_000_000);
    });
  });

  it('gives a response up that stalls', async () => {
    const { send } = start(await serve((_request, response) => response.write('{"da')), { timeout: 60 });
    expect(await failureOf(call(send))).toMatchObject({ failure: 'timeout' });
  });

  it('tells the subgraph when a call is given up', async () => {
    let asked = 0;
    let closed = 0;
    const { send } = start(
      await serve((_request, response) => {
        asked++;
        response.on('close', () => closed++);
      }),
    );
    const client = { ...callerOf(), isGone: false };
    const calls = Array.from({ length: 3 }, () => failureOf(call(send, { caller: client })));
    await until(() => asked === 3);
    expect(closed).toBe(0);
    client.isGone = true;
    await Promise.all(calls);
    const { took } = await timed(until(() => closed === 3));
    expect(took).toBeLessThan(within(250));
  });

  it('goes on after failures', async () => {
    let fail = true;
    const { send } = start(
      await serve((_request, response) => {
        if (fail) response.socket?.destroy();
        else response.end('{}');
      }),
    );
    await Promise.all(Array.from({ length: 5 }, () => failureOf(call(send))));
    fail = false;
    expect(await call(send)).toMatchObject({ status: 200 });
  });

  it('does not call with a header that could not be sent', async () => {
    const { send } = start(await serve((_request, response) => response.end('{}')));
    expect(
      await failureOf(call(send, { caller: callerOf({ headers: { 'x-bad': 'a\r\nb: c' } }) })),
    ).toMatchObject({
      failure: 'unsendable',
    });
  });

  it('gives everything up when it is closed', async () => {
    const { send, transport, server } = start(await serve(() => undefined));
    const failure = failureOf(call(send));
    await wait(30);
    await transport.close();
    expect(await failure).toMatchObject({ failure: 'closed' });
    expect(await failureOf(call(send))).toMatchObject({ failure: 'closed' });
    await until(() => server.connections.size === 0);
  });
});

describe.each([
  ['HTTP/1.1', {}],
  ['strict HTTP/1.1', strictly],
])('an HTTP transport over %s alone', (_name, http) => {
  const start = (server: RunningServer, options: StartOptions = {}) =>
    startHttp(server, { ...http, ...options });

  it('uses a connection again', async () => {
    const { send, server } = start(await serveHttp1((_request, response) => response.end('{}')));
    for (let index = 0; index < 20; index++) await call(send);
    expect(server.connections.size).toBeLessThanOrEqual(2);
  });

  it('answers calls of a subgraph while another one at the same origin hangs', async () => {
    const { transport, server } = start(
      await serveHttp1((request, response) => {
        if (request.url === '/other') response.end('{}');
      }),
      { connections: 2 },
    );
    const hanging = transport.to({ name: 'a', url: server.url, timeout: 2_000 });
    const other = transport.to({ name: 'b', url: server.url.replace('/graphql', '/other'), timeout: 2_000 });
    const hung = Array.from({ length: 10 }, () => failureOf(call(hanging)));
    await until(() => server.connections.size >= 2);
    expect(await call(other)).toMatchObject({ status: 200 });
    expect((await Promise.all(hung)).map(({ failure }) => failure)).toEqual(Array(10).fill('timeout'));
  });

  it('uses the connections of a subgraph for all of its URLs at one origin', async () => {
    const { transport, server } = start(await serveHttp1((_request, response) => response.end('{}')), {
      connections: 1,
    });
    for (const path of ['/graphql', '/other?x=1'])
      await call(transport.to({ name: 'a', url: server.url.replace('/graphql', path) }));
    expect(server.connections.size).toBe(1);
  });

  it('gives calls up that wait for a connection', async () => {
    let asked = 0;
    const { send } = start(await serveHttp1(() => asked++), { connections: 1, timeout: 100 });
    const failures = await Promise.all(Array.from({ length: 5 }, () => failureOf(call(send))));
    expect(failures.map(({ failure }) => failure)).toEqual(Array(5).fill('timeout'));
    expect(asked).toBeLessThan(5);
  });

  it('fails where the subgraph closes the connection without an answer, and leaves retries to others', async () => {
    let requests = 0;
    let isClosing = false;
    const { send } = start(
      await serveBytes((socket) => {
        const onRequest = (): void => {
          requests++;
          if (isClosing) socket.destroy();
          else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
        };
        onRequest();
        socket.on('data', onRequest);
      }),
    );
    const mutate = () =>
      send({ operation: { ...asks, kind: 'mutation' }, variables: Buffer.alloc(0), caller: callerOf() });
    for (const each of [() => call(send), mutate]) expect(await each()).toMatchObject({ status: 200 });
    isClosing = true;
    await wait(5);
    for (const each of [() => call(send), mutate])
      expect(await failureOf(each())).toMatchObject({ failure: 'reset', cause: expect.any(Error) });
    isClosing = false;
    for (const each of [() => call(send), mutate]) expect(await each()).toMatchObject({ status: 200 });
    expect(requests).toBe(6);
  });

  it('does not use a connection again on which the request was not sent to its end', async () => {
    let connections = 0;
    const { send } = start(
      await serveBytes((socket) => {
        connections++;
        socket.pause();
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
      }),
    );
    const variables = { x: 'x'.repeat(10_000_000) };
    for (let index = 0; index < 2; index++)
      expect(await call(send, { variables })).toMatchObject({ status: 200 });
    expect(connections).toBe(2);
  });

  it('does not use a connection longer than the subgraph keeps it', async () => {
    const seen = new Set<unknown>();
    const { send } = start(
      await serveHttp1((request, response) => {
        seen.add(request.socket);
        response.writeHead(200, { 'keep-alive': 'timeout=1', connection: 'keep-alive' }).end('{}');
      }),
    );
    for (let index = 0; index < 3; index++) await call(send);
    expect(seen.size).toBe(3);
  });

  it('closes a connection that is not used', async () => {
    const { send, server } = start(await serveHttp1((_request, response) => response.end('{}')), {
      keepAlive: 50,
    });
    await call(send);
    await until(() => server.connections.size === 0);
  });

  it('opens no more connections than it may, and serves everyone', async () => {
    let most = 0;
    const { send, server } = start(
      await serveHttp1((_request, response) => {
        most = Math.max(most, server.connections.size);
        setTimeout(() => response.end('{}'), 2);
      }),
      { connections: 3 },
    );
    await Promise.all(Array.from({ length: 60 }, () => call(send)));
    expect(most).toBe(3);
  });

  it('fails everyone who waits when there is no connection', async () => {
    const server = await serveHttp1(() => undefined);
    await server.stop();
    const { send } = start(server, { connections: 2 });
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(call(send))));
    expect(new Set(failures.map(({ failure }) => failure))).toEqual(new Set(['refused']));
  });

  it('fails on a connection that does not open', async () => {
    // The handshake of TLS is never answered.
    const silent = await serveBytes(() => undefined);
    const { transport } = start(silent, { connectTimeout: 60 });
    const send = transport.to({ name: 'reviews', url: silent.url.replace('http:', 'https:') });
    expect(await failureOf(call(send))).toMatchObject({
      code: 'SUBREQUEST_HTTP_ERROR',
      failure: 'connect-timeout',
    });
  });

  it('closes a connection on which an answer comes that nobody asked for', async () => {
    const { send, server } = start(
      await serveBytes((socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n"poison"'), 20);
      }),
    );
    await call(send);
    await until(() => server.connections.size === 0);
    expect((await call(send)).body.toString()).toBe('{}');
  });

  it('opens a new connection where the subgraph closes it', async () => {
    const { send } = start(
      await serveHttp1((_request, response) => response.writeHead(200, { connection: 'close' }).end('{}')),
    );
    for (let index = 0; index < 5; index++) expect(await call(send)).toMatchObject({ status: 200 });
  });

  it('takes a response that ends with the connection', async () => {
    const { send } = start(
      await serveBytes((socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"data":null}')),
    );
    expect((await call(send)).body.toString()).toBe('{"data":null}');
  });

  it('takes a response in pieces of any size', async () => {
    const response =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5;ext=1\r\n{"dat\r\n8\r\na":null}\r\n0\r\nx-trailer: 1\r\n\r\n';
    for (const size of [1, 2, 3, 7, 1000]) {
      const { send } = start(
        await serveBytes((socket) => {
          socket.setNoDelay(true);
          let sent = 0;
          const write = (): void => {
            if (sent >= response.length) return;
            socket.write(response.slice(sent, (sent += size)));
            setImmediate(write);
          };
          write();
        }),
      );
      expect(await call(send)).toMatchObject({ status: 200, body: Buffer.from('{"data":null}') });
    }
  });

  it('passes over informational responses', async () => {
    const { send } = start(
      await serveBytes((socket) =>
        socket.write(
          'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}',
        ),
      ),
    );
    expect(await call(send)).toMatchObject({ status: 200, body: Buffer.from('{}') });
  });

  it.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.7\r\n', 'not-http'],
    ['a truncated body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data"', 'reset'],
    ['a truncated chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"data"', 'reset'],
    ['a truncated head', 'HTTP/1.1 200 OK\r\ncontent-le', 'reset'],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 'not-http'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}',
      expect.stringMatching(/not-http|reset/),
    ],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      expect.stringMatching(/not-http|reset/),
    ],
    [
      'a length that is none',
      'HTTP/1.1 200 OK\r\ncontent-length: 2x\r\n\r\n{}',
      expect.stringMatching(/not-http|reset/),
    ],
    ['nothing', '', 'reset'],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'x-filler: 0123456789\r\n'.repeat(5000)}`, 'too-large'],
  ])('fails on %s', async (_what, bytes, failure) => {
    const { send } = start(await serveBytes((socket) => socket.end(bytes)));
    expect(await failureOf(call(send))).toMatchObject({ failure });
  });

  it('fails on a connection that is reset', async () => {
    const { send } = start(await serveBytes((socket) => socket.resetAndDestroy()));
    expect(await failureOf(call(send))).toMatchObject({
      failure: 'reset',
      message: 'Subgraph "reviews" closed the connection before it had answered.',
    });
  });

  it('does not take more than was asked for as the next answer', async () => {
    const answer = (text: string): string =>
      `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    const { send } = start(
      await serveBytes((socket) => socket.write(answer('{"first":1}') + answer('{"poison":1}'))),
    );
    expect((await call(send)).body.toString()).toBe('{"first":1}');
    await wait(20);
    expect((await call(send)).body.toString()).toBe('{"first":1}');
  });

  it('fails on a connection that is refused', async () => {
    const server = await serveHttp1(() => undefined);
    await server.stop();
    const { send } = start(server);
    expect(await failureOf(call(send))).toMatchObject({
      code: 'SUBREQUEST_HTTP_ERROR',
      failure: 'refused',
      message: 'Subgraph "reviews" refused the connection.',
    });
  });

  it('fails on a name that stands for nothing', async () => {
    const { transport } = start(await serveHttp1(() => undefined));
    const send = transport.to({ name: 'reviews', url: 'http://nothing.invalid/graphql' });
    expect(await failureOf(call(send))).toMatchObject({ failure: 'unreachable' });
  });

  it.each([
    ['http:', undefined],
    ['https:', undefined],
    ['https:', {}],
  ])(
    'does not connect where a name has come to stand for a refused address (%s, %j)',
    async (protocol, tlsFiles) => {
      let address = '127.0.0.1';
      const answer = (_: string, { all }: dns.LookupOptions, done: (...found: unknown[]) => void) =>
        all === true ? done(null, [{ address, family: 4 }]) : done(null, address, 4);
      const server = await serveHttp1((_request, response) => {
        response.writeHead(200, { connection: 'close' }).end('{}');
      });
      const { transport } = start(server);
      const lookup = jest.spyOn(dns, 'lookup').mockImplementation(answer as never);
      try {
        const { port } = new URL(server.url);
        const url = `${protocol}//rebound.test:${port}/graphql`;
        const send = transport.to({ name: 'reviews', url, tls: tlsFiles });
        if (protocol === 'http:') expect(await call(send)).toMatchObject({ status: 200 });
        address = '169.254.169.254';
        expect(await failureOf(call(send))).toMatchObject({
          failure: 'unreachable',
          cause: expect.objectContaining({ message: 'The address is refused.' }),
        });
      } finally {
        lookup.mockRestore();
      }
    },
  );

  it('reads the certificates that it trusts once, however many connections it opens', async () => {
    const server = await serveHttps((_request, response) => setTimeout(() => response.end('{}'), 50));
    const read = jest.spyOn(tls, 'createSecureContext');
    try {
      // Of which no connection was opened before.
      const { send } = start(server, { http2: false, ca: `${certificate}\n` });
      await Promise.all(Array.from({ length: 3 }, () => call(send)));
      expect(server.connections.size).toBe(3);
      expect(read).toHaveBeenCalledTimes(1);
    } finally {
      read.mockRestore();
    }
  });

  it('fails on a certificate that nobody vouches for', async () => {
    const { send } = start(await serveHttps((_request, response) => response.end('{}')), {
      ca: undefined as never,
    });
    expect(await failureOf(call(send))).toMatchObject({ failure: 'unreachable' });
  });

  it.each([
    ['file:///etc/passwd', 'must begin with http: or https:'],
    ['ftp://reviews.test/', 'must begin with http: or https:'],
    ['reviews', 'must be a URL'],
    ['http://u:p@reviews.test/', 'must not hold a name or a password'],
    ['http://169.254.169.254/latest', 'must not be a link-local or metadata address'],
    ['http://0xa9fea9fe/', 'must not be a link-local or metadata address'],
    ['http://2852039166/', 'must not be a link-local or metadata address'],
    ['http://[::ffff:169.254.169.254]/', 'must not be a link-local or metadata address'],
    ['http://[fe80::1]/', 'must not be a link-local or metadata address'],
    ['http://[fd00:ec2::254]/', 'must not be a link-local or metadata address'],
    ['http://metadata.google.internal/', 'must not be a link-local or metadata address'],
  ])('refuses %s', async (url, must) => {
    const { transport } = start(await serveHttp1(() => undefined));
    expect(() => transport.to({ name: 'reviews', url })).toThrow(
      `The URL of subgraph "reviews" ${must}, but got: ${url.replace('u:p', '[hidden]')}`,
    );
  });

  it.each([{ host: 'a' }, { 'Content-Length': '1' }, { 'x-a': 'a\r\nb: c' }, { 'x a': 'b' }])(
    'refuses to send %j with every call',
    async (headers) => {
      const { transport, server } = start(await serveHttp1(() => undefined));
      const [name] = Object.keys(headers);
      expect(() => transport.to({ name: 'reviews', url: server.url, headers: headers })).toThrow(
        `The header "${name}" of subgraph "reviews" cannot be sent`,
      );
    },
  );

  it('says which option is wrong', async () => {
    const { transport, server } = start(await serveHttp1(() => undefined));
    expect(() => transport.to({ name: 'reviews', url: server.url, timeout: 0 })).toThrow(
      '"timeout" of subgraph "reviews" must be a positive number, but got: 0',
    );
  });
});

describe('a transport by the strict client', () => {
  const start = (server: RunningServer) => startHttp(server, strictly);
  const plain = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';

  it('sends queries, and leaves what must not be sent twice to undici', async () => {
    const used: unknown[] = [];
    const { send } = start(
      await serveHttp1((request, response) => {
        used.push(request.socket);
        response.end('{}');
      }),
    );
    for (const kind of ['query', 'query', 'mutation'] as const) {
      await send({ operation: { ...asks, kind }, variables: Buffer.alloc(0), caller: callerOf() });
      await wait(5);
    }
    expect([used[0] === used[1], used[1] === used[2]]).toEqual([true, false]);
  });

  it.each([
    ['ends with the connection', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}'],
    ['is in HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}'],
    ['has trailers', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-a: b\r\n\r\n'],
    [
      'has chunks with extensions',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n',
    ],
    ['follows early hints', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${plain}`],
    ['is followed by another one', plain + plain.replace('{}', '[]')],
  ])(
    'sends a query again, by undici, whose response %s, and further ones by undici alone',
    async (_what, bytes) => {
      let requests = 0;
      const { send } = start(
        await serveBytes((socket) => {
          requests++;
          socket.end(bytes);
        }),
      );
      for (const sent of [2, 3]) {
        expect(await call(send)).toMatchObject({ status: 200, body: Buffer.from('{}') });
        expect(requests).toBe(sent);
      }
    },
  );

  it('sends a query again only while somebody waits for it', async () => {
    let requests = 0;
    let answer = (): void => undefined;
    const { send } = start(
      await serveBytes((socket) => {
        requests++;
        answer = () => socket.end('HTTP/1.1 200 OK\r\n\r\n{}');
      }),
    );
    const client = { ...callerOf(), isGone: false };
    const failure = failureOf(call(send, { caller: client }));
    await until(() => requests === 1);
    client.isGone = true;
    expect(await failure).toMatchObject({ failure: 'aborted' });
    answer();
    await wait(20);
    expect(requests).toBe(1);
  });

  it('signs what it sends', async () => {
    const { transport, server } = start(
      await serveHttp1((request, response, body) =>
        response.end(JSON.stringify([request.headers['x-signature'], body.toString()])),
      ),
    );
    const sign = (signature: string) => ({
      headers: ['x-signature'],
      sign: ({ body }: { body: Buffer }) => Promise.resolve(['x-signature', `${signature}${body.length}`]),
    });
    const sent = await call(transport.to({ name: 'a', url: server.url, signer: sign('s') }), {
      caller: callerOf({ headers: { 'x-signature': 'of the client' } }),
    });
    const [signature, body] = JSON.parse(sent.body.toString()) as [string, string];
    expect(signature).toBe(`s${body.length}`);
    const bad = transport.to({ name: 'b', url: server.url, signer: sign('a\r\nb: c') });
    expect(await failureOf(call(bad))).toMatchObject({ failure: 'unsendable' });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}
