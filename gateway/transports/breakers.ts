import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel';
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
  readonly #policy: CircuitBreakerPolicy;
  #triesAgainAt = 0;

  constructor(options: BreakerOptions, onChange: (state: 'open' | 'closed', reason?: unknown) => void) {
    const { failures: threshold, atLeast, window: duration, pause: halfOpenAfter } = options;
    this.options = options;
    this.#policy = circuitBreaker(
      handleWhen(isFailure).orWhenResult((answer) => (answer as SubgraphResponse).status >= 500),
      {
        halfOpenAfter,
        breaker: new SamplingBreaker({ threshold, duration, minimumRps: (atLeast * 1000) / duration }),
      },
    );
    let isOpen = false;
    this.#policy.onBreak((reason) => {
      this.#triesAgainAt = performance.now() + halfOpenAfter;
      if (!isOpen) onChange('open', 'error' in reason ? reason.error : reason);
      isOpen = true;
    });
    this.#policy.onReset(() => {
      if (isOpen) onChange('closed');
      isOpen = false;
    });
  }

  get isOpen(): boolean {
    return this.#policy.state !== CircuitState.Closed;
  }

  /** Whether a call would be made: it is closed, or it is time to try. */
  get isReady(): boolean {
    const { state } = this.#policy;
    return (
      state === CircuitState.Closed ||
      (state === CircuitState.Open && performance.now() >= this.#triesAgainAt)
    );
  }

  /** Rejects with a `TransportError` `broken`, without calling, while it is open. */
  run(subgraph: string, call: () => Promise<SubgraphResponse>): Promise<SubgraphResponse> {
    if (!this.isReady) return Promise.reject(new TransportError(subgraph, 'broken'));
    return this.#policy.execute(call).catch((error: unknown) => {
      throw error instanceof BrokenCircuitError ? new TransportError(subgraph, 'broken') : error;
    });
  }
}

/** Whether it says something about the endpoint that a call has no answer. That its client left does not. */
const isFailure = (error: Error): boolean => error instanceof TransportError && failures.has(error.failure);

const failures = new Set<TransportError['failure']>([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
  'not-http',
  'timeout',
]);
