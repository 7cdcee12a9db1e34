import { FairQueue, heaviest, type QueuedItem } from '../../../../gateway/net/fair-queue';

interface Item extends QueuedItem {
  readonly name: string;
}

let queue: FairQueue<Item>;
beforeEach(() => (queue = new FairQueue()));

function add(sender: string, names: readonly string[], weight = 1): Item[] {
  const items = names.map((name) => ({ sender, weight, name }));
  for (const item of items) queue.add(item);
  return items;
}

function take(): Item | undefined {
  const item = queue.next();
  if (item !== undefined) queue.delete(item);
  return item;
}

function takeAll(): string[] {
  const names: string[] = [];
  for (let item = take(); item !== undefined; item = take()) names.push(item.name);
  return names;
}

describe('a fair queue', () => {
  it('takes the items of one sender first in, first out', () => {
    add('a', ['a1', 'a2', 'a3']);
    expect(takeAll()).toEqual(['a1', 'a2', 'a3']);
  });

  it('lets senders take turns, however many items each has', () => {
    add('a', ['a1', 'a2', 'a3', 'a4']);
    add('b', ['b1', 'b2']);
    add('c', ['c1']);
    expect(takeAll()).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  });

  it('names the oldest item of each sender in turn until it is deleted', () => {
    add('a', ['a1', 'a2']);
    add('b', ['b1']);
    const turns = Array.from({ length: 4 }, () => queue.next()!);
    expect(turns.map(({ name }) => name)).toEqual(['a1', 'b1', 'a1', 'b1']);
    queue.delete(turns[0]!);
    expect([queue.next()!.name, queue.next()!.name]).toEqual(['a2', 'b1']);
  });

  it('keeps the turns when items are added meanwhile', () => {
    add('a', ['a1', 'a2', 'a3']);
    expect(take()!.name).toBe('a1');
    add('b', ['b1', 'b2']);
    expect(take()!.name).toBe('a2');
    expect(takeAll()).toEqual(['b1', 'a3', 'b2']);
  });

  it('puts a sender last that returns after its queue was empty', () => {
    add('a', ['a1']);
    add('b', ['b1', 'b2']);
    take();
    add('a', ['a2']);
    expect(takeAll()).toEqual(['b1', 'a2', 'b2']);
  });

  it('counts items and weights, of each sender and of all', () => {
    const [first] = add('a', ['a1', 'a2'], 3);
    add('b', ['b1']);
    expect([queue.size, queue.weight]).toEqual([3, 7]);
    expect([queue.countOf('a'), queue.weightOf('a')]).toEqual([2, 6]);
    queue.delete(first!);
    queue.delete(first!);
    expect([queue.size, queue.weight, queue.countOf('a'), queue.weightOf('a')]).toEqual([2, 4, 1, 3]);
    takeAll();
    expect([queue.size, queue.weight, queue.countOf('a'), queue.weightOf('a')]).toEqual([0, 0, 0, 0]);
    expect([...queue.senders()]).toEqual([]);
  });

  it('removes the newest item of a sender, and keeps the turns of the others', () => {
    add('a', ['a1', 'a2', 'a3']);
    add('b', ['b1']);
    expect(queue.takeNewestOf('a')!.name).toBe('a3');
    expect(queue.takeNewestOf('b')!.name).toBe('b1');
    expect(queue.takeNewestOf('b')).toBeUndefined();
    expect(takeAll()).toEqual(['a1', 'a2']);
  });

  it('ignores the deletion of an item that is not queued', () => {
    add('a', ['a1']);
    queue.delete({ sender: 'b', weight: 1, name: 'b1' });
    queue.delete({ sender: 'a', weight: 1, name: 'a1' });
    expect([queue.size, queue.weight]).toEqual([1, 1]);
  });

  it('is empty for a sender without items', () => {
    expect(take()).toBeUndefined();
    expect(queue.takeNewestOf('a')).toBeUndefined();
  });
});

it.each([
  ['the sender with most', ['a', 'b', 'c'], 0, 'b'],
  ['of equals the first', ['c', 'a'], 0, 'c'],
  ['nobody where none has more', ['a', 'b'], 5, undefined],
  ['nobody where there is nobody', [], 0, undefined],
])('the heaviest is %s', (_name, senders, least, expected) => {
  const weights: Record<string, number> = { a: 2, b: 5, c: 2 };
  expect(heaviest(senders, (sender) => weights[sender]!, least)).toBe(expected);
});
