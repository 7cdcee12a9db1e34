import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, connect as connectTo } from 'node:net';
import { eventStream, multipart } from '../../../../gateway/http/parts-types';
import { type PartsResponse, sendParts } from '../../../../gateway/http/send-parts';
import type { Framing } from '../../../../gateway/http/framing';
import { WholeResponse } from '../../../../gateway/http/whole-messages';
import type { ResponsePart } from '../../../../gateway/request/sink';
import { flowOf } from '../../../../gateway/subgraph-calls/contract/source';
import { HeldSource } from '../../../support/held-source';

interface Sending {
  readonly parts: HeldSource<ResponsePart>;
  readonly options?: { heartbeat: number; idle: number };
  readonly framing?: Framing;
}

const json = (value: unknown): ResponsePart => ({ body: Buffer.from(JSON.stringify(value)) });

/** A source that still has a part when it is closed, such as the error of a hook that was called before. */
class LastWord extends HeldSource<ResponsePart> {
  hasSpoken = false;

  override async next(): Promise<ResponsePart | undefined> {
    const part = await super.next();
    if (part !== undefined || this.hasSpoken) return part;
    this.hasSpoken = true;
    return json(1);
  }
}

/** A server that answers all requests from a source. */
function answering(sending: Sending, servers: (Server | Http2Server)[]) {
  const { parts, options = { heartbeat: 5000, idle: 10_000 }, framing = eventStream } = sending;
  const sent: { done?: Promise<void> } = {};
  const handle = (_request: unknown, response: unknown): void => {
    const to = response as PartsResponse;
    // Not before there is a request: a busy machine may take longer to read it.
    (to.stream?.session ?? to.req.socket).setTimeout(150);
    to.writeHead(200, { 'content-type': framing.mediaType });
    to.on('close', () => parts.close());
    sent.done = sendParts(to, { ...flowOf(parts), kind: 'events' }, framing, options);
  };
  const open = async (server: Server | Http2Server): Promise<number> => {
    servers.push(server);
    server.setTimeout(60_000);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return (server.address() as AddressInfo).port;
  };
  return { handle, open, sent };
}

const servers: (Server | Http2Server)[] = [];
const leave: (() => void)[] = [];
afterEach(async () => {
  for (const each of leave.splice(0)) each();
  await Promise.all(servers.splice(0).map((each) => new Promise((closed) => each.close(closed))));
});

/** What a client over HTTP/1.1 has got so far, and how it ended. */
async function askHttp1(sending: Sending) {
  const { handle, open, sent } = answering(sending, servers);
  const port = await open(createServer({ ServerResponse: WholeResponse }, handle));
  const got = { text: '', end: undefined as string | undefined };
  const response = await new Promise<IncomingMessage>((resolve) => {
    const request = get({ port, agent: false }, resolve);
    leave.push(() => request.destroy());
  });
  response.on('data', (piece) => (got.text += String(piece)));
  response.on('end', () => (got.end ??= 'whole')).on('error', () => (got.end ??= 'cut'));
  return { got, sent, response };
}

async function askHttp2(sending: Sending) {
  const { handle, open, sent } = answering(sending, servers);
  const port = await open(createHttp2Server(handle as never));
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  leave.push(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  const got = { text: '', end: undefined as string | undefined };
  stream.on('data', (piece) => (got.text += String(piece)));
  stream.on('end', () => (got.end ??= 'whole')).on('error', () => (got.end = 'cut'));
  stream.on('close', () => (got.end ??= 'closed'));
  return { got, sent, session, response: stream };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe.each([
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
])('over %s', (_, ask) => {
  it('sends a heartbeat while there is no part, and keeps the connection open for longer than an idle one', async () => {
    const parts = new HeldSource<ResponsePart>();
    const start = performance.now();
    const { got } = await ask({ parts, options: { heartbeat: 40, idle: 10_000 } });
    await until(() => got.text.split(':\n\n').length > 6);
    expect(performance.now() - start).toBeGreaterThan(150);
    parts.give(json(1));
    parts.end();
    await until(() => got.end !== undefined);
    expect(got.end).toBe('whole');
    expect(got.text.replaceAll(/^:\n\n/gm, '')).toBe('event: next\ndata: 1\n\nevent: complete\ndata:\n\n');
  });

  it('keeps a connection open on which nothing moves', async () => {
    const parts = new HeldSource<ResponsePart>();
    const { got } = await ask({ parts, framing: multipart });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(got).toEqual({ text: '\r\n--graphql', end: undefined });
    parts.end();
    await until(() => got.end !== undefined);
    expect(got).toEqual({ text: '\r\n--graphql--\r\n', end: 'whole' });
  });

  it('cuts a client off that takes nothing, and asks for no more', async () => {
    const parts = new HeldSource<ResponsePart>();
    const { sent, response } = await ask({ parts, options: { heartbeat: 20, idle: 300 } });
    response.pause();
    parts.give(...Array.from({ length: 100 }, () => ({ body: Buffer.alloc(2 ** 20, '1') })));
    await until(() => parts.isClosed);
    await sent.done;
    expect(parts.asked).toBeLessThan(100);
  });

  it('ends when a part comes only after its client has left', async () => {
    const parts = new LastWord();
    const { sent, response } = await ask({ parts });
    await until(() => parts.asked > 0);
    response.destroy();
    await until(() => parts.isClosed);
    await sent.done;
    expect(parts.hasSpoken).toBe(true);
  });

  it('sends what it has before it cuts its client off for a source that fails', async () => {
    const parts = new HeldSource<ResponsePart>();
    // More than one round of the connection takes.
    const large = { body: Buffer.alloc(2 ** 20, '1') };
    parts.give(json(1), large, new Error('It breaks.'));
    const { got } = await ask({ parts });
    await until(() => got.end !== undefined);
    expect(got.end).toBe('cut');
    expect(got.text.length).toBe(
      ':\n\nevent: next\ndata: 1\n\nevent: next\ndata: \n\n'.length + large.body.length,
    );
  });
});

it('closes a session of HTTP/2 on which nothing moves any more when its last stream has ended', async () => {
  const parts = new HeldSource<ResponsePart>();
  const { got, session } = await askHttp2({ parts, options: { heartbeat: 20, idle: 200 } });
  parts.give(json(1));
  parts.end();
  await until(() => got.end !== undefined);
  expect(session.destroyed).toBe(false);
  await until(() => session.destroyed);
});

it('cuts a connection that answers to later requests fill, as it is not read any more', async () => {
  const parts = new HeldSource<ResponsePart>();
  const { handle, open } = answering({ parts, options: { heartbeat: 20, idle: 10_000 } }, servers);
  let asked = 0;
  const server = createServer((request, response) => {
    if (asked++ === 0) handle(request, response);
    else response.end('x'.repeat(1000));
  });
  const socket = connectTo(await open(server));
  leave.push(() => socket.destroy());
  const closed = once(socket.resume(), 'close');
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(100));
  await closed;
  expect(await parts.next()).toBeUndefined();
});

it('keeps a connection on which a later request waits', async () => {
  const parts = new HeldSource<ResponsePart>();
  const { handle, open } = answering(
    { parts, options: { heartbeat: 20, idle: 10_000 }, framing: multipart },
    servers,
  );
  let asked = 0;
  const server = createServer((request, response) => {
    if (asked++ === 0) handle(request, response);
    else response.writeHead(200, { connection: 'close' }).end('later');
  });
  const socket = connectTo(await open(server));
  leave.push(() => socket.destroy());
  let got = '';
  socket.on('data', (piece) => (got += String(piece)));
  const closed = once(socket, 'close');
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2));
  await new Promise((resolve) => setTimeout(resolve, 60));
  parts.give(json(1));
  parts.end();
  await closed;
  expect(got).toMatch(/later\r\n0\r\n\r\n$/);
});
