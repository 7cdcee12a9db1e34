/** What every way to answer a client does. Over 300 lines: the three connections stand beside what is asked of each. */
import { Agent, request as askHttp1 } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { createBeginRequest } from '../../gateway/http/begin-request';
import { takesMultipart } from '../../gateway/http/multipart';
import { parseOptions } from '../../gateway/options';
import { createListener } from '../../gateway/process/listener';
import type { IncomingRequest } from '../../gateway/request/incoming-request';
import type { Source } from '../../gateway/subgraph-calls/source';
import { HeldSource } from '../support/held-source';
import { type Client, InProcessClient } from '../support/in-process-client';
import { openRequests } from '../support/requests-in-flight';
import { certificate } from '../support/subgraph-servers';

type Requests = ReturnType<typeof openRequests>['requests'];
type OnRequest = (request: IncomingRequest) => void;

/** Requests that reach `onRequest`. */
interface Connection {
  /** @param takesParts as the client says */
  ask(takesParts: boolean): Client;
  close(): Promise<void>;
}

const connections: Record<string, (requests: Requests, onRequest: OnRequest) => Promise<Connection>> = {
  'HTTP/1.1': async (requests, onRequest) => {
    const { port, close } = await listen(requests, onRequest, false);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    return {
      ask: (takesParts) => {
        const sent = askHttp1({ agent, port, path: '/graphql', headers: headersOf(takesParts) });
        const answer = new Promise<HttpAnswer>((resolve, reject) => {
          sent.on('error', reject);
          sent.on('response', (body) => {
            resolve({ status: body.statusCode!, headers: new Headers(body.headersDistinct as never), body });
          });
        });
        sent.end();
        return clientOf(answer, () => sent.destroy());
      },
      close: async () => {
        agent.destroy();
        await close();
      },
    };
  },
  'HTTP/2': async (requests, onRequest) => {
    const { port, close } = await listen(requests, onRequest, true);
    const session = connect(`https://localhost:${port}`, { ca: certificate });
    return {
      ask: (takesParts) => {
        const stream = session.request({ ':path': '/graphql', ...headersOf(takesParts) });
        const answer = new Promise<HttpAnswer>((resolve, reject) => {
          stream.on('error', reject);
          stream.on('response', ({ ':status': status, ...headers }) => {
            const named = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
            resolve({ status: status!, headers: new Headers(named as never), body: stream });
          });
        });
        return clientOf(answer, () => stream.close(8));
      },
      close: async () => {
        session.destroy();
        await close();
      },
    };
  },
  'in process': async (requests, onRequest) => ({
    ask: (takesParts) => {
      const client = new InProcessClient(requests, { takesParts });
      onRequest(client.request);
      return client;
    },
    close: async () => undefined,
  }),
};

interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable;
}

const headersOf = (takesParts: boolean) => ({
  accept: takesParts ? 'multipart/mixed, application/json;q=0.9' : '*/*',
});

async function listen(requests: Requests, onRequest: OnRequest, isSecure: boolean) {
  const files = join(__dirname, '../support/tls');
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const options = parseOptions(isSecure ? { tls } : {});
  const begin = createBeginRequest(options, requests, () => []);
  const server = createListener(options, (request, response) => {
    onRequest(begin(request, response).request);
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { port, close };
}

function clientOf(answer: Promise<HttpAnswer>, leave: () => void): Client {
  answer.catch(() => undefined);
  let parts: AsyncIterator<string> | undefined;
  return {
    head: answer,
    text: async () => text((await answer).body),
    part: async () => {
      parts ??= partsOf(await answer);
      const { done, value } = await parts.next();
      return done === true ? undefined : value;
    },
    leave,
  };
}

/** Reads `multipart/mixed` no faster than it is asked to. */
async function* partsOf({ headers, body }: HttpAnswer): AsyncGenerator<string, undefined> {
  const boundary = /^multipart\/mixed; boundary=(\w+)$/.exec(headers.get('content-type') ?? '')![1]!;
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let read = Buffer.from('\r\n');
  let isFirst = true;
  for await (const piece of body as AsyncIterable<Buffer>) {
    read = Buffer.concat([read, piece]);
    for (let end = read.indexOf(delimiter); end !== -1; end = read.indexOf(delimiter)) {
      const [head, ...lines] = read.subarray(0, end).toString().split('\r\n\r\n');
      if (!isFirst) {
        expect(head).toBe('\r\ncontent-type: application/json; charset=utf-8');
        yield lines.join('\r\n\r\n');
      }
      isFirst = false;
      read = read.subarray(end + delimiter.length);
    }
  }
  expect(read.toString()).toBe('--\r\n');
  return undefined;
}

describe.each(Object.entries(connections))('a sink over %s', (_name, open) => {
  const { requests, log } = openRequests();
  let connection: Connection;
  let onRequest: OnRequest;
  beforeAll(async () => {
    connection = await open(requests, (request) => onRequest(request));
  });
  afterAll(() => connection.close());
  beforeEach(() => {
    log.length = 0;
  });

  /** Sends a request; resolves when it has reached the gateway. */
  async function ask(takesParts = true): Promise<{ client: Client; request: IncomingRequest }> {
    const came = new Promise<IncomingRequest>((resolve) => (onRequest = resolve));
    const client = connection.ask(takesParts);
    return { client, request: await came };
  }

  /** Sends a request that is answered from a source, which ends with it. */
  async function askForParts(parts: Source<Buffer>): Promise<Client> {
    const { client, request } = await ask();
    request.onEnd(() => parts.close());
    request.sink.answer({ status: 200, headers: ['x-a', '1'], body: parts });
    return client;
  }

  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  /** The status of each request that is over, as the access log has it. */
  const ended = async (count = 1): Promise<number[]> => {
    while (log.length < count) await wait(5);
    return log.map(({ status }) => status as number);
  };

  it.each([
    ['bytes', Buffer.from('{"data":{"a":"ä"}}')],
    ['a text', '{"data":{"a":"ä"}}'],
  ])('sends %s as the whole answer, and says when they are taken', async (_, body) => {
    const { client, request } = await ask();
    expect(request.sink.isAnswered).toBe(false);
    const headers = ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))];
    const released = new Promise<void>((release) => {
      request.sink.answer({ status: 400, headers, body, release });
    });
    expect(request.sink.isAnswered).toBe(true);
    const head = await client.head;
    expect(head.status).toBe(400);
    expect(head.headers.get('content-type')).toBe('application/json');
    expect(await client.text()).toBe('{"data":{"a":"ä"}}');
    await released;
    expect(await ended()).toEqual([400]);
  });

  it('sends an answer without a body', async () => {
    const { client, request } = await ask();
    request.sink.answer({ status: 204, headers: [], body: undefined });
    expect((await client.head).status).toBe(204);
    expect(await client.text()).toBe('');
    expect(await ended()).toEqual([204]);
  });

  it('knows whether its client takes parts', async () => {
    for (const takesParts of [true, false]) {
      const { client, request } = await ask(takesParts);
      expect(request.sink.takesParts).toBe(takesParts);
      request.sink.answer({ status: 204, headers: [], body: undefined });
      await client.text();
    }
  });

  it('begins an answer before there is a part, and sends each part before there is another', async () => {
    const parts = new HeldSource<Buffer>();
    const client = await askForParts(parts);
    const { status, headers } = await client.head;
    expect([status, headers.get('x-a')]).toEqual([200, '1']);
    for (const text of ['{"data":{"a":"ä"}}', '{"data": {\r\n\r\n"a": "--graphql"}}', '{}']) {
      parts.give(Buffer.from(text));
      expect(await client.part()).toBe(text);
    }
    parts.end();
    expect(await client.part()).toBeUndefined();
    expect(await ended()).toEqual([200]);
  });

  it('sends many parts, all of them and in their order', async () => {
    const parts = new HeldSource<Buffer>();
    const client = await askForParts(parts);
    const sent = Array.from({ length: 1000 }, (_, i) => ({ i }));
    parts.give(...sent.map(json));
    parts.end();
    const got: unknown[] = [];
    for (let part = await client.part(); part !== undefined; part = await client.part())
      got.push(JSON.parse(part));
    expect(got).toEqual(sent);
  });

  it('serves the next request after an answer in parts', async () => {
    const parts = new HeldSource<Buffer>();
    const client = await askForParts(parts);
    parts.give(json(1));
    parts.end();
    expect([await client.part(), await client.part()]).toEqual(['1', undefined]);
    const next = await ask();
    next.request.sink.answer({ status: 200, headers: ['content-length', '2'], body: '{}' });
    expect(await next.client.text()).toBe('{}');
    expect(await ended(2)).toEqual([200, 200]);
  });

  it('asks for no more than a slow client has room for, and for the rest when it has', async () => {
    const count = 256;
    const part = Buffer.alloc(2 ** 18, '1');
    let asked = 0;
    const parts: Source<Buffer> = {
      next: async () => (asked++ < count ? part : undefined),
      close: () => undefined,
    };
    const client = await askForParts(parts);
    await client.head;
    // Whoever does not wait for its client is through with all of it, or never stops.
    for (let same = 0, before = -1; same < 10; before = asked) {
      same = asked === before ? same + 1 : 0;
      await wait(10);
    }
    expect(asked).toBeLessThan(count);
    let got = 0;
    while ((await client.part()) !== undefined) got++;
    expect([got, asked]).toEqual([count, count + 1]);
  });

  it('ends the request, and with it the source, when its client leaves while a part is awaited', async () => {
    const parts = new HeldSource<Buffer>();
    const client = await askForParts(parts);
    parts.give(json(1));
    expect(await client.part()).toBe('1');
    expect(parts.isClosed).toBe(false);
    client.leave();
    expect(await ended()).toEqual([499]);
    expect(parts.isClosed).toBe(true);
  });

  it('asks for nothing more when its client leaves before it has read what was sent', async () => {
    const parts = new HeldSource<Buffer>();
    const part = Buffer.alloc(2 ** 18, '1');
    parts.give(...Array.from({ length: 256 }, () => part));
    const client = await askForParts(parts);
    await client.part();
    client.leave();
    expect(await ended()).toEqual([499]);
    expect(parts.isClosed).toBe(true);
    expect(parts.asked).toBeLessThan(256);
  });

  it('cuts its client off when the source fails: that is not the end', async () => {
    const parts = new HeldSource<Buffer>();
    const client = await askForParts(parts);
    parts.give(json(1));
    expect(await client.part()).toBe('1');
    parts.give(new Error('It breaks.'));
    await expect(client.part()).rejects.toThrow();
    expect(await ended()).toEqual([499]);
    expect(parts.isClosed).toBe(true);
  });
});

it.each([
  ['multipart/mixed', true],
  ['Multipart/Mixed; boundary="graphql"; subscriptionSpec=1.0, application/json', true],
  ['application/json, multipart/mixed;q=0.1', true],
  ['multipart/mixed;q=0, application/json', false],
  ['*/*', false],
  ['multipart/*', false],
  ['', false],
  [undefined, false],
])('over HTTP, "Accept: %s" takes parts: %s', (accept, takesParts) => {
  expect(takesMultipart(accept)).toBe(takesParts);
});
