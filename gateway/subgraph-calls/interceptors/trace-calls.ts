import { type Attributes, errorTypeOf, type Span } from '../../telemetry/traces/span';
import type { Breaker } from '../breakers';
import { TracedCaller } from '../traced-caller';
import type { Caller, Interceptor, OperationKind, Send, SubgraphRequest } from '../transport';

/**
 * Records a span for each fetch of a plan, in the trace of its request: with the time that it waited for others, and whether
 * it needed a call of its own.
 */
export function traceFetches(subgraph: string): Interceptor {
  const name = `fetch ${subgraph}`;
  const shared = byKind({ 'weir.subgraph.name': subgraph });
  return (next) => (request) => {
    const { caller, operation, entities } = request;
    if (caller.span === undefined) return next(request);
    const span = caller.span.child(name);
    span.shared = shared[operation.kind];
    span.document = operation.document;
    if (entities !== undefined) span.set('weir.entities', countOf(entities));
    return ending(span, next({ ...request, caller: new TracedCaller(caller, span) }));
  };
}

const countOf = (entities: NonNullable<SubgraphRequest['entities']>): number =>
  entities.reduce((sum, { representations }) => sum + representations.length, 0);

/** Where calls are sent. */
export interface TracedEndpoint {
  readonly subgraph: string;
  readonly url: string;
  /** Undefined without a circuit breaker. */
  readonly breaker: Pick<Breaker, 'isOpen'> | undefined;
}

/**
 * Records a span for each call that is sent to an endpoint. It is in the trace of one of the requests that share the call,
 * and links to the fetches of all of them.
 */
export function traceSends(send: Send, { subgraph, url, breaker }: TracedEndpoint): Send {
  const { hostname, port, protocol, pathname, origin } = new URL(url);
  const name = `POST ${pathname}`;
  const common = {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    // Without credentials and query, which may hold keys.
    'url.full': `${origin}${pathname}`,
    'weir.subgraph.name': subgraph,
  };
  const shared = byKind(breaker === undefined ? common : { ...common, 'weir.breaker.state': 'closed' });
  const ofProbes = byKind({ ...common, 'weir.breaker.state': 'half_open' });
  return (request) => {
    const { caller, operation } = request;
    const parent = caller.span;
    if (parent === undefined) return send(request);
    const span = parent.child(name, 'client');
    span.shared = (breaker?.isOpen === true ? ofProbes : shared)[operation.kind];
    if (parent.sends++ > 0) span.set('http.request.resend_count', parent.sends - 1);
    const sent = send({ ...request, caller: new TracedCaller(caller, span) });
    return ending(span, sent, (status) => {
      span.set('http.response.status_code', status);
      noteSharing(caller, span);
    });
  };
}

/** The attributes that all spans of an operation's kind share. */
function byKind(common: Attributes): Readonly<Record<OperationKind, Attributes>> {
  const of = (kind: OperationKind): Attributes => ({ ...common, 'graphql.operation.type': kind });
  return { query: of('query'), mutation: of('mutation'), subscription: of('subscription') };
}

/** Ends the span as the call ends. @param before is done before that, with the status of the response */
function ending(
  span: Span,
  call: ReturnType<Send>,
  before: (status?: number) => void = () => undefined,
): ReturnType<Send> {
  return call.then(
    (response) => {
      const { status } = response;
      if (status >= 400) span.fail(String(status));
      before(status);
      span.end();
      return response;
    },
    (error: unknown) => {
      span.fail(errorTypeOf(error));
      before();
      span.end();
      throw error;
    },
  );
}

/** Notes in a call and in the fetches that share it that they do, and how long each fetch waited until it was sent. */
function noteSharing(caller: Caller, call: Span): void {
  const fetches = new Map<Span, boolean>();
  const count = collect(caller, false, fetches);
  for (const [fetch, isBatched] of fetches) {
    fetch.set('weir.waited_ms', Math.max(0, Math.round((call.start - fetch.start) * 1000) / 1000));
    if (count === 1) continue;
    fetch.set('weir.shared_with', count - 1);
    fetch.set('weir.batched', isBatched);
    fetch.link(call);
    call.link(fetch);
  }
  if (count > 1) {
    call.set('weir.shared_with', count - 1);
    call.set('weir.batched', [...fetches.values()].includes(true));
  }
}

/** Collects the spans of the fetches that share a call. Returns how many fetches they are, with those that are not traced. */
function collect(
  { sharing, span }: Pick<Caller, 'sharing' | 'span'>,
  isBatched: boolean,
  fetches: Map<Span, boolean>,
): number {
  if (sharing === undefined) {
    if (span !== undefined) fetches.set(span, isBatched);
    return 1;
  }
  const { callers, how } = sharing;
  const joins = isBatched || (how === 'batched' && callers.length > 1);
  return callers.reduce((sum, each) => sum + collect(each, joins, fetches), 0);
}
