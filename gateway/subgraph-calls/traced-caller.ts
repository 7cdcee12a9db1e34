import type { Span } from '../telemetry/traces/span';
import type { Caller } from './transport';

/** A caller whose calls belong to another span. */
export class TracedCaller implements Caller {
  readonly span: Span;
  readonly tracing: Caller['tracing'];
  readonly #caller: Caller;

  /** @param tracing of the call that the span is of, if it is of one */
  constructor(caller: Caller, span: Span, tracing = caller.tracing) {
    // Not of another one: what it is asked for would pass through all of them.
    this.#caller = caller instanceof TracedCaller ? caller.#caller : caller;
    this.span = span;
    this.tracing = tracing;
  }

  get headers(): Caller['headers'] {
    return this.#caller.headers;
  }

  get bySubgraph(): Caller['bySubgraph'] {
    return this.#caller.bySubgraph;
  }

  get signedIdentity(): string | undefined {
    return this.#caller.signedIdentity;
  }

  get scope(): string {
    return this.#caller.scope;
  }

  get isGone(): boolean {
    return this.#caller.isGone;
  }

  get deadline(): number | undefined {
    return this.#caller.deadline;
  }

  get calls(): Caller['calls'] {
    return this.#caller.calls;
  }

  get provenance(): Caller['provenance'] {
    return this.#caller.provenance;
  }

  get collected(): Caller['collected'] {
    return this.#caller.collected;
  }

  get event(): Caller['event'] {
    return this.#caller.event;
  }

  get sharing(): Caller['sharing'] {
    return this.#caller.sharing;
  }
}
