import { beginProcess, beginPublish, beginSend } from '../../../../kit/traces/event-spans';
import { eventOf } from '../../../support/event-logs';
import { recordSpans, traceId, traceparent, unsampled } from '../../../support/recorded-spans';

const { tracer, spans, reset } = recordSpans();
beforeEach(reset);
const now = new Date().toISOString();
const fresh = { ...eventOf('orders', 'o-secret', 1, { data: 'secret' }), id: 'e1', traceparent, time: now };
const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000).toISOString();
const written = { context: { traceId, spanId: 'b7ad6b7169203331' } };

describe('a consumer', () => {
  it('handles an event in the trace of its write', () => {
    beginProcess(tracer, 'thank-buyer', { event: fresh, attempt: 2 })!.end();
    expect(spans()[0]).toMatchObject({
      ...{ name: 'process orders', kind: 4 },
      parentSpanContext: { traceId, spanId: 'b7ad6b7169203331' },
      links: [],
    });
    expect(spans()[0]!.attributes).toEqual({
      'messaging.system': 'weir',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'orders',
      'messaging.message.id': fresh.id,
      'messaging.consumer.group.name': 'thank-buyer',
      'weir.event.type': fresh.type,
      'weir.attempt': 2,
    });
  });

  it('handles an old event, such as for a rebuild, in a trace of its own', () => {
    beginProcess(tracer, 'thank-buyer', {
      event: { ...fresh, time: longAgo },
      attempt: 1,
      isRetry: true,
    })!.end();
    const [span] = spans();
    expect(span).toMatchObject({ parentSpanContext: undefined, links: [written] });
    expect(span!.spanContext().traceId).not.toBe(traceId);
    expect(span!.attributes).toMatchObject({ 'weir.event.retried': true });
  });

  it('records nothing of an event whose trace was not sampled', () => {
    const event = { ...fresh, traceparent: unsampled };
    beginProcess(tracer, 'thank-buyer', { event, attempt: 1 })!.end();
    expect(
      beginProcess(tracer, 'thank-buyer', { event: { ...event, time: longAgo }, attempt: 1 }),
    ).toBeUndefined();
    expect(spans()).toEqual([]);
  });
});

describe('the relay', () => {
  const alone = eventOf('orders', 'o1', 1);

  it('sends an event in the trace of its write', () => {
    beginSend(tracer, fresh)!.end();
    expect(spans()[0]).toMatchObject({ name: 'send orders', kind: 2, parentSpanContext: { traceId } });
    expect(JSON.stringify(spans()[0]!.attributes)).not.toContain('secret');
  });

  it('sends events to SNS together in the trace of the first, with links to the others', () => {
    beginPublish(tracer, [fresh, alone, fresh])!.end();
    expect(spans()[0]).toMatchObject({
      name: 'publish orders',
      parentSpanContext: { traceId },
      links: [written],
    });
    expect(spans()[0]!.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
  });

  it('records nothing of an event that no trace has led to', () => {
    expect(beginSend(tracer, alone)).toBeUndefined();
    expect(beginPublish(tracer, [alone])).toBeUndefined();
  });
});
