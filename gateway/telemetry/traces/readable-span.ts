import type * as Api from '@opentelemetry/api';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { Span } from './span';

/** Returns a function that makes of a span what OpenTelemetry's exporter takes. @param api loaded only for exports */
export function readableSpans(
  { SpanKind, SpanStatusCode }: typeof Api,
  resource: ReadableSpan['resource'],
  scope: ReadableSpan['instrumentationScope'],
): (span: Span) => ReadableSpan {
  const kinds = {
    ...{ internal: SpanKind.INTERNAL, server: SpanKind.SERVER },
    ...{ client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER },
  };
  return (span) => {
    const { trace, parent } = span;
    const context = (id: string, isSampled: boolean, traceId = trace.id): SpanContext => ({
      ...{ traceId, spanId: id, traceFlags: isSampled ? 1 : 0 },
    });
    const time = (at: number): HrTime => hrTimeOf(trace.timeOf(at));
    return {
      ...{ name: span.name, kind: kinds[span.kind], resource, instrumentationScope: scope, ended: true },
      ...(parent !== undefined && {
        parentSpanContext: { ...context(parent.id, true), isRemote: !(parent instanceof Span) },
      }),
      attributes: span.attributes as ReadableSpan['attributes'],
      spanContext: () => context(span.id, true),
      startTime: time(span.start),
      endTime: time(span.start + span.milliseconds),
      duration: hrTimeOf(span.milliseconds),
      status: { code: span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      links: span.links.map((link) => ({ context: context(link.spanId, link.isSampled, link.traceId) })),
      events: span.events.map(({ name, attributes, at }) => ({
        ...{ name, attributes: attributes as ReadableSpan['attributes'], time: time(at) },
      })),
      ...{ droppedAttributesCount: 0, droppedLinksCount: span.droppedLinks },
      droppedEventsCount: span.droppedEvents,
    };
  };
}

/** @param milliseconds with fractions */
function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.trunc(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}
