import type { Recorder } from '../telemetry/traces/trace';
import { UndecidedSpans } from '../telemetry/traces/trace';
import type { Span } from '../telemetry/traces/span';
import { newestFirst, RecordRing } from './record-ring';
import { codesOf } from './summary';

export interface RequestLogOptions {
  /** The share of requests that are recorded, and of events of subscriptions. */
  readonly sampling: number;
  /** Bytes of what is recorded, estimated. */
  readonly memory: number;
  /** Failed, refused and slow requests, with memory of their own, so that they and the sample cannot displace each other. */
  readonly failures: Recorder['failures'] & { readonly memory: number };
  readonly values: boolean;
}

/**
 * The requests that were recorded last, each by the first span of its trace, and the events of subscriptions. They are kept as
 * they were recorded: what is shown of one is made when it is read.
 */
export class RequestLog implements Recorder, Iterable<Span> {
  readonly values: boolean;
  readonly inFlight = new UndecidedSpans(mostInFlight);
  readonly failures: Recorder['failures'];
  readonly #sampling: number;
  readonly #sample: RecordRing;
  readonly #failed: RecordRing;
  readonly #listeners = new Set<(first: Span) => void>();
  #taken = 0;

  constructor({ sampling, memory, failures, values }: RequestLogOptions) {
    this.#sampling = sampling;
    this.#sample = new RecordRing(memory);
    this.#failed = new RecordRing(failures.memory);
    this.failures = failures;
    this.values = values;
  }

  readonly isChosen = (): boolean =>
    this.#sampling === 1 || (this.#sampling > 0 && Math.random() < this.#sampling);

  readonly take = (first: Span): void => {
    if (first.trace.notes?.isFailure === true) this.#failed.add(first, this.#taken++, kindOf(first));
    else this.#sample.add(first, this.#taken++, 'sample');
    for (const listener of this.#listeners) listener(first);
  };

  /** Calls a function with each record from now on. */
  onTaken(listener: (first: Span) => void): void {
    this.#listeners.add(listener);
  }

  /** Bytes, estimated. */
  get bytes(): number {
    return this.#sample.bytes + this.#failed.bytes;
  }

  get size(): number {
    return this.#sample.size + this.#failed.size;
  }

  /** The newest first. */
  *[Symbol.iterator](): Iterator<Span> {
    for (const { first } of newestFirst([this.#sample, this.#failed].map((ring) => ring[Symbol.iterator]())))
      yield first;
  }
}

/** Its first error code; `none` for what was slow alone. */
const kindOf = (first: Span): string => codesOf(first)[0] ?? 'none';

/** Spans of requests in flight, about 25 MB: 64 operations with hundreds of calls each have so many. */
const mostInFlight = 50_000;
