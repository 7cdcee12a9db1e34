import { UnreadAnswers } from '../../../../gateway/admission/unread-answers';
import { HttpSink } from '../../../../gateway/http/http-sink';
import type { Sink } from '../../../../gateway/request/sink';
import { sinkOptions } from '../../../support/sink-options';

const said: string[] = [];
const logger = { warn: (facts: object, line: string) => said.push(`${JSON.stringify(facts)} ${line}`) };
let inFlight: { readonly sink: Pick<Sink, 'download'> }[];
let unread: UnreadAnswers;

beforeEach(() => {
  said.length = 0;
  inFlight = [];
  unread = new UnreadAnswers({
    ...{ limit: 1000, least: 20, rate: 10, time: 10_000 },
    inFlight: { [Symbol.iterator]: () => inFlight[Symbol.iterator]() },
    logger: logger as never,
  });
});

class Connection {
  isOpen = true;
  _handle: { bytesWritten: number; writeQueueSize: number } = { bytesWritten: 0, writeQueueSize: 0 };

  get destroyed(): boolean {
    return !this.isOpen;
  }

  destroy(): void {
    this.isOpen = false;
  }
}

function waits(connection: Connection, waiting: number, shared?: Buffer): void {
  inFlight.push({ sink: { download: { waiting, connection, shared } } });
}

it('lets answers wait while they are at most half of the limit', () => {
  const client = new Connection();
  waits(client, 500);
  for (const now of [0, 1000, 60_000]) unread.look(now);
  expect(client.isOpen).toBe(true);
});

it('counts an answer that waits as so many bytes at least', () => {
  const client = new Connection();
  for (let i = 0; i < 50; i++) waits(client, 1);
  for (const now of [0, 100]) unread.look(now);
  expect(client.isOpen).toBe(true);
  waits(client, 1);
  unread.look(200);
  expect(client.isOpen).toBe(false);
});

it('counts a body that many connections are sent once, and cuts none of them', () => {
  const body = Buffer.alloc(250);
  const clients = Array.from({ length: 10 }, () => new Connection());
  for (const client of clients) waits(client, 260, body);
  for (let now = 0; now <= 60_000; now += 100) unread.look(now);
  expect(clients.every(({ isOpen }) => isOpen)).toBe(true);
});

it('counts a shared body until the last of its connections is cut', () => {
  const body = Buffer.alloc(900);
  const clients = [1, 2, 3].map(() => new Connection());
  for (const client of clients) waits(client, 950, body);
  unread.look(0);
  unread.look(100);
  expect(clients.map(({ isOpen }) => isOpen)).toEqual([false, true, true]);
});

it('cuts a connection with a body of its own before those that share one', () => {
  const body = Buffer.alloc(800);
  const sharing = Array.from({ length: 8 }, () => new Connection());
  for (const client of sharing) waits(client, 800, body);
  const own = new Connection();
  waits(own, 500);
  for (const now of [0, 100]) unread.look(now);
  expect(own.isOpen).toBe(false);
  expect(sharing.every(({ isOpen }) => isOpen)).toBe(true);
});

it('counts what waits beside a shared body for each connection', () => {
  const body = Buffer.alloc(400);
  const clients = [1, 2, 3].map(() => new Connection());
  for (const client of clients) {
    waits(client, 400, body);
    waits(client, 250);
  }
  unread.look(0);
  unread.look(100);
  expect(clients.filter(({ isOpen }) => isOpen)).toHaveLength(2);
});

it('cuts stalled connections as soon as more than the limit waits', () => {
  const client = new Connection();
  waits(client, 400);
  waits(client, 601);
  unread.look(0);
  unread.look(99);
  expect(client.isOpen).toBe(true);
  unread.look(100);
  expect(client.isOpen).toBe(false);
  expect(said).toEqual([
    '{"connections":1,"limit":"overload.unread"} clients do not read their answers: connections were cut',
  ]);
});

it('cuts connections whose data waits for a second while more than the limit waits', () => {
  const client = new Connection();
  waits(client, 1900);
  const seen = [0, 999, 1000].map((now) => {
    client._handle.bytesWritten += 100;
    unread.look(now);
    return client.isOpen;
  });
  expect(seen).toEqual([true, true, false]);
});

it('never lets twice the limit wait: it cuts at once what has waited longest, and is largest', () => {
  const clients = Array.from({ length: 20 }, () => new Connection());
  for (const [i, client] of clients.entries()) {
    waits(client, i === 3 ? 400 : 200);
    for (const each of clients) each._handle.bytesWritten++;
    unread.look(i);
    const open = clients.slice(0, i + 1).filter(({ isOpen }) => isOpen);
    expect(open.length).toBeLessThanOrEqual(10);
  }
  expect(clients[3]!.isOpen).toBe(false);
  expect(clients.slice(11).every(({ isOpen }) => isOpen)).toBe(true);
});

it('cuts the connection with the most data for the longest time', () => {
  const [old, large] = [new Connection(), new Connection()];
  waits(old, 400);
  unread.look(0);
  waits(large, 900);
  unread.look(5000);
  unread.look(5100);
  expect([old.isOpen, large.isOpen]).toEqual([false, true]);
});

it('cuts slow connections while more than half of the limit waits, until it is half', () => {
  const [slow, larger, quick] = [new Connection(), new Connection(), new Connection()];
  waits(slow, 200);
  waits(larger, 300);
  waits(quick, 250);
  for (let now = 0; now <= 10_000; now += 100) {
    for (const each of [slow, larger]) each._handle.bytesWritten += 0.9;
    quick._handle.bytesWritten += 1.1;
    unread.look(now);
    if (now < 10_000) expect([slow, larger, quick].map(({ isOpen }) => isOpen)).toEqual([true, true, true]);
  }
  expect([slow.isOpen, larger.isOpen, quick.isOpen]).toEqual([true, false, true]);
});

it('does not cut connections that read fast enough, however much waits', () => {
  const [slow, quick] = [new Connection(), new Connection()];
  waits(slow, 100);
  waits(quick, 600);
  for (let now = 100_000; now <= 130_000; now += 100) {
    quick._handle.bytesWritten += 1.1;
    unread.look(now);
  }
  expect([slow.isOpen, quick.isOpen]).toEqual([false, true]);
});

it('restarts the measurement when its time is over', () => {
  const client = new Connection();
  waits(client, 600);
  for (let now = 100_000; now < 120_000; now += 100) {
    client._handle.bytesWritten += now < 110_000 ? 100 : 0.9;
    unread.look(now);
    expect(client.isOpen).toBe(true);
  }
  unread.look(120_000);
  expect(client.isOpen).toBe(false);
});

it('counts no cut connection twice', () => {
  const [slow, large] = [new Connection(), new Connection()];
  waits(slow, 900);
  unread.look(0);
  waits(large, 2500);
  unread.look(10_000);
  expect([slow.isOpen, large.isOpen]).toEqual([false, true]);
  expect(said).toEqual([expect.stringContaining('{"connections":1,')]);
});

it('treats a connection without a handle as stalled', () => {
  const client = new Connection();
  Object.assign(client, { _handle: null });
  waits(client, 1001);
  unread.look(0);
  unread.look(100);
  expect(client.isOpen).toBe(false);
});

it('counts bytes of writes in progress as unread', () => {
  const client = new Connection();
  waits(client, 600);
  for (const now of [0, 10_000]) {
    client._handle.bytesWritten += 1000;
    client._handle.writeQueueSize += 1000;
    unread.look(now);
  }
  expect(client.isOpen).toBe(false);
});

it('cuts the connections with the most data, and no more than necessary', () => {
  const [small, large, middle] = [new Connection(), new Connection(), new Connection()];
  waits(small, 100);
  waits(large, 900);
  waits(middle, 600);
  waits(middle, 250);
  unread.look(0);
  unread.look(1000);
  expect([small.isOpen, large.isOpen, middle.isOpen]).toEqual([true, false, true]);
});

it('does not cut a connection that has read everything in between', () => {
  const [slow, quick] = [new Connection(), new Connection()];
  waits(slow, 800);
  unread.look(0);
  waits(quick, 900);
  unread.look(500);
  inFlight.splice(1);
  unread.look(600);
  waits(quick, 900);
  unread.look(1000);
  expect([slow.isOpen, quick.isOpen]).toEqual([false, true]);
});

it('ignores a connection without answers in this process', () => {
  inFlight.push({ sink: { download: undefined } });
  for (const now of [0, 1000]) unread.look(now);
  expect(said).toEqual([]);
});

it('gives a body as shared only where the connection refers to it and copies none of it', () => {
  const body = Buffer.alloc(100_000);
  const sharedOn = (socket: object, stream?: object) => {
    const response = {
      ...{ req: { httpVersionMajor: 1, headers: {} }, writableLength: 1, writeHead: () => undefined },
      ...{ end: () => undefined, socket, stream },
    };
    const request = { socket, headers: {}, complete: true, resume: () => undefined };
    const sink = new HttpSink(request as never, response as never, sinkOptions());
    sink.answer({ status: 200, headers: [], body });
    return sink.download.shared;
  };
  expect(sharedOn({})).toBe(body);
  expect(sharedOn({ encrypted: true })).toBeUndefined();
});

it('cuts the whole session of a stream of HTTP/2', () => {
  const [session, stream] = [new Connection(), new Connection()];
  const response = { writableLength: 1001, stream: { session } };
  inFlight.push({ sink: new HttpSink({ socket: stream } as never, response as never, sinkOptions()) });
  unread.look(0);
  unread.look(1000);
  expect([session.isOpen, stream.isOpen]).toEqual([false, true]);
});
