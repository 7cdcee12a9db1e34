import type { AnswerProvenance } from '../../cache/policy';
import type { CallCounts } from '../../telemetry/call-counts';
import type { Caller, Interceptor } from '../transport';

/**
 * Calls a subgraph whose answers depend on nobody's identity: it gets no headers of clients, so that all of them can
 * share its answers.
 */
export function withoutIdentity(): Interceptor {
  return (next) => (request) => next({ ...request, caller: new Nobody(request.caller) });
}

/** A caller without headers, and without a name. */
class Nobody implements Caller {
  readonly headers = {};
  readonly signedIdentity = undefined;
  readonly scope = '';
  readonly tracing: Caller['tracing'];
  readonly deadline: number | undefined;
  readonly calls: CallCounts;
  readonly provenance: AnswerProvenance;
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.tracing = caller.tracing;
    this.deadline = caller.deadline;
    this.calls = caller.calls;
    this.provenance = caller.provenance;
    this.#caller = caller;
  }

  get isGone(): boolean {
    return this.#caller.isGone;
  }
}
