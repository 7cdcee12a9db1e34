import { type Guest, WaitingRoom } from '../../../../gateway/limits/waiting-room';

let places = 0;
let room: WaitingRoom;
/** What became of guests, in turn. */
const told: string[] = [];
/** Milliseconds: what `performance.now()` says. */
let clock = 0;

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  told.length = 0;
  places = 0;
  room = new WaitingRoom({ patience: 30, hasPlace: () => places > 0 });
});
afterEach(() => {
  room.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function comes(name: string): { -readonly [Key in keyof Guest]: Guest[Key] } {
  const guest = {
    since: clock,
    isGone: false,
    serve: () => {
      places--;
      told.push(`${name} served`);
    },
    refuse: () => told.push(`${name} refused`),
  };
  room.enter(guest);
  return guest;
}

function pass(milliseconds: number): void {
  for (let i = 0; i < milliseconds; i++) {
    clock++;
    jest.advanceTimersByTime(1);
  }
}

function free(count: number): void {
  places += count;
  room.fill();
}

it('gives a place that is free again to whoever came first', () => {
  for (const name of ['a', 'b', 'c']) comes(name);
  free(2);
  expect(told).toEqual(['a served', 'b served']);
  expect(room.size).toBe(1);
});

it('refuses each guest when its own time is over', () => {
  comes('a');
  pass(20);
  comes('b');
  pass(9);
  expect(told).toEqual([]);
  pass(1);
  expect(told).toEqual(['a refused']);
  pass(20);
  expect(told).toEqual(['a refused', 'b refused']);
  expect(room.refused).toBe(2);
  pass(100);
  comes('c');
  pass(30);
  expect(told.at(-1)).toBe('c refused');
});

it('refuses all whose time is over when the loop was late', () => {
  for (const name of ['a', 'b', 'c']) comes(name);
  clock += 500;
  jest.advanceTimersByTime(30);
  expect(told).toEqual(['a refused', 'b refused', 'c refused']);
});

it('lets those wait for longer who have a seat, and serves them first', () => {
  room.seats = 2;
  for (const name of ['a', 'b', 'c', 'd']) comes(name);
  pass(25);
  free(1);
  expect(told).toEqual(['a served']);
  pass(100);
  expect(told).toEqual(['a served', 'd refused']);
  comes('e');
  free(3);
  expect(told.slice(2)).toEqual(['b served', 'c served', 'e served']);
});

it('takes no seat away', () => {
  room.seats = 2;
  for (const name of ['a', 'b']) comes(name);
  room.seats = 0;
  pass(100);
  expect(told).toEqual([]);
  free(2);
  expect(told).toEqual(['a served', 'b served']);
});

it('passes over guests that have left', () => {
  room.seats = 1;
  const guests = ['a', 'b', 'c', 'd'].map((name) => comes(name));
  guests[0]!.isGone = true;
  guests[1]!.isGone = true;
  free(1);
  expect(told).toEqual(['c served']);
  guests[3]!.isGone = true;
  free(1);
  room.seats = 0;
  comes('e').isGone = true;
  pass(30);
  expect(told).toEqual(['c served']);
  expect(room.refused).toBe(0);
  expect(room.size).toBe(0);
});

it('refuses at once when too many wait', () => {
  for (let i = 0; i < 2048; i++) comes('a');
  expect(told).toEqual([]);
  comes('b');
  expect(told).toEqual(['b refused']);
});

it('keeps the order of many', () => {
  room.seats = 1500;
  for (let i = 0; i < 2000; i++) comes(String(i));
  for (let i = 0; i < 20; i++) free(100);
  expect(told).toEqual(Array.from({ length: 2000 }, (_, i) => `${i} served`));
});

it('refuses all when it closes', () => {
  room.seats = 1;
  for (const name of ['a', 'b']) comes(name);
  room.close();
  expect(told).toEqual(['a refused', 'b refused']);
  expect(room.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});
