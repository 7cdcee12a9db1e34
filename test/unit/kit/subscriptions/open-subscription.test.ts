import { pino } from 'pino';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { memoryEventSource, subscriptionField } from '../../../../kit';
import { subscriptionsOf } from '../../../../kit/subscriptions/open-subscription';
import { readTrace, type Trace } from '../../../../kit/traces/trace';
import { recordSpans, traceId, traceparent, unsampled } from '../../../support/recorded-spans';

const schema = buildSubgraphSchema({
  typeDefs: parse('type Query { a: Int } type Subscription { moved: Int }'),
  resolvers: { Subscription: { moved: subscriptionField({ event: 'Moved', keys: () => 'all' }) as never } },
});

/** The traces in which two events are answered. */
async function answer(headers: Record<string, string>) {
  const { tracer, spans } = recordSpans();
  const events = memoryEventSource();
  const traces: Trace[] = [];
  const open = subscriptionsOf({
    ...{ schema, events, limit: 10, tracer },
    createContext: ({ trace }) => Promise.resolve((traces.push(trace), {})),
  });
  const trace = readTrace(headers);
  const log = pino({ level: 'silent' });
  const subscription = await open(
    { query: 'subscription { moved }' },
    { headers, trace, log, checked: null },
  );
  for (const data of [1, 2]) {
    events.publish({ type: 'Moved', key: 'secret', data });
    expect(await subscription.next()).toMatchObject({ value: { data: { moved: data } } });
  }
  await subscription.return();
  return { opened: traces[0]!, answered: traces.slice(1), spans: spans() };
}

it('answers each event in a trace of its own, with a link to the request', async () => {
  const { opened, answered, spans } = await answer({ traceparent, 'x-request-id': 'r1' });
  expect(opened.traceId).toBe(traceId);
  expect(new Set([traceId, ...answered.map((each) => each.traceId)]).size).toBe(3);
  for (const [i, span] of spans.entries()) {
    expect(span).toMatchObject({
      ...{ name: 'subscription event', kind: 4, parentSpanContext: undefined },
      attributes: { 'weir.request.id': 'r1' },
      links: [{ context: { traceId, spanId: 'b7ad6b7169203331' } }],
    });
    const { traceId: own, spanId } = span.spanContext();
    expect(answered[i]!.propagation).toEqual({ 'x-request-id': 'r1', traceparent: `00-${own}-${spanId}-01` });
  }
});

it('records nothing of events where the trace of the request is not sampled', async () => {
  const { answered, spans } = await answer({ traceparent: unsampled });
  expect(answered.map((each) => each.traceId)).toEqual([traceId, traceId]);
  expect(spans).toEqual([]);
});
