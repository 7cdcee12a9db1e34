import { type Delivery } from '../events/channels/channel';
import { type DomainEvent } from '../events/event';
import { isSampled } from './trace';
import { type Span, type Tracer } from './tracer';

/** Begins the span of an event on its way from the outbox to the log; undefined where no trace has led to it. */
export const beginSend = (tracer: Tracer | undefined, event: DomainEvent): Span | undefined =>
  event.traceparent === undefined
    ? undefined
    : tracer?.begin(`send ${event.source}`, {
        // Not a producer: consumers get the context of the write, which stays in the event.
        ...{ kind: 'client', cause: event },
        attributes: messageOf(event, 'send'),
      });

/** Begins the span of a batch of events on its way to SNS, in the trace of the first. */
export function beginPublish(tracer: Tracer | undefined, events: readonly DomainEvent[]): Span | undefined {
  const [first, ...others] = events;
  if (first?.traceparent === undefined) return undefined;
  const { source } = first;
  return tracer?.begin(`publish ${source}`, {
    ...{ kind: 'client', cause: first, links: others },
    attributes: {
      'messaging.system': 'aws.sns',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': source,
      'messaging.batch.message_count': events.length,
    },
  });
}

/** Traces of older events have ended where they are kept, and may be gone. */
const longestTraceMilliseconds = 60 * 60 * 1000;

/**
 * Begins the span of a consumer that handles an event. The write of the event is its parent, as each event is handled
 * alone: one trace leads from the request to all that follows from it. Of an event that is more than an hour old, as a new
 * consumer gets it or a rebuild, a trace of its own begins, with a link to the write, if that was sampled. Never both:
 * Jaeger takes a parent for a link then.
 */
export function beginProcess(
  tracer: Tracer | undefined,
  consumer: string,
  { event, attempt, isRetry = false }: Delivery,
): Span | undefined {
  if (!tracer) return undefined;
  const isRecent = Date.now() - Date.parse(event.time) < longestTraceMilliseconds;
  if (!isRecent && !isSampled(event.traceparent)) return undefined;
  return tracer.begin(`process ${event.source}`, {
    ...{ kind: 'consumer', ...(isRecent ? { cause: event } : { links: [event] }) },
    attributes: {
      ...messageOf(event, 'process'),
      'messaging.consumer.group.name': consumer,
      'weir.attempt': attempt,
      ...(isRetry && { 'weir.event.retried': true }),
    },
  });
}

/** Without the subject, which is the key of an item, and the data. */
const messageOf = ({ source, id, type }: DomainEvent, operation: 'send' | 'process') => ({
  'messaging.system': 'weir',
  'messaging.operation.name': operation,
  'messaging.operation.type': operation,
  'messaging.destination.name': source,
  'messaging.message.id': id,
  'weir.event.type': type,
});
