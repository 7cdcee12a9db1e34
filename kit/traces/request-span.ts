import { type FastifyRequest } from 'fastify';
import { type ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import { isSampled, propagationOf, type Trace } from './trace';
import { type Span, type Tracer } from './tracer';

/**
 * Begins the span of a request, which ends with its answer; of a subscription, with the subscription. Returns the trace
 * that goes on within it.
 */
export function traceRequest(
  tracer: Tracer,
  { trace, method, protocol }: Pick<FastifyRequest, 'trace' | 'method' | 'protocol'>,
  { response, path }: { readonly response: ServerResponse; readonly path: string },
): Trace {
  const { requestId, propagation } = trace;
  // Others are refused: a client could make up any number of names.
  const known = method === 'POST' || method === 'GET' ? method : '_OTHER';
  const span = tracer.begin(`${known === '_OTHER' ? 'HTTP' : known} ${path}`, {
    ...{ kind: 'server', cause: propagation },
    attributes: {
      'http.request.method': known,
      'http.route': path,
      'url.path': path,
      'url.scheme': protocol,
      'weir.request.id': requestId,
    },
  });
  finished(response, (error) => {
    const { statusCode: status } = response;
    if (error) span.set({ 'error.type': 'client_gone' });
    else {
      span.set({ 'http.response.status_code': status });
      if (status >= 500) span.fail(String(status));
      else if (status >= 400) span.set({ 'error.type': String(status) });
    }
    span.end();
  });
  return traceWithin(span, requestId);
}

/**
 * Begins the span of the answer to an event of a subscription. It has a trace of its own, as a subscription may have any
 * number of them, with a link to the request that has opened it, and is sampled as that was.
 */
export function traceEvent(tracer: Tracer | undefined, { requestId, propagation }: Trace): Trace | undefined {
  if (tracer === undefined || !isSampled(propagation['traceparent'])) return undefined;
  const span = tracer.begin('subscription event', {
    kind: 'consumer',
    links: [propagation],
    attributes: { 'weir.request.id': requestId },
  });
  return traceWithin(span, requestId);
}

const traceWithin = (span: Span, requestId: string): Trace => ({
  ...{ requestId, traceId: span.traceId, span },
  propagation: propagationOf(span.causing(requestId)),
});
