/** Subscriptions of a subgraph of the kit, over each protocol. Over 300 lines: each protocol's rules and faults. */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import {
  defineSubgraph,
  memoryEventSource,
  requireIdentity,
  startSubgraph,
  SubgraphError,
  subscriptionField,
  type Identity,
  type MemoryEventSource,
  type Resolvers,
  type RunningSubgraph,
  type Settings,
} from '../../kit';
import { temporaryFolder } from '../support/subgraph-kit';
import { overCallbacks, subscribers } from '../support/subscription-clients';
import { within } from '../support/times';

const folder = temporaryFolder();
const schema = folder.write(
  'schema.graphql',
  `type Query { one: Int }
  type Subscription { moved(id: ID, how: String): Move  mine: Move }
  type Move { id: ID!  step: Int!  by: String  context: Int!  fails: String }`,
);

interface Context {
  readonly identity: Identity | null;
  readonly number: number;
}
interface Move {
  readonly id: string;
  readonly step: number;
}

let contexts = 0;
const resolvers: Resolvers<Context> = {
  Subscription: {
    moved: subscriptionField<Context, { id?: string; how?: string }, Move>({
      event: 'Moved',
      keys({ id, how }) {
        if (how === 'refused') throw new SubgraphError('NOT_FOUND', 'There is no such thing.');
        if (how === 'broken') throw new Error('SELECT * FROM secrets');
        return id === undefined ? 'all' : [id];
      },
    }),
    mine: subscriptionField<Context, object, Move>({
      event: 'Moved',
      keys: (_, { identity }) => [requireIdentity(identity).id],
      resolve: (move, _, { identity }) => (identity?.id === move.id ? move : null),
    }),
  },
  Move: {
    by: (_: unknown, __: unknown, { identity }) => identity?.id,
    context: (_: unknown, __: unknown, { number }) => number,
    fails: () => {
      throw new Error('SELECT * FROM secrets');
    },
  },
};
/** The streams of events that are open, and who waits for one. */
const streams = new Set<object>();
/** Has what waits for an event reject. */
let failSource: (error: Error) => void = () => undefined;
let onStream = (): void => undefined;
/** Of the subgraph that was started last. */
let source: MemoryEventSource;

const parcels = defineSubgraph({
  name: 'parcels',
  schema,
  resolvers,
  events() {
    const own = (source = memoryEventSource({ kept: 5 }));
    return {
      async subscribe(selection) {
        const stream = await own.subscribe(selection);
        streams.add(stream);
        const end = stream.return.bind(stream);
        const next = stream.next.bind(stream);
        const failure = new Promise<never>((_, reject) => (failSource = reject));
        failure.catch(() => undefined);
        stream.next = () => Promise.race([next(), failure]);
        stream.return = () => {
          streams.delete(stream);
          onStream();
          return end();
        };
        onStream();
        return stream;
      },
    };
  },
  context: ({ identity }): Context => ({ identity, number: contexts++ }),
});

/** Resolves when so many streams of events are open. */
const open = (count: number): Promise<void> =>
  new Promise((resolve) => {
    onStream = () => {
      if (streams.size === count) resolve();
    };
    onStream();
  });

const running: RunningSubgraph[] = [];
const closed: (() => void)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((subgraph) => subgraph.stop()));
  for (const close of closed.splice(0)) close();
});
afterAll(() => folder.remove());

async function start(settings: Settings = {}) {
  const subgraph = await startSubgraph(parcels, { port: 0, logLevel: 'silent', ...settings });
  running.push(subgraph);
  const own = source;
  return {
    url: subgraph.url,
    stop: subgraph.stop,
    publish: async (id: string, step: number) => {
      own.publish({ type: 'Moved', key: id, data: { id, step } satisfies Move });
      await Promise.resolve();
    },
  };
}

const secret = 'the-secret-of-gateway-and-parcels';

/** Signs as the gateway does. Shares no code with it, nor with the kit. */
function sign(method: 'GET' | 'POST', body: string, sub?: string): Record<string, string> {
  const headers = {
    'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    ...(sub !== undefined && {
      'weir-identity': Buffer.from(JSON.stringify({ mode: 'oidc', sub })).toString('base64url'),
    }),
  };
  const keyid = createHash('sha256').update(secret).digest('hex').slice(0, 8);
  const covered = ['@method', ...Object.keys(headers)].map((name) => `"${name}"`).join(' ');
  const created = Math.floor(Date.now() / 1000);
  const input = `(${covered});created=${created};keyid="${keyid}";nonce="${randomUUID()}";tag="weir:parcels"`;
  const lines = Object.entries(headers).map(([name, value]) => `"${name}": ${value}\n`);
  const base = `"@method": ${method}\n${lines.join('')}"@signature-params": ${input}`;
  const signature = createHmac('sha256', secret).update(base).digest('base64');
  return { ...headers, 'signature-input': `weir=${input}`, signature: `weir=:${signature}:` };
}

const textOf = ({ value = new Uint8Array() }: { value?: Uint8Array | undefined }): string =>
  Buffer.from(value).toString();

const query = 'subscription Moves($id: ID) { moved(id: $id) { id step } }';

describe.each(subscribers)('over %s a subgraph', (protocol, subscribeTo) => {
  const subscribe: typeof subscribeTo = (...args) => {
    const subscriber = subscribeTo(...args);
    closed.push(subscriber.close);
    return subscriber;
  };

  it('sends a result for each event, with its position', async () => {
    const { url, publish } = await start();
    const subscriber = subscribe(url, { query, variables: { id: 'p1' } });
    await open(1);
    await publish('p1', 1);
    await publish('p2', 1);
    await publish('p1', 2);
    const results = [await subscriber.next(), await subscriber.next()];
    expect(results).toEqual([
      { data: { moved: { id: 'p1', step: 1 } }, extensions: { position: expect.any(String) } },
      { data: { moved: { id: 'p1', step: 2 } }, extensions: { position: expect.any(String) } },
    ]);
    expect(results[0].extensions.position).not.toBe(results[1].extensions.position);
  });

  it('executes each event in a context of its own', async () => {
    const { url, publish } = await start();
    const subscriber = subscribe(url, { query: 'subscription { moved { context } }' });
    await open(1);
    await publish('p1', 1);
    await publish('p1', 2);
    const numbers = [await subscriber.next(), await subscriber.next()].map(({ data }) => data.moved.context);
    expect(numbers[0]).not.toBe(numbers[1]);
  });

  it('goes on behind a position, and says where it cannot', async () => {
    const { url, publish } = await start();
    const first = subscribe(url, { query });
    await open(1);
    await publish('p1', 1);
    const after = (await first.next()).extensions.position as string;
    await publish('p1', 2);
    const second = subscribe(url, { query, extensions: { after } });
    expect((await second.next()).data).toEqual({ moved: { id: 'p1', step: 2 } });
    for (let step = 3; step < 10; step++) await publish('p1', step);
    const third = subscribe(url, { query, extensions: { after } });
    expect(await third.next()).toEqual({ data: null, extensions: { gap: true } });
  });

  it.each([
    ['what is no GraphQL', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED', /^Syntax Error/],
    ['an unknown field', { query: 'subscription { none }' }, 'GRAPHQL_VALIDATION_FAILED', /^Cannot query/],
    [
      'two root fields',
      { query: 'subscription { mine { id } moved { id } }' },
      'GRAPHQL_VALIDATION_FAILED',
      /one/,
    ],
    ['a query', { query: '{ one }' }, 'BAD_REQUEST', /^Only a subscription is answered event by event/],
    ['15,001 tokens', { query: `subscription { ${'id '.repeat(14_998)} }` }, 'GRAPHQL_PARSE_FAILED', /15000/],
    [
      'a position that is no text',
      { query, extensions: { after: 1 } },
      'BAD_REQUEST',
      /`extensions.after` a text/,
    ],
    [
      'what its field refuses',
      { query: 'subscription { moved(how: "refused") { id } }' },
      'NOT_FOUND',
      /^There is no/,
    ],
    ['an anonymous caller', { query: 'subscription { mine { id } }' }, 'UNAUTHENTICATED', /^Sign in/],
    [
      'what fails',
      { query: 'subscription { moved(how: "broken") { id } }' },
      'INTERNAL_SERVER_ERROR',
      /^Internal/,
    ],
  ])('refuses %s', async (_, payload, code, message) => {
    const { url } = await start();
    const { errors } = await subscribe(url, payload).next();
    expect(errors[0].extensions).toEqual({ code });
    expect(errors[0].message).toMatch(message);
  });

  it('masks the errors of an event, and goes on', async () => {
    const { url, publish } = await start();
    const subscriber = subscribe(url, { query: 'subscription { moved { step fails } }' });
    await open(1);
    await publish('p1', 1);
    await publish('p1', 2);
    for (const step of [1, 2])
      expect(await subscriber.next()).toEqual({
        data: { moved: { step, fails: null } },
        errors: [
          expect.objectContaining({
            message: 'Internal server error',
            path: ['moved', 'fails'],
            extensions: { code: 'INTERNAL_SERVER_ERROR' },
          }),
        ],
        extensions: { position: expect.any(String) },
      });
  });

  it('knows the caller', async () => {
    const { url, publish } = await start();
    const subscriber = subscribe(
      url,
      { query: 'subscription { mine { id by } }' },
      { headers: { authorization: 'Bearer u1' } },
    );
    await open(1);
    await publish('u2', 1);
    await publish('u1', 1);
    expect((await subscriber.next()).data).toEqual({ mine: { id: 'u1', by: 'u1' } });
  });

  it('ends the stream of events when its subscriber leaves', async () => {
    const { url, publish } = await start();
    const subscriber = subscribe(url, { query }, { heartbeat: 100 });
    await open(1);
    await publish('p1', 1);
    await subscriber.next();
    subscriber.stop();
    await open(0);
  });

  it('refuses subscriptions over its limit ', async () => {
    const { url } = await start({ subscriptions: { limit: 2 } });
    subscribe(url, { query });
    subscribe(url, { query });
    await open(2);
    const third = subscribe(url, { query });
    if (protocol === 'WebSocket') expect(await third.ended).toMatchObject({ code: 1013 });
    else
      expect((await third.next()).errors).toEqual([
        {
          message: 'This subgraph runs 2 subscriptions, which is its limit.',
          extensions: { code: 'UNAVAILABLE' },
        },
      ]);
  });

  it('ends subscriptions so that a gateway comes back, when it stops', async () => {
    const { url, stop } = await start();
    const subscriber = subscribe(url, { query });
    await open(1);
    const began = performance.now();
    await stop();
    expect(performance.now() - began).toBeLessThan(within(3000));
    await open(0);
    const how = await subscriber.ended;
    if (protocol === 'WebSocket')
      expect(how).toMatchObject({ code: 1001, reason: 'The subgraph is stopping.' });
    if (protocol === 'SSE') expect(how).not.toBe('complete');
    if (protocol === 'callbacks')
      expect(how).toEqual([{ message: 'The subgraph is stopping.', extensions: { code: 'UNAVAILABLE' } }]);
  });

  it('breaks a subscription off when its event source fails, so that a gateway comes back', async () => {
    const { url, publish } = await start({ subscriptions: { limit: 2 } });
    for (const step of [1, 2]) {
      const subscriber = subscribe(url, { query });
      await open(1);
      await publish('p1', step);
      await subscriber.next();
      failSource(new Error('SELECT * FROM secrets'));
      await open(0);
      const how = await subscriber.ended;
      if (protocol === 'WebSocket')
        expect(how).toMatchObject({ code: 4500, reason: 'Internal server error' });
      if (protocol === 'SSE') expect(how).not.toBe('complete');
      if (protocol === 'callbacks')
        expect(how).toEqual([
          { message: 'The event source has failed.', extensions: { code: 'UNAVAILABLE' } },
        ]);
    }
    // They do not count towards the limit any more.
    const third = subscribe(url, { query });
    await open(1);
    await publish('p1', 3);
    expect((await third.next()).data).toEqual({ moved: { id: 'p1', step: 3 } });
  });

  describe('with a private link', () => {
    const link = { link: { keys: [secret] } };

    it('takes what the gateway signs, for the caller that it signs', async () => {
      const { url, publish } = await start(link);
      const subscriber = subscribe(
        url,
        { query: 'subscription { mine { by } }' },
        {
          headers: { authorization: 'Bearer u2', 'weir-identity': 'e30' },
          sign: (method, body) => sign(method, body, 'u1'),
        },
      );
      await open(1);
      await publish('u1', 1);
      expect((await subscriber.next()).data).toEqual({ mine: { by: 'u1' } });
    });

    it.each([
      ['unsigned', () => ({})],
      ['signed for another body', (method: 'GET' | 'POST') => sign(method, '{}')],
      [
        'signed with another key',
        (method: 'GET' | 'POST', body: string) => {
          const signed = sign(method, body);
          return {
            ...signed,
            'signature-input': signed['signature-input']!.replace(/keyid="\w+"/, 'keyid="00000000"'),
          };
        },
      ],
    ])('refuses one that is %s', async (_, how) => {
      const { url } = await start(link);
      const subscriber = subscribe(url, { query }, { sign: how });
      const refused = protocol === 'callbacks' ? subscriber.next() : subscriber.ended;
      expect(JSON.stringify(await refused)).not.toContain('complete');
      expect(streams.size).toBe(0);
    });

    it('refuses a copy', async () => {
      const { url } = await start(link);
      let signed: Record<string, string> | undefined;
      const once = (method: 'GET' | 'POST', body: string) => (signed ??= sign(method, body));
      subscribe(url, { query }, { sign: once });
      await open(1);
      const subscriber = subscribe(url, { query }, { sign: once });
      await (protocol === 'callbacks' ? subscriber.next() : subscriber.ended);
      expect(streams.size).toBe(1);
    });
  });
});

describe('over WebSocket a subgraph', () => {
  /** Sends text or frames, and resolves with the close code. */
  function closeCode(
    url: string,
    send: (socket: WebSocket) => void,
    protocol = 'graphql-transport-ws',
    options = {},
  ): Promise<number> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol, options);
    socket.on('error', () => undefined);
    socket.once('open', () => send(socket));
    return new Promise((resolve) => socket.once('close', resolve));
  }
  const init = '{"type":"connection_init"}';
  const operation = (id: string) =>
    `{"type":"subscribe","id":"${id}","payload":{"query":"subscription { moved { id } }"}}`;

  it.each([
    [4400, 'what is no JSON', 'hello'],
    [4400, 'a message of an unknown type', '{"type":"nonsense"}'],
    [4401, 'an operation before connection_init', operation('1')],
    [4429, 'a second connection_init', init, init],
    [4409, 'an id that is in use', init, operation('1'), operation('1')],
    [1009, 'a message over 4 MiB', init, ' '.repeat(4 * 1024 * 1024 + 1)],
  ])('closes with %d for %s', async (code, _, ...messages) => {
    const { url } = await start();
    const [first = '', ...others] = messages;
    const send = (socket: WebSocket) => {
      socket.send(first);
      socket.once('message', () => others.forEach((text) => socket.send(text)));
    };
    expect(await closeCode(url, send)).toBe(code);
    await open(0);
  });

  it('closes for another sub-protocol', async () => {
    const { url } = await start();
    // Without a sub-protocol in the answer, the client fails the handshake.
    expect(await closeCode(url, () => undefined, 'graphql-ws')).toBe(1006);
  });

  it('closes with 1002 for a compressed frame', async () => {
    const { url } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(
      'GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n' +
        'sec-websocket-extensions: permessage-deflate\r\n\r\n',
    );
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).not.toMatch(/permessage-deflate/i);
    // FIN, RSV1, text; masked, two bytes.
    socket.write(Buffer.from([0xc1, 0x82, 1, 2, 3, 4, 5, 6]));
    const [frame] = (await once(socket, 'data')) as [Buffer];
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, 1002]);
    socket.destroy();
  });

  it.each([
    ['another path', '/other', {}, 404],
    ['an upgrade to something else', '/graphql', { upgrade: 'h2c' }, 400],
  ])('refuses %s', async (_, path, headers, status) => {
    const { url } = await start();
    const answered = httpRequest(new URL(path, url), {
      headers: { connection: 'upgrade', upgrade: 'websocket', ...headers },
    });
    answered.end();
    const [response] = (await once(answered, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(status);
  });

  it('keeps no connection whose upgrade it has refused', async () => {
    const { url } = await start();
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), allowHalfOpen: true });
    socket.write('GET /other HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
    socket.resume();
    await once(socket, 'end');
    // Its client keeps its side open, and goes on.
    const cut = new Promise((resolve) => socket.on('error', resolve));
    const timer = setInterval(() => socket.write('x'), 20);
    await cut;
    clearInterval(timer);
  });

  it('sends pings, and cuts whoever does not answer them', async () => {
    const { url } = await start({ subscriptions: { heartbeat: 50 } });
    let pings = 0;
    const options = { autoPong: false };
    const code = await closeCode(
      url,
      (socket) => socket.on('ping', () => pings++),
      'graphql-transport-ws',
      options,
    );
    expect([pings, code]).toEqual([1, 1006]);
  });
});

describe('over SSE a subgraph', () => {
  it('takes a GET, and the position that a browser sends', async () => {
    const { url, publish } = await start();
    const get = async (headers: Record<string, string>) => {
      const parameters = new URLSearchParams({ query, variables: '{"id":"p1"}' });
      const response = await fetch(`${url}?${parameters.toString()}`, {
        headers: { accept: 'text/event-stream', ...headers },
      });
      const reader = response.body!.getReader();
      closed.push(() => void reader.cancel().catch(() => undefined));
      return { response, read: async () => textOf(await reader.read()) };
    };
    const first = await get({});
    await publish('p1', 1);
    const text = await first.read();
    const position = /^event: next\nid: (\S+)\ndata: (.*)\n\n$/.exec(text);
    expect(JSON.parse(position![2]!)).toMatchObject({ data: { moved: { step: 1 } } });
    expect(first.response.headers.get('cache-control')).toBe('no-store');
    expect(first.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await publish('p1', 2);
    expect(await (await get({ 'last-event-id': position![1]! })).read()).toContain('"step":2');
  });

  it('sends comments while there are no events', async () => {
    const { url } = await start({ subscriptions: { heartbeat: 20 } });
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const reader = response.body!.getReader();
    expect(textOf(await reader.read())).toBe(':\n\n');
    await reader.cancel();
    await open(0);
  });

  it('bounds what waits for a client that does not read', async () => {
    const { url, publish } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const body = JSON.stringify({ query });
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await open(1);
    socket.pause();
    const text = 'x'.repeat(100_000);
    for (let step = 0; step < 200; step++) {
      await publish(text, step);
      await sleep(1);
    }
    socket.resume();
    let received = '';
    for await (const chunk of socket) {
      received += String(chunk);
      if (received.includes('"step":199')) break;
    }
    // What the kernel takes, then the last that are kept.
    expect(received).toContain('{"data":null,"extensions":{"gap":true}}');
    expect(received.match(/"step":/g)!.length).toBeLessThan(200);
  });
});

describe('over callbacks a subgraph', () => {
  type Message = [action: string, id: string, verifier: string, protocol: unknown];
  const subscribe = (...args: Parameters<typeof overCallbacks>) => {
    const subscriber = overCallbacks(...args);
    closed.push(subscriber.close);
    return subscriber;
  };

  it('asks for confirmation, and sends heartbeats', async () => {
    const { url } = await start();
    const messages: Message[] = [];
    const three = new Promise<void>((resolve) => {
      subscribe(
        url,
        { query },
        {
          heartbeat: 100,
          onCallback({ action, id, verifier }, headers) {
            messages.push([action, id, verifier, headers['subscription-protocol']]);
            if (messages.length === 3) resolve();
            return 204;
          },
        },
      );
    });
    await three;
    expect(new Set(messages.map((message) => message.join()))).toEqual(
      new Set(['check,subscription-1,verifier-1,callback/1.0']),
    );
  });

  it('sends nothing where the gateway does not confirm', async () => {
    const { url } = await start();
    const subscriber = subscribe(url, { query }, { onCallback: () => 400 });
    expect((await subscriber.next()).errors).toEqual([
      {
        message: 'The callback URL has not confirmed the subscription.',
        extensions: { code: 'BAD_REQUEST' },
      },
    ]);
    expect(streams.size).toBe(0);
  });

  it('repeats a callback that fails, and keeps the order', async () => {
    const { url, publish } = await start();
    let failures = 3;
    const subscriber = subscribe(
      url,
      { query },
      { onCallback: ({ action }) => (action === 'next' && failures-- > 0 ? 503 : 204) },
    );
    await open(1);
    for (const step of [1, 2, 3]) await publish('p1', step);
    const steps = [await subscriber.next(), await subscriber.next(), await subscriber.next()];
    expect(steps.map(({ data }) => data.moved.step)).toEqual([1, 2, 3]);
  });

  it('ends a subscription that the gateway does not know any more', async () => {
    const { url, publish } = await start();
    subscribe(url, { query }, { onCallback: ({ action }) => (action === 'next' ? 404 : 204) });
    await open(1);
    await publish('p1', 1);
    await open(0);
  });

  it('follows no redirect', async () => {
    const { url } = await start();
    const subscriber = subscribe(url, { query }, { onCallback: () => 307 });
    expect((await subscriber.next()).errors).toHaveLength(1);
  });

  it('signs its callbacks with a private link', async () => {
    const { url, publish } = await start({ link: { keys: [secret] } });
    const inputs: string[] = [];
    const subscriber = subscribe(
      url,
      { query },
      {
        sign,
        onCallback(_, headers, body) {
          const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
          const [, input] = /^weir=(.*)$/.exec(String(headers['signature-input']))!;
          const base = `"@method": POST\n"content-digest": ${digest}\n"@signature-params": ${input}`;
          const signature = createHmac('sha256', secret).update(base).digest('base64');
          expect(headers['signature']).toBe(`weir=:${signature}:`);
          expect(input).toContain(';tag="weir-callback:parcels"');
          inputs.push(input!);
          return 204;
        },
      },
    );
    await open(1);
    await publish('p1', 1);
    await subscriber.next();
    expect(new Set(inputs).size).toBe(2);
  });

  it.each([
    [undefined],
    [{ callbackUrl: 'file:///etc/passwd', subscriptionId: '1', verifier: 'v' }],
    [{ callbackUrl: 'http://127.0.0.1:1/', verifier: 'v' }],
    [{ callbackUrl: 'http://127.0.0.1:1/', subscriptionId: '1', verifier: 'v', heartbeatIntervalMs: -1 }],
    [{ callbackUrl: 'http://127.0.0.1:1/', subscriptionId: '1', verifier: 'v', heartbeatIntervalMs: '5' }],
  ])('refuses the extension %j', async (subscription) => {
    const { url } = await start();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json;callbackSpec=1.0' },
      body: JSON.stringify({ query, extensions: { subscription } }),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('`extensions.subscription` must have a `callbackUrl`');
    expect(streams.size).toBe(0);
  });
});

it('a subscription without a protocol for events is refused with the protocols that there are', async () => {
  const { url } = await start();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('A subscription has no single answer. Subscribe over WebSocket');
});
