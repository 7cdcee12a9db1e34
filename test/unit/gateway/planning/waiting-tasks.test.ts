import { type Task, WaitingTasks } from '../../../../gateway/planning/waiting-tasks';

let waiting: WaitingTasks;
beforeEach(() => (waiting = new WaitingTasks(60_000)));

function task(sender: string, key: string): Task {
  const request = { document: key, operationName: undefined, overrideLabels: [], form: 'plan' } as const;
  return {
    key,
    request,
    sender,
    weight: 1,
    isSlow: false,
    worked: 0,
    expires: Infinity,
    settle: () => undefined,
  };
}

function add(sender: string, ...keys: string[]): void {
  for (const key of keys) waiting.add(task(sender, key));
}

function takeAll(): string[] {
  const keys: string[] = [];
  for (let next = waiting.take({ slowToo: true }); next !== undefined; next = waiting.take({ slowToo: true }))
    keys.push(next.key);
  return keys;
}

describe('tasks that wait', () => {
  it('are taken in the order in which they came, of one sender', () => {
    add('a', 'a1', 'a2', 'a3');
    expect(takeAll()).toEqual(['a1', 'a2', 'a3']);
    expect(waiting.size).toBe(0);
  });

  it('are taken of each sender in turn', () => {
    add('a', 'a1', 'a2', 'a3', 'a4');
    add('b', 'b1');
    expect(waiting.take({ slowToo: true })!.key).toBe('a1');
    add('c', 'c1', 'c2');
    expect(takeAll()).toEqual(['b1', 'a2', 'c1', 'a3', 'c2', 'a4']);
  });

  it('are taken when they may be quick before those that are known to be slow, whoever sent them', () => {
    waiting.addSlow(task('b', 'slow'));
    add('a', 'a1', 'a2');
    expect(waiting.size).toBe(3);
    expect(takeAll()).toEqual(['a1', 'a2', 'slow']);
  });

  it('are displaced of the sender of most, the newest first, and never for that sender', () => {
    add('a', 'a1', 'a2', 'a3');
    add('b', 'b1');
    expect(waiting.takeOfMost('a')).toBeUndefined();
    expect(waiting.takeOfMost('b')!.key).toBe('a3');
    expect(waiting.takeOfMost('c')!.key).toBe('a2');
    // Nobody has more than any other would have.
    expect(waiting.takeOfMost('c')).toBeUndefined();
    expect(waiting.clear().map(({ key }) => key)).toEqual(['a1', 'b1']);
    expect(waiting.size).toBe(0);
  });

  it('are displaced of who has most of quick and slow ones together', () => {
    for (const key of ['s1', 's2']) waiting.addSlow(task('a', key));
    add('b', 'b1');
    add('c', 'c1');
    add('d', 'd1');
    expect(waiting.takeOfMost('e')!.key).toBe('s2');

    waiting.addSlow(task('b', 's3'));
    add('a', 'a1', 'a2');
    // It has three, two of which are quick; those who have two have no more than it.
    expect(waiting.takeOfMost('a')).toBeUndefined();
    expect(waiting.takeOfMost('e')!.key).toBe('a2');
    expect(waiting.size).toBe(6);
  });
});
