import type { IncomingRequest } from '../../request/incoming-request';
import { sentHeaders } from './sent-headers';
import type { CallCounts } from '../metrics/call-counts';
import { knownMethod } from '../statistics/request-statistics';
import type { Attributes, Span } from './span';
import type { Recorder } from './trace';
import type { Tracer } from './tracer';

/**
 * Ends the span of a request. No attribute holds what the client sent, but the names of operations, and its request id.
 *
 * @param route the path that it was sent to
 * @param status of the answer; undefined when the client left before it
 */
export type EndRequestSpan = (
  span: Span,
  request: IncomingRequest,
  route: string,
  status: number | undefined,
) => void;

export function requestSpansOf(tracer: Tracer, scheme: 'http' | 'https'): EndRequestSpan {
  const known = new Map<string, Attributes>();
  const sharedBy = (method: string, route: string): Attributes => {
    const key = `${method} ${route}`;
    let shared = known.get(key);
    if (shared === undefined) {
      shared = {
        ...{ 'http.request.method': method, 'url.scheme': scheme, 'url.path': route, 'http.route': route },
      };
      known.set(key, shared);
    }
    return shared;
  };
  return (span, request, route, status) => {
    const { operation, operations, codes, cacheResult, calls, refusals, refusedOperation } = request;
    span.shared = sharedBy(knownMethod(request.head.method), route);
    span.set('http.response.status_code', status);
    span.set('weir.request.id', request.id);
    if (request.graph !== undefined) span.set('weir.graph', request.graph);
    if (operation !== undefined) {
      span.set('graphql.operation.type', operation.type);
      span.set('graphql.operation.name', operation.name ?? undefined);
      span.set('weir.operation.id', operation.id);
      if (operations > 1) span.set('weir.operations', operations);
      span.set('weir.cache.result', cacheResult);
      setCalls(span, calls);
    }
    const { notes } = span.trace;
    if (notes !== undefined) {
      notes.document = operation?.document ?? refusedOperation?.document;
      if (refusals !== undefined) notes.refusals = refusals;
      if (operation === undefined && refusedOperation !== undefined)
        notes.refusedOperation = refusedOperation;
      if (isFailure(tracer.recorder, request, status)) notes.isFailure = true;
      notes.operationName = operation?.operationName;
      const { clientName: name, clientVersion: version } = request;
      if (name !== '') notes.client = { name, version };
      notes.headers = sentHeaders(request.head.headers);
      if (request.unmet !== undefined) notes.unmet = request.unmet;
    }
    if (codes !== undefined) span.set('weir.error.codes', [...codes].map(bounded));
    if (status === undefined) span.set('error.type', 'client_gone');
    else if (status >= 500) span.fail(String(status));
    else if (status >= 400) span.set('error.type', String(status));
    tracer.end(span, hasFailed(status, codes));
  };
}

export function setCalls(span: Span, calls: CallCounts): void {
  span.set('weir.calls.planned', calls.planned);
  span.set('weir.calls.sent', calls.sent);
  span.set('weir.calls.saved', calls.merged + calls.deduplicated + calls.batched + calls.cached);
}

/** Whether the console records it apart from the sample: it has failed, was refused, or was slow. */
export function isFailure(
  recorder: Recorder | undefined,
  { codes, operation, start }: IncomingRequest,
  status: number | undefined,
): boolean {
  if (recorder?.failures.enabled !== true) return false;
  if (codes !== undefined || (status !== undefined && status >= 400)) return true;
  return operation?.type !== 'subscription' && performance.now() - start >= recorder.failures.slowerThan;
}

/** Requests that the client got wrong are no failures, or anybody could have them exported. */
const hasFailed = (status: number | undefined, codes: ReadonlySet<string> | undefined): boolean =>
  status !== undefined && (status >= 500 || (status < 400 && codes !== undefined));

/** Subgraphs choose the codes of their errors. */
const bounded = (code: string): string => code.slice(0, 100);
