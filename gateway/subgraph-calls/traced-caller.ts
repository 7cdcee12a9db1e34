import type { Span } from '../telemetry/traces/span';
import type { Caller } from './transport';

/** A caller whose calls belong to another span. */
export class TracedCaller implements Caller {
  readonly span: Span;
  readonly #caller: Caller;
  #tracing: Caller['tracing'] | undefined;

  constructor(caller: Caller, span: Span) {
    // Not of another one: what it is asked for would pass through all of them.
    this.#caller = caller instanceof TracedCaller ? caller.#caller : caller;
    this.span = span;
  }

  get tracing(): Caller['tracing'] {
    const { tracing } = this.#caller;
    if (this.span.trace.source.isLocal === true) return tracing;
    return (this.#tracing ??= { 'x-request-id': tracing['x-request-id']!, ...this.span.headers });
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
