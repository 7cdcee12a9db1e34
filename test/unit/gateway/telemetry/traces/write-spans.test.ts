import { type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { type Attributes, Span, type SpanValue } from '../../../../../gateway/telemetry/traces/span';
import { Trace, UndecidedSpans } from '../../../../../gateway/telemetry/traces/trace';
import { SpanWriter } from '../../../../../gateway/telemetry/traces/write-spans';
import { anyCharacter } from '../../../../support/any-character';
import { readTraces } from '../../../../support/otlp-receiver';

const service = { 'service.name': 'größe', 'service.version': '1.2.3' };
const writer = new SpanWriter({ resource: service, version: '1.2.3' });

function write(spans: readonly Span[]): Uint8Array {
  for (const span of spans) writer.add(span);
  return writer.finish();
}

const resource = resourceFromAttributes(service);
const instrumentationScope = { name: 'weir', version: '1.2.3' };

/** What OpenTelemetry's own serializer takes. */
function readable(span: Span): ReadableSpan {
  const { trace, parent } = span;
  const context = (traceId: string, spanId: string, isSampled = true) => ({
    ...{ traceId, spanId, traceFlags: isSampled ? 1 : 0 },
  });
  const time = (at: number): HrTime => {
    const nanos = BigInt(Math.floor(trace.timeOf(at))) * 1_000_000n;
    const all = nanos + BigInt(Math.round((trace.timeOf(at) - Math.floor(trace.timeOf(at))) * 1e6));
    return [Number(all / 1_000_000_000n), Number(all % 1_000_000_000n)];
  };
  const attributes = (of: Attributes) => of as ReadableSpan['attributes'];
  return {
    name: span.name,
    kind: {
      internal: SpanKind.INTERNAL,
      server: SpanKind.SERVER,
      client: SpanKind.CLIENT,
      consumer: SpanKind.CONSUMER,
    }[span.kind],
    spanContext: () => context(trace.id, span.id),
    ...(parent !== undefined && {
      parentSpanContext: { ...context(trace.id, parent.id), isRemote: !(parent instanceof Span) },
    }),
    startTime: time(span.start),
    endTime: time(span.start + span.milliseconds),
    duration: [0, 0],
    status: { code: span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: attributes(span.attributes),
    links: span.links.map((link) => ({ context: context(link.traceId, link.spanId, link.isSampled) })),
    events: span.events.map((event) => ({
      ...{ name: event.name, attributes: attributes(event.attributes), time: time(event.at) },
    })),
    ended: true,
    ...{ resource, instrumentationScope },
    ...{
      droppedAttributesCount: 0,
      droppedLinksCount: span.droppedLinks,
      droppedEventsCount: span.droppedEvents,
    },
  };
}

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: anyCharacter, maxLength: 200 }));
const value: fc.Arbitrary<SpanValue> = fc.oneof(
  text,
  fc.boolean(),
  fc.maxSafeNat(),
  fc.nat(300),
  fc.double({ noInteger: true }),
  fc.array(text, { maxLength: 4 }),
);
const attributes = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  value,
  { maxKeys: 6 },
);
const digits = (count: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from({ length: 16 }, (_, i) => i.toString(16))),
    minLength: count,
    maxLength: count,
  });
const record = fc.record({
  ...{
    traceId: digits(32),
    id: digits(16),
    isSampled: fc.boolean(),
    name: text,
    start: fc.double({ min: 0, max: 1e10, noNaN: true }),
  },
  kind: fc.constantFrom('internal', 'server', 'client', 'consumer'),
  parent: fc.option(fc.oneof(fc.constant('span' as const), digits(16)), { nil: undefined }),
  ...{
    shared: attributes,
    own: attributes,
    links: fc.oneof({ weight: 9, arbitrary: fc.nat(3) }, fc.constant(130)),
    events: fc.array(attributes, { maxLength: 34 }),
    hasFailed: fc.boolean(),
  },
});

it('writes what OpenTelemetry writes of the same spans', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), (records) => {
      const spans = records.map((each) => {
        const trace = new Trace(
          {
            newSpanId: () => each.id,
            take: () => undefined,
            drop: () => undefined,
            undecided: new UndecidedSpans(0),
            writeHeaders: () => ({}),
          },
          { id: each.traceId, isSampled: each.isSampled },
        );
        const other = trace.begin('other', 'server', 0, undefined);
        const parent =
          each.parent === 'span' ? other : each.parent === undefined ? undefined : { id: each.parent };
        const span = trace.begin(each.name, each.kind, each.start, parent);
        span.shared = Object.fromEntries(Object.entries(each.shared).filter(([name]) => !(name in each.own)));
        for (const [name, own] of Object.entries(each.own)) span.set(name, own);
        for (let i = 0; i < each.links; i++) span.link(other);
        for (const event of each.events) span.addEvent('event', event);
        if (each.hasFailed) span.fail(undefined);
        span.end();
        return span;
      });
      const theirs = ProtobufTraceSerializer.serializeRequest(spans.toReversed().map(readable))!;
      const [ours, expected] = [write(spans), theirs].map((bytes) => readTraces(Buffer.from(bytes)));
      expect(ours).toEqual(expected);
    }),
    { numRuns: 25, endOnFailure: true },
  );
});

it('writes each attribute once, those that are shared first', () => {
  const trace = new Trace(
    {
      newSpanId: () => '0'.repeat(16),
      take: () => undefined,
      drop: () => undefined,
      undecided: new UndecidedSpans(0),
      writeHeaders: () => ({}),
    },
    { id: '0'.repeat(32), isSampled: true },
  );
  const span = trace.begin('span', 'internal', 0, undefined);
  span.shared = { a: 1, b: 'two' };
  span.set('c', 3);
  span.set('c', 4);
  span.end();
  const [read] = readTraces(Buffer.from(write([span]))).spans;
  expect(Object.entries(read!.attributes)).toEqual([
    ['a', 1],
    ['b', 'two'],
    ['c', 4],
  ]);
});
