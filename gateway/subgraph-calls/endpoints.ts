import type { Breaker } from './breakers';
import { type Send, type SubgraphRequest, type SubgraphResponse, TransportError } from './transport';

/** One endpoint of a subgraph. */
export interface Endpoint {
  readonly send: Send;
  /** Its zone, such as `eu-central-1a`. */
  readonly zone: string | undefined;
  readonly breaker: Breaker | undefined;
}

/**
 * Calls a subgraph at the best of its endpoints: one whose breaker is closed, that has not failed within the last second,
 * in the gateway's own zone, with the fewest calls in flight; equal ones in turn. Rejects with a `TransportError` `broken`,
 * without a call, if no breaker lets calls through.
 */
export function chooseEndpoint(
  subgraph: string,
  endpoints: readonly Endpoint[],
  zone: string | undefined,
): Send {
  const [only] = endpoints;
  if (only !== undefined && endpoints.length === 1) return (request) => callAt(only, subgraph, request);
  const loads = endpoints.map((endpoint) => new EndpointLoad(subgraph, endpoint, endpoint.zone === zone));

  let start = 0;
  return (request) => {
    const now = performance.now();
    start = (start + 1) % loads.length;
    let best: EndpointLoad | undefined;
    for (let i = 0; i < loads.length; i++) {
      const load = loads[(start + i) % loads.length]!;
      if (load.isReady && (best === undefined || load.isBetterThan(best, now))) best = load;
    }
    return best === undefined ? Promise.reject(new TransportError(subgraph, 'broken')) : best.call(request);
  };
}

function callAt(
  { send, breaker }: Endpoint,
  subgraph: string,
  request: SubgraphRequest,
): Promise<SubgraphResponse> {
  return breaker === undefined ? send(request) : breaker.run(subgraph, () => send(request));
}

/** The load and health of an endpoint. */
class EndpointLoad {
  readonly #subgraph: string;
  readonly #endpoint: Endpoint;
  readonly #isNear: boolean;
  #inFlight = 0;
  #failedAt = -Infinity;

  constructor(subgraph: string, endpoint: Endpoint, isNear: boolean) {
    this.#subgraph = subgraph;
    this.#endpoint = endpoint;
    this.#isNear = isNear;
  }

  get isReady(): boolean {
    return this.#endpoint.breaker?.isReady ?? true;
  }

  isBetterThan(other: EndpointLoad, now: number): boolean {
    const [works, otherWorks] = [this.#worksAt(now), other.#worksAt(now)];
    if (works !== otherWorks) return works;
    if (this.#isNear !== other.#isNear) return this.#isNear;
    return this.#inFlight < other.#inFlight;
  }

  call(request: SubgraphRequest): Promise<SubgraphResponse> {
    this.#inFlight++;
    return callAt(this.#endpoint, this.#subgraph, request).then(
      (response) => {
        this.#inFlight--;
        if (response.status >= 500) this.#failedAt = performance.now();
        return response;
      },
      (error: unknown) => {
        this.#inFlight--;
        if (!(error instanceof TransportError && error.failure === 'aborted'))
          this.#failedAt = performance.now();
        throw error;
      },
    );
  }

  #worksAt(now: number): boolean {
    return now - this.#failedAt > avoidFor;
  }
}

/** How long an endpoint counts as failed after a failure, in milliseconds. */
const avoidFor = 1000;
