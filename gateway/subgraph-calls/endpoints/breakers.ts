import { CircuitState, SamplingBreaker } from 'cockatiel';
import { type Lease, Leases } from '../../net/leases';
import { follow } from '../contract/pending-answer';
import { type SubgraphRequest, TransportError } from '../contract/transport';

export interface BreakerOptions {
  /** The breaker opens when the share of failed calls exceeds this: above 0 and below 1. */
  readonly failures: number;
  /** The fewest calls within the window for the breaker to open. */
  readonly atLeast: number;
  /** The window in which calls are counted, in milliseconds. */
  readonly window: number;
  /** Milliseconds that the breaker stays open before one call probes the endpoint. */
  readonly pause: number;
}

/** An endpoint of a subgraph, as logs and metrics name it. */
export interface EndpointName {
  readonly subgraph: string;
  readonly url: string;
}

/** `gone`: the breaker was open, and no supergraph has the endpoint any more. */
export type OnBreakerChange = (
  endpoint: EndpointName,
  state: 'open' | 'closed' | 'gone',
  reason?: unknown,
) => void;

/**
 * The circuit breakers of one set of options, one per endpoint. Like connections, they survive a new supergraph that has
 * the same endpoint.
 */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #onChange: OnBreakerChange;
  readonly #held = new Leases<HeldBreaker>((held) => {
    held.isGone = true;
    if (held.breaker.isOpen) this.#onChange(held.endpoint, 'gone');
  });

  constructor(options: BreakerOptions, onChange: OnBreakerChange) {
    this.#options = options;
    this.#onChange = onChange;
  }

  /** Leases breakers to an engine. A breaker is kept as long as one lease holds it. */
  lease(): BreakerLease {
    const leased: Lease<HeldBreaker>[] = [];
    return {
      of: (endpoint) => {
        const held = this.#held.take(`${endpoint.subgraph} ${endpoint.url}`, () => this.#create(endpoint));
        leased.push(held);
        return held.value.breaker;
      },
      end: () => {
        for (const held of leased.splice(0)) held.end();
      },
    };
  }

  /** Whether the breaker of an endpoint is open. */
  isOpen({ subgraph, url }: EndpointName): boolean {
    return this.#held.values.some(
      ({ endpoint, breaker }) => endpoint.subgraph === subgraph && endpoint.url === url && breaker.isOpen,
    );
  }

  #create(endpoint: EndpointName): HeldBreaker {
    const breaker = new Breaker(this.#options, (state, reason) => {
      if (!held.isGone) this.#onChange(endpoint, state, reason);
    });
    const held: HeldBreaker = { endpoint, breaker, isGone: false };
    return held;
  }
}

export interface BreakerLease {
  of(endpoint: EndpointName): Breaker;
  end(): void;
}

interface HeldBreaker {
  readonly endpoint: EndpointName;
  readonly breaker: Breaker;
  /** Whether nobody holds it any more: calls in flight may still change its state. */
  isGone: boolean;
}

/**
 * A circuit breaker: stops calls to an endpoint when too many fail, so that no request waits for an endpoint that is down,
 * and the endpoint gets no load while it recovers. After a pause one call probes it; all others fail at once until a probe
 * succeeds.
 */
export class Breaker {
  readonly #pause: number;
  readonly #onChange: (state: 'open' | 'closed', reason?: unknown) => void;
  readonly #sample: SamplingBreaker;
  #state: 'closed' | 'open' | 'trying' = 'closed';
  #triesAgainAt = 0;

  constructor(options: BreakerOptions, onChange: (state: 'open' | 'closed', reason?: unknown) => void) {
    const { failures: threshold, atLeast, window: duration, pause } = options;
    this.#pause = pause;
    this.#onChange = onChange;
    this.#sample = new SamplingBreaker({ threshold, duration, minimumRps: (atLeast * 1000) / duration });
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Whether a call would be let through: the breaker is closed, or the pause is over. */
  get isReady(): boolean {
    return this.#state === 'closed' || (this.#state === 'open' && performance.now() >= this.#triesAgainAt);
  }

  /** Rejects with a `TransportError` `broken`, without calling, while it is open. */
  run<Answer extends { readonly status: number }>(
    subgraph: string,
    call: (request: SubgraphRequest) => Promise<Answer>,
    request: SubgraphRequest,
  ): Promise<Answer> {
    if (!this.isReady) return Promise.reject(new TransportError(subgraph, 'broken'));
    const isTry = this.#state === 'open';
    if (isTry) this.#state = 'trying';
    return follow(call(request), isTry, this.#answered, this.#failedWith);
  }

  readonly #answered = <Answer extends { readonly status: number }>(
    response: Answer,
    isTry: boolean,
  ): Answer => {
    if (response.status < 500) this.#worked(isTry);
    else this.#failed(isTry, { status: response.status });
    return response;
  };

  readonly #failedWith = (error: unknown, isTry: boolean): never => {
    if (isFailure(error)) this.#failed(isTry, error);
    // An aborted probe shows nothing about the endpoint, so the next call probes it.
    else if (isTry) this.#state = 'open';
    throw error;
  };

  #worked(isTry: boolean): void {
    if (this.#state === 'closed') this.#sample.success(CircuitState.Closed);
    else if (isTry) {
      this.#state = 'closed';
      this.#sample.success(CircuitState.HalfOpen);
      this.#onChange('closed');
    }
  }

  /** Failures of calls that were sent before the breaker opened are ignored. */
  #failed(isTry: boolean, reason: unknown): void {
    const opens = this.#state === 'closed' && this.#sample.failure(CircuitState.Closed);
    if (!opens && !isTry) return;
    this.#state = 'open';
    this.#triesAgainAt = performance.now() + this.#pause;
    if (opens) this.#onChange('open', reason);
  }
}

/** Whether a failed call counts as a failure of the endpoint. A call aborted by its client does not. */
const isFailure = (error: unknown): boolean => error instanceof TransportError && failures.has(error.failure);

const failures = new Set<TransportError['failure']>([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
  'not-http',
  'timeout',
]);
