import type { OperationResult } from '../../../../../gateway/cache/responses/response-cache';
import { hmacSha256 } from '../../../../../gateway/net/hmac';
import { Cursors } from '../../../../../gateway/graph/subscriptions/cursor';
import type { PreparedSubscription } from '../../../../../gateway/graph/subscriptions/prepared';
import { SubscriptionReader } from '../../../../../gateway/graph/subscriptions/reader';
import { SharedExecution } from '../../../../../gateway/graph/subscriptions/shared-execution';
import { Upstream } from '../../../../../gateway/graph/subscriptions/upstream';
import { type SubgraphEvent, TransportError } from '../../../../../gateway/subgraph-calls/contract/transport';
import { HeldSource } from '../../../../support/held-source';
import { eventOf } from '../../../../support/held-upstreams';

const turn = () => new Promise((next) => setImmediate(next));

/** What was prepared for a generation with a source of its own. */
class Generation {
  readonly source = new HeldSource<SubgraphEvent>();
  /** The position after which the source was opened. */
  after: string | undefined;
  isReleased = false;
  open!: () => void;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));
  readonly prepared: PreparedSubscription;

  constructor(name: string, stream = 'counts') {
    const prepared: Partial<PreparedSubscription> = {
      ...{ key: name, sourceKey: name, stream, subgraph: 'counts', bounds: {} },
      cursors: new Cursors(() => [hmacSha256(Buffer.from('of cursors'))]),
      openSource: async (_, after) => {
        this.after = after;
        await this.#opened;
        return this.source;
      },
      sourceError: (reason) => reason as never,
      answer: ({ body }) =>
        Promise.resolve({ answered: { body, errorsLeftOut: 0 } as OperationResult, isShareable: true }),
      charge: () => undefined,
      release: () => (this.isReleased = true),
    };
    this.prepared = prepared as PreparedSubscription;
  }
}

async function begin(first: Pick<Generation, 'prepared' | 'open'>) {
  const all = { bytes: 0, limit: Infinity };
  const reader = new SubscriptionReader({} as never, {
    ...{ unread: 1000, all, slow: 'latest', takesGaps: true },
    onEnd: () => undefined,
    onDropped: () => undefined,
  });
  const none = (): void => undefined;
  const upstreams: Upstream[] = [];
  const execution = new SharedExecution(reader, first.prepared, {
    openUpstream: (prepared, _, after) => {
      const upstream = new Upstream(
        prepared.sourceKey,
        () => prepared.openSource(undefined as never, after),
        {
          ...{ subgraph: 'counts', bounds: {}, onEnd: none, onEvent: none, onDropped: none },
        },
      );
      upstreams.push(upstream);
      return upstream;
    },
    ...{
      concurrency: 4,
      onEnd: none,
      onExecution: none,
      onDelivery: none,
      onRest: none,
      onPosition: none,
      histories: { bytes: 0 },
    },
  });
  first.open();
  await execution.opened;
  const got: unknown[] = [];
  reader
    .forEach(({ body, isAfterGap }) => {
      const { data } = JSON.parse(body.toString());
      got.push(isAfterGap === true ? 'gap' : data);
      return undefined;
    })
    .then(
      () => got.push('end'),
      (error: unknown) => got.push((error as TransportError).failure),
    );
  return { execution, got };
}
const at = (position: number): SubgraphEvent => eventOf(position, { position: `p${position}` });
const broken = new TransportError('counts', 'interrupted');

it('answers an event once that comes just when another source is opened after the one before', async () => {
  // An event takes some microtasks from its source to its execution: the move comes between any two of them.
  for (let steps = 0; steps < 20; steps++) {
    const [first, second] = [new Generation('first'), new Generation('second')];
    const { execution, got } = await begin(first);
    first.source.give(at(1));
    await turn();
    first.source.give(at(2));
    for (let step = 0; step < steps; step++) await Promise.resolve();
    void execution.moveTo(second.prepared);
    await turn();
    second.open();
    await turn();
    second.source.give(...[2, 3].filter((position) => `p${position}` > second.after!).map(at));
    await turn();
    expect([steps, got]).toEqual([steps, [1, 2, 3]]);
  }
});

it('gives answers that are known at once in the order of their events', async () => {
  const first = new Generation('first');
  const slow = new Promise<void>((resolve) => setTimeout(resolve, 20));
  const { got } = await begin({
    open: first.open,
    prepared: {
      ...first.prepared,
      answer: ({ body }) => {
        const answer = { answered: { body, errorsLeftOut: 0 } as OperationResult, isShareable: true };
        return body.includes('2') ? slow.then(() => answer) : answer;
      },
    },
  });
  first.source.give(...['1', '2', '3'].map((data) => eventOf(data)));
  await turn();
  expect(got).toEqual(['1']);
  await slow;
  await turn();
  expect(got).toEqual(['1', '2', '3']);
});

it('is not at the event of another one that has begun an event without a position since', async () => {
  const [first, second] = [new Generation('first'), new Generation('second')];
  const [one, other] = [await begin(first), await begin(second)];
  for (const { source } of [first, second]) source.give(at(1));
  await turn();
  expect(one.execution.isAt(other.execution)).toBe(true);
  second.source.give(eventOf('without'));
  await turn();
  expect(one.execution.isAt(other.execution)).toBe(false);
  expect(other.execution.isResting).toBe(false);
  second.source.give(at(2));
  first.source.give(eventOf('without'), at(2));
  await turn();
  expect(one.execution.isAt(other.execution)).toBe(true);
});

describe('a field that moves to another subgraph', () => {
  const move = async () => {
    const [first, second] = [new Generation('first'), new Generation('second', 'moved')];
    const { execution, got } = await begin(first);
    first.source.give(at(1));
    await turn();
    const moving = execution.moveTo(second.prepared);
    second.open();
    await moving;
    await turn();
    expect([second.after, first.source.isClosed]).toEqual([undefined, false]);
    return { execution, first, second, got };
  };

  it('loses no event that was on its way when the new source was opened, and gives none twice', async () => {
    const { first, second, got } = await move();
    first.source.give(at(2));
    await turn();
    second.source.give(at(3), at(4));
    await turn();
    first.source.give(at(3));
    await turn();
    first.source.give(at(4));
    await turn();
    second.source.give(at(5));
    await turn();
    expect(got).toEqual([1, 2, 3, 'gap', 4, 5]);
    expect([first.source.isClosed, first.isReleased, second.isReleased]).toEqual([true, true, false]);
  });

  it('gives nothing twice of what the old source had sent before', async () => {
    const { first, second, got } = await move();
    for (const position of [2, 3, 4]) first.source.give(at(position));
    await turn();
    second.source.give(at(3));
    await turn();
    second.source.give(at(4), at(5));
    await turn();
    expect(got).toEqual([1, 2, 3, 4, 'gap', 5]);
  });

  it.each([
    ['ends', (source: HeldSource<SubgraphEvent>) => source.end()],
    ['breaks', (source: HeldSource<SubgraphEvent>) => source.give(broken)],
  ])('goes on where the old source %s', async (_, end) => {
    const { first, second, got } = await move();
    first.source.give(at(2));
    end(first.source);
    await turn();
    second.source.give(at(2), at(3));
    await turn();
    expect(got).toEqual([1, 2, 'gap', 3]);
  });

  it.each([
    ['sends nothing of the kind', [at(9), at(10)], 1_000],
    ['has no positions', [eventOf(9), eventOf(10)], 0],
    ['sends nothing', [], 5_000],
  ])('goes on where the other one %s', async (_, events, longest) => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const { first, second, got } = await move();
      second.source.give(...events);
      await turn();
      if (longest > 0) {
        await jest.advanceTimersByTimeAsync(longest - 1);
        expect([first.source.isClosed, got]).toEqual([false, [1]]);
        await jest.advanceTimersByTimeAsync(1);
      }
      await turn();
      expect(first.source.isClosed).toBe(true);
      expect(got).toEqual([1, 'gap', ...events.map((_, i) => i + 9)]);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('is left at both subgraphs when it ends', async () => {
    const { execution, first, second, got } = await move();
    execution.end(undefined);
    await turn();
    expect([first.source.isClosed, second.source.isClosed]).toEqual([true, true]);
    expect([first.isReleased, second.isReleased]).toEqual([true, true]);
    expect(got.at(-1)).toBe('end');
  });
});

describe('a source that breaks', () => {
  it('ends nothing while another one is opened from its last position', async () => {
    const [first, second] = [new Generation('first'), new Generation('second')];
    const { execution, got } = await begin(first);
    first.source.give(at(1));
    await turn();
    void execution.moveTo(second.prepared);
    await turn();
    first.source.give(broken);
    await turn();
    second.open();
    second.source.give(at(2));
    await turn();
    expect(got).toEqual([1, 2]);
    expect([second.after, first.isReleased, second.isReleased]).toEqual(['p1', true, false]);
  });

  it('ends nothing while another one is opened without a position: there is a gap', async () => {
    const [first, second] = [new Generation('first'), new Generation('second')];
    const { execution, got } = await begin(first);
    first.source.give(eventOf(1));
    await turn();
    void execution.moveTo(second.prepared);
    await turn();
    first.source.give(broken);
    await turn();
    second.open();
    second.source.give(eventOf(2));
    await turn();
    expect(got).toEqual([1, 'gap', 2]);
    expect([first.isReleased, second.isReleased]).toEqual([true, false]);
  });

  it('ends all readers where no other one is opened', async () => {
    const first = new Generation('first');
    const { got } = await begin(first);
    first.source.give(eventOf(1), broken);
    await turn();
    expect(got).toEqual([1, 'interrupted']);
    expect(first.isReleased).toBe(true);
  });
});
