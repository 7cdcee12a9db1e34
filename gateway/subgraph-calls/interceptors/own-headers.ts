import type { AnswerProvenance } from '../../cache/policy';
import type { Subgraph } from '../subgraph';
import type { CallCounts } from '../../telemetry/metrics/call-counts';
import type { Span } from '../../telemetry/traces/span';
import type { Caller, Interceptor } from '../contract/transport';
import { scopeOf } from '../header-rules';

/** The interceptors that give a subgraph the headers that are meant for it. */
export function giveOwnHeaders({
  name,
  identity,
  hasOwnHeaders,
  operationNameHeader,
  withheldHeaders: withheld,
}: Pick<
  Subgraph,
  'name' | 'identity' | 'hasOwnHeaders' | 'operationNameHeader' | 'withheldHeaders'
>): Interceptor[] {
  if (identity === 'independent') return [withoutIdentity(withheld)];
  return [
    ...(hasOwnHeaders ? [withOwnHeaders(name, withheld)] : []),
    ...(operationNameHeader === undefined ? [] : [withOperationName(operationNameHeader)]),
  ];
}

/** Calls a subgraph with the name of the client's operation in a header. It is in the scope, as every header is. */
function withOperationName(header: string): Interceptor {
  return (next) => (request) => {
    const { caller } = request;
    const { clientName } = request.operation;
    if (clientName === undefined || clientName.length > longestName) return next(request);
    const headers = { ...caller.headers, [header]: clientName };
    const own = { headers, scope: scopeOf(headers, caller.signedIdentity) };
    return next({ ...request, caller: new SeenCaller(caller, own, [], caller.signedIdentity) });
  };
}

/** Subgraphs take headers up to some KiB, and a name may be as long as a request. */
const longestName = 256;

/** Calls a subgraph with the headers of its own header rules. */
function withOwnHeaders(subgraph: string, withheld: readonly string[]): Interceptor {
  return (next) => (request) => {
    const { caller } = request;
    const own = caller.bySubgraph?.get(subgraph);
    if (own === undefined) return next(request);
    return next({ ...request, caller: new SeenCaller(caller, own, withheld, caller.signedIdentity) });
  };
}

/**
 * Calls a subgraph whose answers do not depend on the caller. It gets no client headers, so all clients can share its
 * answers.
 */
function withoutIdentity(withheld: readonly string[]): Interceptor {
  return (next) => (request) =>
    next({ ...request, caller: new SeenCaller(request.caller, nobody, withheld, undefined) });
}

const nobody = { headers: {}, scope: '' };

function without(tracing: Caller['tracing'], withheld: readonly string[]): Caller['tracing'] {
  return Object.fromEntries(Object.entries(tracing).filter(([name]) => !withheld.includes(name)));
}

/** A caller with the headers and scope for one subgraph. */
class SeenCaller implements Caller {
  readonly headers: Caller['headers'];
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly deadline: number | undefined;
  readonly calls: CallCounts;
  readonly provenance: AnswerProvenance;
  readonly event: Caller['event'];
  readonly span: Span | undefined;
  readonly #caller: Caller;

  constructor(
    caller: Caller,
    { headers, scope }: Pick<Caller, 'headers' | 'scope'>,
    withheld: readonly string[],
    readonly signedIdentity: string | undefined,
  ) {
    this.headers = headers;
    this.scope = scope;
    this.tracing = withheld.length === 0 ? caller.tracing : without(caller.tracing, withheld);
    this.deadline = caller.deadline;
    this.calls = caller.calls;
    this.provenance = caller.provenance;
    this.event = caller.event;
    this.span = caller.span;
    this.#caller = caller;
  }

  get isGone(): boolean {
    return this.#caller.isGone;
  }

  get tracestate(): Caller['tracestate'] {
    return this.#caller.tracestate;
  }

  get collected(): Caller['collected'] {
    return this.#caller.collected;
  }
}
