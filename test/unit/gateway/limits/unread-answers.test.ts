import type { ServerResponse } from 'node:http';
import { UnreadAnswers } from '../../../../gateway/limits/unread-answers';

const said: string[] = [];
const logger = { warn: (facts: object, line: string) => said.push(`${JSON.stringify(facts)} ${line}`) };
let responses: ServerResponse[];
let unread: UnreadAnswers;

beforeEach(() => {
  said.length = 0;
  responses = [];
  unread = new UnreadAnswers({ limit: 1000, responses: () => responses, logger: logger as never });
});

class Connection {
  isOpen = true;

  destroy(): void {
    this.isOpen = false;
  }
}

function waits(connection: Connection, writableLength: number): void {
  responses.push({ writableLength, req: { socket: connection } } as unknown as ServerResponse);
}

it('lets answers wait as long as they are not too much', () => {
  const client = new Connection();
  waits(client, 1000);
  for (const now of [0, 1000, 60_000]) unread.look(now);
  expect([unread.isTooMuch, client.isOpen]).toEqual([false, true]);
});

it('says at once that it is too much, and cuts who has not read for a second', () => {
  const client = new Connection();
  waits(client, 400);
  waits(client, 601);
  unread.look(0);
  unread.look(999);
  expect([unread.isTooMuch, client.isOpen]).toEqual([true, true]);
  unread.look(1000);
  expect(client.isOpen).toBe(false);
  expect(said).toEqual(['{"connections":1} clients do not read their answers: connections were cut']);
  responses = [];
  unread.look(1100);
  expect(unread.isTooMuch).toBe(false);
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
  responses.splice(1);
  unread.look(600);
  waits(quick, 900);
  unread.look(1000);
  expect([slow.isOpen, quick.isOpen]).toEqual([false, true]);
});

it('cuts the whole session of a stream of HTTP/2', () => {
  const [session, stream] = [new Connection(), new Connection()];
  const response = { writableLength: 1001, stream: { session }, req: { socket: stream } };
  responses.push(response as unknown as ServerResponse);
  unread.look(0);
  unread.look(1000);
  expect([session.isOpen, stream.isOpen]).toEqual([false, true]);
});
