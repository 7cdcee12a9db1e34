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
    ...{ limit: 1000, rate: 10, time: 10_000 },
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

function waits(connection: Connection, waiting: number): void {
  inFlight.push({ sink: { download: { waiting, connection } } });
}

it('has nothing against anybody before it has looked', () => {
  expect(unread.isTooMuch).toBe(false);
});

it('lets answers wait as long as they are no more than half of what may wait', () => {
  const client = new Connection();
  waits(client, 500);
  for (const now of [0, 1000, 60_000]) unread.look(now);
  expect([unread.isTooMuch, client.isOpen]).toEqual([false, true]);
});

it('cuts who takes nothing as soon as too much waits, and refuses nobody', () => {
  const client = new Connection();
  waits(client, 400);
  waits(client, 601);
  unread.look(0);
  expect([unread.isTooMuch, client.isOpen]).toEqual([false, true]);
  unread.look(100);
  expect([unread.isTooMuch, client.isOpen]).toEqual([false, false]);
  expect(said).toEqual(['{"connections":1} clients do not read their answers: connections were cut']);
});

it('says that it is too much where twice as much is being read, and cuts who takes more than a second', () => {
  const client = new Connection();
  waits(client, 2001);
  const seen = [0, 999, 1000].map((now) => {
    client._handle.bytesWritten += 100;
    unread.look(now);
    return [unread.isTooMuch, client.isOpen];
  });
  expect(seen).toEqual([
    [true, true],
    [true, true],
    [false, false],
  ]);
});

it('cuts who has taken nothing for the longest before who keeps the most', () => {
  const [stalled, large] = [new Connection(), new Connection()];
  waits(stalled, 400);
  unread.look(0);
  waits(large, 900);
  unread.look(100);
  unread.look(200);
  expect([stalled.isOpen, large.isOpen]).toEqual([false, true]);
});

it('cuts who reads too slowly while more than half waits, until it is half', () => {
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

it('leaves alone who reads quickly enough, whatever that keeps', () => {
  const [slow, quick] = [new Connection(), new Connection()];
  waits(slow, 100);
  waits(quick, 600);
  for (let now = 100_000; now <= 130_000; now += 100) {
    quick._handle.bytesWritten += 1.1;
    unread.look(now);
  }
  expect([slow.isOpen, quick.isOpen]).toEqual([false, true]);
});

it('begins to measure anew when the time is over', () => {
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

it('counts nobody twice whom it has cut', () => {
  const [slow, large] = [new Connection(), new Connection()];
  waits(slow, 900);
  unread.look(0);
  waits(large, 2500);
  unread.look(10_000);
  expect([slow.isOpen, large.isOpen, unread.isTooMuch]).toEqual([false, true, true]);
  expect(said).toEqual([expect.stringContaining('{"connections":1}')]);
});

it('cuts of those who take nothing who has done so for the longest', () => {
  const [first, second, third] = [new Connection(), new Connection(), new Connection()];
  waits(first, 300);
  unread.look(0);
  waits(second, 500);
  unread.look(100);
  unread.look(200);
  waits(third, 300);
  unread.look(300);
  expect([first, second, third].map(({ isOpen }) => isOpen)).toEqual([false, true, true]);
});

it('takes a connection of which the system knows nothing for one that takes nothing', () => {
  const client = new Connection();
  Object.assign(client, { _handle: null });
  waits(client, 1001);
  unread.look(0);
  unread.look(100);
  expect(client.isOpen).toBe(false);
});

it('takes what is still under way as not read', () => {
  const client = new Connection();
  waits(client, 600);
  for (const now of [0, 10_000]) {
    client._handle.bytesWritten += 1000;
    client._handle.writeQueueSize += 1000;
    unread.look(now);
  }
  expect(client.isOpen).toBe(false);
});

it('cuts those who keep the most, and no more of them than it has to', () => {
  const [small, large, middle] = [new Connection(), new Connection(), new Connection()];
  waits(small, 100);
  waits(large, 900);
  waits(middle, 600);
  waits(middle, 250);
  unread.look(0);
  unread.look(1000);
  expect([small.isOpen, large.isOpen, middle.isOpen]).toEqual([true, false, true]);
});

it('does not cut who has read everything in between', () => {
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

it('counts nothing of a connection that keeps no answers in this process', () => {
  inFlight.push({ sink: { download: undefined } });
  for (const now of [0, 1000]) unread.look(now);
  expect([unread.isTooMuch, said]).toEqual([false, []]);
});

it('cuts the whole session of a stream of HTTP/2', () => {
  const [session, stream] = [new Connection(), new Connection()];
  const response = { writableLength: 1001, stream: { session } };
  inFlight.push({ sink: new HttpSink({ socket: stream } as never, response as never, sinkOptions()) });
  unread.look(0);
  unread.look(1000);
  expect([session.isOpen, stream.isOpen]).toEqual([false, true]);
});
