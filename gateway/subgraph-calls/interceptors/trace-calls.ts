import { isFailure } from '../../telemetry/statistics/subgraph-durations';
import { type Attributes, errorTypeOf, type Span } from '../../telemetry/traces/span';
import type { Breaker } from '../endpoints/breakers';
import { follow } from '../contract/pending-answer';
import { TracedCaller } from '../traced-caller';
import type {
  Caller,
  Interceptor,
  HttpRequest,
  OperationKind,
  Send,
  Sharing,
  SubgraphRequest,
  SubgraphResponse,
} from '../contract/transport';

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
    return follow(next(requestOf(request, new TracedCaller(caller, span))), span, endFetch, endFailed);
  };
}

function endFetch(response: SubgraphResponse, span: Span): SubgraphResponse {
  if (response.status >= 400) span.fail(String(response.status));
  span.end();
  return response;
}

/** The same request of another caller. Copied member by member, as a spread takes longer. */
const requestOf = (
  { operation, variables, entities, after, http }: SubgraphRequest,
  caller: Caller,
): Required<SubgraphRequest> => ({ operation, variables, caller, entities, after, http });

const countOf = (entities: NonNullable<SubgraphRequest['entities']>): number =>
  entities.reduce((sum, { count }) => sum + count, 0);

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
  const common = {
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    // Without credentials and query, which may hold keys.
    'url.full': `${origin}${pathname}`,
    'weir.subgraph.name': subgraph,
  };
  const attributesOf = (method: string, more: Attributes) => {
    const all = { 'http.request.method': method, ...more, ...common };
    return {
      shared: byKind(breaker === undefined ? all : { ...all, 'weir.breaker.state': 'closed' }),
      ofProbes: byKind({ ...all, 'weir.breaker.state': 'half_open' }),
    };
  };
  const graphql = { name: `POST ${pathname}`, ...attributesOf('POST', {}) };
  /** By method and route, of which a source schema has few. */
  const rest = new Map<string, typeof graphql>();
  const restOf = ({ method, route }: HttpRequest): typeof graphql => {
    const name = `${method} ${pathname.replace(/\/$/, '')}${route}`;
    let known = rest.get(name);
    if (known === undefined)
      rest.set(name, (known = { name, ...attributesOf(method, { 'url.template': route }) }));
    return known;
  };
  const begin = (parent: Span, { operation, http }: SubgraphRequest, start: number): Span => {
    const { name, shared, ofProbes } = http === undefined ? graphql : restOf(http);
    const span = parent.child(name, 'client', start);
    span.shared = (breaker?.isOpen === true ? ofProbes : shared)[operation.kind];
    return span;
  };
  /** @param first the span that has the call already, which is not sampled; undefined if none has */
  const recordForJoined = (
    caller: Caller,
    sharing: Sharing,
    request: SubgraphRequest,
    first: Span | undefined,
    start: number,
  ): void => {
    sharing.recordLate = (response, error) => {
      const parent = caller.span;
      if (parent === undefined || parent === first) return;
      const span = begin(parent, request, start);
      if (response === undefined) span.fail(errorTypeOf(error));
      else noteStatus(span, response.status);
      noteSharing(caller, span);
      span.end();
    };
    // Calls in an array are joined each for itself.
    for (const { caller: each } of sharing.members)
      if (each.sharing !== undefined) recordForJoined(each, each.sharing, request, each.span, start);
  };
  return (request) => {
    const { caller } = request;
    const parent = caller.span;
    // Untraced calls are not to pay for what only traces need.
    if (parent === undefined && caller.sharing === undefined) return send(request);
    const start = performance.now();
    if (parent?.trace.isSampled !== true && caller.sharing !== undefined)
      recordForJoined(caller, caller.sharing, request, parent, start);
    if (parent === undefined) return send(request);
    const span = begin(parent, request, start);
    const message = request.http ?? request.variables;
    if (parent.lastSent === message) span.set('http.request.resend_count', ++parent.resends);
    parent.lastSent = message;
    const sent = send(requestOf(request, new TracedCaller(caller, span, headersOf(span, caller))));
    return follow(sent, { caller, span }, endCall, endFailedCall);
  };
}

/** A call and who caused it. */
interface TracedCall {
  readonly caller: Caller;
  readonly span: Span;
}

function endCall(response: SubgraphResponse, { caller, span }: TracedCall): SubgraphResponse {
  noteStatus(span, response.status);
  noteSharing(caller, span);
  span.end();
  return response;
}

function endFailedCall(error: unknown, { caller, span }: TracedCall): never {
  noteSharing(caller, span);
  return endFailed(error, span);
}

/** The headers by which a subgraph gets the span of its call. None for a span that only the console has. */
function headersOf(call: Span, { tracing }: Caller): Caller['tracing'] {
  if (call.trace.source.isLocal === true) return tracing;
  const headers: Record<string, string> = call.headersFor(tracing['x-request-id']!);
  for (const name in tracing) headers[name] ??= tracing[name]!;
  return headers;
}

function noteStatus(span: Span, status: number): void {
  span.set('http.response.status_code', status);
  if (isFailure(status, span.shared['http.request.method'])) span.fail(String(status));
}

/** The attributes that all spans of an operation's kind share. */
function byKind(common: Attributes): Readonly<Record<OperationKind, Attributes>> {
  const of = (kind: OperationKind): Attributes => ({ ...common, 'graphql.operation.type': kind });
  return { query: of('query'), mutation: of('mutation'), subscription: of('subscription') };
}

/** Ends the span of what has failed. */
function endFailed(error: unknown, span: Span): never {
  span.fail(errorTypeOf(error));
  span.end();
  throw error;
}

/** Notes in a call and in the fetches that share it that they do, and how long each fetch waited until it was sent. */
function noteSharing(caller: Caller, call: Span): void {
  const alone = soleFetch(caller);
  if (alone !== undefined) {
    if (alone.span !== undefined) noteWait(alone.span, call);
    return;
  }
  const fetches = new Map<Span, boolean>();
  const count = collect(caller, false, fetches);
  for (const [fetch, isBatched] of fetches) {
    noteWait(fetch, call);
    fetch.set('weir.shared_with', count - 1);
    fetch.set('weir.batched', isBatched);
    fetch.link(call);
    call.link(fetch);
  }
  call.set('weir.shared_with', count - 1);
  call.set('weir.batched', [...fetches.values()].includes(true));
}

const noteWait = (fetch: Span, call: Span): void =>
  fetch.set('weir.waited_ms', Math.max(0, Math.round((call.start - fetch.start) * 1000) / 1000));

/** The caller of the one fetch that a call is for; undefined where several share it. */
function soleFetch(caller: Caller): Caller | undefined {
  const { sharing } = caller;
  if (sharing === undefined) return caller;
  const { length, 0: first } = sharing.members;
  return length === 1 ? soleFetch(first!.caller) : undefined;
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
  const { members, how } = sharing;
  const joins = isBatched || (how === 'batched' && members.length > 1);
  return members.reduce((sum, { caller }) => sum + collect(caller, joins, fetches), 0);
}
