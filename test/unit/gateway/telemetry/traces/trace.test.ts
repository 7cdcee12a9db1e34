import { errorTypeOf, type Span } from '../../../../../gateway/telemetry/traces/span';
import { Trace, type TraceSource, UndecidedSpans } from '../../../../../gateway/telemetry/traces/trace';

/** Where spans of a test go. */
function open(mostUndecided = 10_000) {
  const taken: Span[] = [];
  let dropped = 0;
  let ids = 0;
  const undecided = new UndecidedSpans(mostUndecided);
  const source: TraceSource = {
    newSpanId: () => String(++ids).padStart(16, '0'),
    take: (span) => taken.push(span),
    undecided,
    drop: () => dropped++,
    writeHeaders: () => ({}),
  };
  const begin = (isSampled: boolean): Span =>
    new Trace(source, { id: 'a'.repeat(32), isSampled }).begin(
      ...(['root', 'server', performance.now(), undefined] as const),
    );
  return { begin, taken, undecided, dropped: () => dropped, ids: () => ids };
}

describe('a trace that is sampled', () => {
  it('hands each span on as it ends, once', () => {
    const { begin, taken } = open();
    const root = begin(true);
    const child = root.child('child');
    child.end();
    child.end();
    root.end();
    expect(taken).toEqual([child, root]);
    expect([child.parent, root.parent]).toEqual([root, undefined]);
  });

  it('has 1,000 spans at most, and counts the others', () => {
    const { begin, taken, dropped } = open();
    const root = begin(true);
    for (let i = 0; i < 1200; i++) root.child('child').end();
    expect([taken.length, dropped()]).toEqual([1000, 200]);
  });
});

describe('a trace that is not sampled', () => {
  it.each([true, false])('waits for the decision, which counts for later spans, too: %s', (isKept) => {
    const { begin, taken, undecided } = open();
    const root = begin(false);
    const late = root.child('late');
    root.child('early').end();
    root.end();
    expect([taken.length, undecided.size]).toEqual([0, 2]);
    root.trace.decide(isKept);
    late.end();
    expect([taken.length, undecided.size]).toEqual([isKept ? 3 : 0, 0]);
  });

  it('keeps no more than all of them together may', () => {
    const { begin, taken, undecided, dropped } = open(10);
    const roots = Array.from({ length: 4 }, () => begin(false));
    for (const root of roots) for (let i = 0; i < 4; i++) root.child('child').end();
    expect([undecided.size, dropped()]).toEqual([10, 6]);
    for (const root of roots) root.trace.decide(true);
    expect([undecided.size, taken.length]).toEqual([0, 10]);
  });

  it('counts the links and events of a span, too', () => {
    const { begin, undecided } = open();
    const root = begin(false);
    const child = root.child('child');
    child.link(root);
    child.addEvent('event', {});
    child.end();
    expect(undecided.size).toBe(3);
    // What is added later takes nothing off that was not counted.
    child.link(root);
    root.trace.decide(false);
    expect(undecided.size).toBe(0);
  });
});

describe('a span', () => {
  it('has 128 links and 32 events at most, and says how many it lacks', () => {
    const { begin } = open();
    const root = begin(true);
    for (let i = 0; i < 200; i++) {
      root.link(root);
      root.addEvent('event', {});
    }
    expect([root.links.length, root.droppedLinks]).toEqual([128, 72]);
    expect([root.events.length, root.droppedEvents]).toEqual([32, 168]);
  });

  it('has its own attributes, the last value of each, beside those that it shares', () => {
    const root = open().begin(true);
    root.shared = { kind: 'all' };
    root.set('count', 1);
    root.set('nothing', undefined);
    root.set('count', 2);
    root.fail('timeout');
    expect(root.attributes).toEqual({ kind: 'all', count: 2, 'error.type': 'timeout' });
    expect(root.hasFailed).toBe(true);
  });

  it('has one id, which is made only where it is asked for', () => {
    const { begin, ids } = open();
    const root = begin(true);
    root.child('child').end();
    root.end();
    expect(ids()).toBe(0);
    expect([root.id, root.id]).toEqual(['0'.repeat(15) + '1', '0'.repeat(15) + '1']);
  });

  it('ends when it began, or later, in Unix time', () => {
    const root = open().begin(true);
    root.end();
    expect(root.milliseconds).toBeGreaterThanOrEqual(0);
    expect(Math.abs(root.trace.timeOf(root.start) - Date.now())).toBeLessThan(60_000);
  });
});

it.each([
  [{ failure: 'timeout' }, 'timeout'],
  [{ extensions: { code: 'BAD_REQUEST' } }, 'BAD_REQUEST'],
  [{ errors: [{ extensions: { code: 'FIRST' } }] }, 'FIRST'],
  [new RangeError('with what a client sent'), 'RangeError'],
  ['text', '_OTHER'],
])('names %j without its message', (error, type) => {
  expect(errorTypeOf(error)).toBe(type);
});
