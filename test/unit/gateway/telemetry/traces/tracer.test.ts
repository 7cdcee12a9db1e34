import type { Span } from '../../../../../gateway/telemetry/traces/span';
import { UndecidedSpans } from '../../../../../gateway/telemetry/traces/trace';
import { type ParentContext, traceparentOf } from '../../../../../gateway/telemetry/trace-context';
import { Tracer, type TracerOptions } from '../../../../../gateway/telemetry/traces/tracer';

/** A tracer that samples what its parent samples, and else nothing, and what it has exported. */
function open(options: Partial<TracerOptions> = {}) {
  const exported: Span[] = [];
  const asked: (ParentContext | undefined)[] = [];
  let ids = 0;
  const tracer = new Tracer({
    ...{ xRay: false, datadog: false, keep: { failed: false, slowerThan: undefined } },
    drop: () => undefined,
    newTraceId: () => 'b'.repeat(32),
    newSpanId: () => String(++ids).padStart(16, '0'),
    undecided: new UndecidedSpans(10),
    take: (span) => exported.push(span),
    isSampled: (_, parent) => {
      asked.push(parent);
      return parent?.isSampled === true;
    },
    writeHeaders: ({ id, isSampled }, spanId, requestId) => headersOf(requestId, id, spanId, isSampled),
    ...options,
  });
  const begin = (headers: Record<string, string> = {}, method = 'POST') =>
    tracer.begin({ method, url: '/graphql', headers }, '/graphql', performance.now())!;
  return { tracer, begin, exported, asked };
}

const headersOf = (requestId: string, ...parts: Parameters<typeof traceparentOf>) => ({
  ...{ 'x-request-id': requestId, traceparent: traceparentOf(...parts) },
});

const traceId = 'a3ce929d0e0e4736a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const sentBy = (isSampled: boolean) => ({ traceparent: traceparentOf(traceId, spanId, isSampled) });

describe('a request that is sampled', () => {
  it('has a span in the trace of its client, which is its parent in another process', () => {
    const { begin, asked } = open();
    const trace = begin(sentBy(true));
    const { traceId: id, span } = trace;
    expect([id, span?.name, span?.kind]).toEqual([traceId, 'POST /graphql', 'server']);
    expect(span?.parent).toEqual({ id: spanId });
    expect(trace.headersFor('one')).toEqual(headersOf('one', traceId, span!.id, true));
    expect(asked).toEqual([{ traceId, spanId, isSampled: true }]);
  });

  it('begins a trace where its client sends none, or none that is valid', () => {
    const { begin } = open({ isSampled: (_, parent) => parent === undefined });
    for (const headers of [{}, { traceparent: `00-${'0'.repeat(32)}-${spanId}-01` }]) {
      const { traceId: id, span } = begin(headers);
      expect([id, span?.id, span?.parent]).toEqual([...['b'.repeat(32), expect.any(String), undefined]]);
    }
  });

  it('has no name that its client chooses', () => {
    expect(open().begin(sentBy(true), 'BREW').span?.name).toBe('HTTP /graphql');
  });
});

describe('a request that is not sampled', () => {
  it('has no span where none is kept, and hands on the span of its client', () => {
    const trace = open().begin(sentBy(false));
    expect(trace).toMatchObject({ traceId, span: undefined, isLocal: false });
    expect(trace.headersFor('one')).toEqual(headersOf('one', traceId, spanId, false));
  });

  it('has one span for all calls where its client sends no trace', () => {
    const trace = open().begin();
    const headers = headersOf('one', 'b'.repeat(32), '0'.repeat(15) + '1', false);
    expect([trace.headersFor('one'), trace.headersFor('one')]).toEqual([headers, headers]);
  });

  it.each([
    ['it failed and failed ones are kept', { failed: true, slowerThan: undefined }, true, 1],
    ['it did not fail', { failed: true, slowerThan: undefined }, false, 0],
    ['it was as slow as is kept', { failed: false, slowerThan: 0 }, false, 1],
    ['it was fast', { failed: false, slowerThan: 60_000 }, true, 0],
  ])('is exported or not: %s', (_, keep, hasFailed, count) => {
    const { begin, tracer, exported } = open({ keep });
    const trace = begin(sentBy(false));
    const { span } = trace;
    expect(trace.headersFor('one')).toEqual(headersOf('one', traceId, span!.id, false));
    span!.child('work').end();
    tracer.end(span!, hasFailed);
    expect(exported).toHaveLength(count * 2);
  });
});

it.each([true, false])(
  'what a request causes has a trace of its own, sampled as the request: %s',
  (isSampled) => {
    const { begin, tracer, exported } = open({ keep: { failed: true, slowerThan: undefined } });
    const { span: cause } = begin(sentBy(isSampled));
    const event = tracer.beginCaused(cause, 'event')!;
    expect([event.trace.id, event.kind, event.parent]).toEqual([...['b'.repeat(32), 'consumer', undefined]]);
    expect(event.links).toEqual([{ traceId, spanId: cause!.id, isSampled }]);
    tracer.end(event, false);
    expect(exported).toEqual(isSampled ? [event] : []);
  },
);

it.each([
  ['is continued', true, {}, '00000000000000000000000000000001'],
  ['count less than traceparent', true, sentBy(true), traceId],
  ['are ignored without the option', false, {}, 'b'.repeat(32)],
])("the trace of Datadog's headers %s", (_, datadog, headers, expected) => {
  const { begin } = open({ datadog, isSampled: () => true });
  expect(begin({ 'x-datadog-trace-id': '1', ...headers }).traceId).toBe(expected);
});

describe('with AWS X-Ray', () => {
  const root = 'Root=1-67891233-abcdef012345678912345678';
  const id = '67891233abcdef012345678912345678';

  it.each([
    ['is continued', { 'x-amzn-trace-id': `${root};Parent=${spanId};Sampled=1` }, id],
    ['counts less than traceparent', { 'x-amzn-trace-id': root, ...sentBy(true) }, traceId],
  ])('its header %s', (_, headers, expected) => {
    expect(open({ xRay: true, isSampled: () => true }).begin(headers).traceId).toBe(expected);
  });

  it('its header is ignored without the option, and new ids begin with the time', () => {
    expect(open().begin({ 'x-amzn-trace-id': root }).traceId).toBe('b'.repeat(32));
    const own = open({ xRay: true }).begin().traceId;
    expect(Math.abs(Number.parseInt(own.slice(0, 8), 16) - Date.now() / 1000)).toBeLessThan(60);
    expect(own.slice(8)).toBe('b'.repeat(24));
  });
});
