import { CircuitState, SamplingBreaker } from 'cockatiel';
import { type SubgraphResponse, TransportError } from './transport';

export interface BreakerOptions {
  /** The share of failed calls, above 0 and below 1, over which an endpoint is not called any more. */
  readonly failures: number;
  /** How many calls there must have been within the window before that counts. */
  readonly atLeast: number;
  /** Milliseconds. */
  readonly window: number;
  /** Milliseconds until one call may try whether the endpoint is back. */
  readonly pause: number;
}

/** An endpoint of a subgraph, for operators. */
export interface EndpointName {
  readonly subgraph: string;
  readonly url: string;
}

export type OnBreakerChange = (endpoint: EndpointName, state: 'open' | 'closed', reason?: unknown) => void;

/** The circuit breakers of a process, one for each endpoint: like connections, they outlive a supergraph. */
export class Breakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #onChange: OnBreakerChange;

  constructor(onChange: OnBreakerChange) {
    this.#onChange = onChange;
  }

  /** The breaker of an endpoint; a new one where it is asked for with other options than before. */
  of(endpoint: EndpointName, options: BreakerOptions): Breaker {
    const key = `${endpoint.subgraph} ${endpoint.url}`;
    const found = this.#breakers.get(key);
    if (found !== undefined && JSON.stringify(found.options) === JSON.stringify(options)) return found;
    if (found?.isOpen) this.#onChange(endpoint, 'closed');
    const breaker = new Breaker(options, (state, reason) => this.#onChange(endpoint, state, reason));
    this.#breakers.set(key, breaker);
    return breaker;
  }
}

/**
 * Stops calling an endpoint where too many calls fail, so that nobody waits for what is down, and what is down gets
 * no load while it comes back. After a pause one call tries it; the others go on failing at once until it has worked.
 */
export class Breaker {
  readonly options: BreakerOptions;
  readonly #onChange: (state: 'open' | 'closed', reason?: unknown) => void;
  readonly #sample: SamplingBreaker;
  #state: 'closed' | 'open' | 'trying' = 'closed';
  #triesAgainAt = 0;

  constructor(options: BreakerOptions, onChange: (state: 'open' | 'closed', reason?: unknown) => void) {
    const { failures: threshold, atLeast, window: duration } = options;
    this.options = options;
    this.#onChange = onChange;
    this.#sample = new SamplingBreaker({ threshold, duration, minimumRps: (atLeast * 1000) / duration });
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Whether a call would be made: it is closed, or it is time to try. */
  get isReady(): boolean {
    return this.#state === 'closed' || (this.#state === 'open' && performance.now() >= this.#triesAgainAt);
  }

  /** Rejects with a `TransportError` `broken`, without calling, while it is open. */
  run(subgraph: string, call: () => Promise<SubgraphResponse>): Promise<SubgraphResponse> {
    if (!this.isReady) return Promise.reject(new TransportError(subgraph, 'broken'));
    const isTry = this.#state === 'open';
    if (isTry) this.#state = 'trying';
    const answer = call();
    answer.then(
      (response) => {
        if (response.status < 500) this.#worked(isTry);
        else this.#failed(isTry, { status: response.status });
      },
      (error: unknown) => {
        if (isFailure(error)) this.#failed(isTry, error);
        // It says nothing: the next call tries.
        else if (isTry) this.#state = 'open';
      },
    );
    return answer;
  }

  #worked(isTry: boolean): void {
    if (this.#state === 'closed') this.#sample.success(CircuitState.Closed);
    else if (isTry) {
      this.#state = 'closed';
      this.#sample.success(CircuitState.HalfOpen);
      this.#onChange('closed');
    }
  }

  /** What was called before it opened is no news. */
  #failed(isTry: boolean, reason: unknown): void {
    const opens = this.#state === 'closed' && this.#sample.failure(CircuitState.Closed);
    if (!opens && !isTry) return;
    this.#state = 'open';
    this.#triesAgainAt = performance.now() + this.options.pause;
    if (opens) this.#onChange('open', reason);
  }
}

/** Whether it says something about the endpoint that a call has no answer. That its client left does not. */
const isFailure = (error: unknown): boolean => error instanceof TransportError && failures.has(error.failure);

const failures = new Set<TransportError['failure']>([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
  'not-http',
  'timeout',
]);
