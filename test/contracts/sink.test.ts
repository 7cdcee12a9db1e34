/** What every way to answer a client does. */
import { setTimeout as wait } from 'node:timers/promises';
import type { IncomingRequest } from '../../gateway/request/incoming-request';
import type { ResponsePart } from '../../gateway/request/sink';
import { flowOf, type Source } from '../../gateway/subgraph-calls/contract/source';
import { HeldSource } from '../support/held-source';
import type { Client } from '../support/in-process-client';
import { openRequests } from '../support/requests-in-flight';
import { sinkKinds, type TestConnection, wholeSinks } from '../support/sink-connections';

describe.each(sinkKinds)('a sink over %s', (_name, open, sink) => {
  const sendsParts = !wholeSinks.includes(sink);
  /** Only for sinks that send answers in parts. */
  const itInParts = sendsParts ? it : (): void => undefined;
  const { requests, log } = openRequests();
  let connection: TestConnection;
  let onRequest: (request: IncomingRequest) => void;
  beforeAll(async () => {
    connection = await open(requests, (request) => onRequest(request));
  });
  afterAll(() => connection.close());
  beforeEach(async () => {
    // A client has its answer a moment before the request is over, and logged.
    while (requests.size > 0) await wait(5);
    log.length = 0;
  });

  /** Sends a request; resolves when it has reached the gateway. */
  async function ask(takesParts = true): Promise<{ client: Client; request: IncomingRequest }> {
    const came = new Promise<IncomingRequest>((resolve) => (onRequest = resolve));
    const client = connection.ask(takesParts);
    return { client, request: await came };
  }

  /** Sends a request that is answered from a source, which ends with it. */
  async function askForParts(parts: Source<ResponsePart>): Promise<Client> {
    const { client, request } = await ask();
    request.onEnd(() => parts.close());
    request.sink.answer({ status: 200, headers: ['x-a', '1'], body: { ...flowOf(parts), kind: 'events' } });
    return client;
  }

  /** Expects a client to be told a status, and a header, where it is told any. */
  async function expectHead(client: Client, status: number, name?: string, value?: string): Promise<void> {
    const head = await client.head;
    if (connection.tellsHead === false) return;
    expect(head.status).toBe(status);
    if (name !== undefined) expect(head.headers.get(name)).toBe(value);
  }

  const json = (value: unknown): ResponsePart => ({ body: Buffer.from(JSON.stringify(value)) });
  /** The status of each request that is over, as the access log has it; without those that open a connection. */
  const ended = async (count = 1): Promise<number[]> => {
    for (;;) {
      const statuses = log.map(({ status }) => status as number).filter((status) => status !== 101);
      if (statuses.length >= count) return statuses;
      await wait(5);
    }
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
    await expectHead(client, 400, 'content-type', 'application/json');
    expect(await client.text()).toBe('{"data":{"a":"ä"}}');
    await released;
    expect(await ended()).toEqual([400]);
  });

  it('sends an answer without a body', async () => {
    const { client, request } = await ask();
    request.sink.answer({ status: 204, headers: [], body: undefined });
    await expectHead(client, 204);
    expect(await client.text()).toBe('');
    expect(await ended()).toEqual([204]);
  });

  it('knows whether its client takes parts', async () => {
    for (const takesParts of [true, false]) {
      const { client, request } = await ask(takesParts);
      const takes = sendsParts && (takesParts || connection.alwaysTakesParts === true);
      expect(request.sink.carriesParts).toBe(sendsParts);
      expect(request.sink.events !== undefined).toBe(takes);
      if (!takes)
        expect([request.sink.incremental, request.sink.refusesInEvents]).toEqual([undefined, false]);
      request.sink.answer({ status: 204, headers: [], body: undefined });
      await client.text();
    }
  });

  itInParts(
    'begins an answer before there is a part, and sends each part before there is another',
    async () => {
      const parts = new HeldSource<ResponsePart>();
      const client = await askForParts(parts);
      await expectHead(client, 200, 'x-a', '1');
      for (const text of ['{"data":{"a":"ä"}}', '{"data": {\r\n\r\n"a": "--graphql"}}', '{}']) {
        parts.give({ body: Buffer.from(text) });
        expect(JSON.parse((await client.part())!)).toEqual(JSON.parse(text));
      }
      parts.end();
      expect(await client.part()).toBeUndefined();
      expect(await ended()).toEqual([200]);
    },
  );

  itInParts('sends many parts, all of them and in their order', async () => {
    const parts = new HeldSource<ResponsePart>();
    const client = await askForParts(parts);
    const sent = Array.from({ length: 1000 }, (_, i) => ({ i }));
    parts.give(...sent.map(json));
    parts.end();
    const got: unknown[] = [];
    for (let part = await client.part(); part !== undefined; part = await client.part())
      got.push(JSON.parse(part));
    expect(got).toEqual(sent);
  });

  itInParts('serves the next request after an answer in parts', async () => {
    const parts = new HeldSource<ResponsePart>();
    const client = await askForParts(parts);
    parts.give(json(1));
    parts.end();
    expect([await client.part(), await client.part()]).toEqual(['1', undefined]);
    const next = await ask();
    next.request.sink.answer({ status: 200, headers: ['content-length', '2'], body: '{}' });
    expect(await next.client.text()).toBe('{}');
    expect(await ended(2)).toEqual([200, 200]);
  });

  itInParts('asks for no more than a slow client has room for, and for the rest when it has', async () => {
    const count = 96;
    const part: ResponsePart = { body: Buffer.alloc(2 ** 18, '1') };
    let asked = 0;
    const parts: Source<ResponsePart> = {
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

  it('says how much of an answer waits for its client, and on what, which can be cut', async () => {
    const { client, request } = await ask();
    const { sink } = request;
    const body = Buffer.alloc(sink.download === undefined ? 1000 : 2 ** 26, '1');
    sink.answer({ status: 200, headers: ['content-length', String(body.length)], body });
    await client.head;
    if (sink.download === undefined) {
      expect(await ended()).toEqual([200]);
      return;
    }
    while (sink.download.waiting === 0) await wait(5);
    expect(sink.download.waiting).toBeLessThanOrEqual(2 * body.length);
    sink.download.connection.destroy();
    // Node's client of HTTP/2 takes that for the end.
    const got = await client.text().catch(() => '');
    expect(got.length).toBeLessThan(body.length);
    expect(sink.download.connection.destroyed).toBe(true);
    expect(await ended()).toEqual([499]);
  });

  it('takes a message that was written in advance, where it takes one at all', async () => {
    const { client, request } = await ask();
    const { messages } = request.sink;
    if (messages === undefined) {
      request.sink.answer({ status: 204, headers: [], body: undefined });
      expect(await ended()).toEqual([204]);
      return;
    }
    messages.sendMessage(503, Buffer.from('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}'));
    expect([request.sink.isAnswered, request.sink.messages]).toEqual([true, undefined]);
    expect((await client.head).status).toBe(503);
    expect(await client.text()).toBe('{}');
    expect(await ended()).toEqual([503]);
  });

  itInParts(
    'ends the request, and with it the source, when its client leaves while a part is awaited',
    async () => {
      const parts = new HeldSource<ResponsePart>();
      const client = await askForParts(parts);
      parts.give(json(1));
      expect(await client.part()).toBe('1');
      expect(parts.isClosed).toBe(false);
      client.leave();
      expect(await ended()).toEqual([499]);
      expect(parts.isClosed).toBe(true);
    },
  );

  itInParts('asks for nothing more when its client leaves before it has read what was sent', async () => {
    const parts = new HeldSource<ResponsePart>();
    const part: ResponsePart = { body: Buffer.alloc(2 ** 18, '1') };
    parts.give(...Array.from({ length: 256 }, () => part));
    const client = await askForParts(parts);
    await client.part();
    client.leave();
    expect(await ended()).toEqual([499]);
    expect(parts.isClosed).toBe(true);
    expect(parts.asked).toBeLessThan(256);
  });

  itInParts('cuts its client off when the source fails: that is not the end', async () => {
    const parts = new HeldSource<ResponsePart>();
    const client = await askForParts(parts);
    parts.give(json(1));
    expect(await client.part()).toBe('1');
    parts.give(new Error('It breaks.'));
    await expect(client.part()).rejects.toThrow();
    expect(await ended()).toEqual([499]);
    expect(parts.isClosed).toBe(true);
  });
});
