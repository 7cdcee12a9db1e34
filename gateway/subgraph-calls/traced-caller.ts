import type { Span } from '../telemetry/traces/span';
import type { Caller } from './contract/transport';

/** A caller whose calls belong to another span. */
export class TracedCaller implements Caller {
  readonly span: Span;
  readonly #caller: Caller;
  readonly #tracing: Caller['tracing'] | undefined;

  /** @param tracing the headers that name the span to a subgraph, if the span is of one call. @default those of the caller */
  constructor(caller: Caller, span: Span, tracing?: Caller['tracing']) {
    // Wraps the first caller, so that a question passes through one wrapper and not through all.
    this.#caller = caller instanceof TracedCaller ? caller.#caller : caller;
    this.span = span;
    this.#tracing = tracing;
  }

  get tracing(): Caller['tracing'] {
    return this.#tracing ?? this.#caller.tracing;
  }

  get tracestate(): Caller['tracestate'] {
    return this.#caller.tracestate;
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
