import type { Breaker } from './breakers';
import { type Send, type SubgraphRequest, type SubgraphResponse, TransportError } from './transport';

/** One of the places where a subgraph can be called. */
export interface Endpoint {
  readonly send: Send;
  /** Where it stands, such as `eu-central-1a`. */
  readonly zone: string | undefined;
  readonly breaker: Breaker | undefined;
}

/**
 * Calls a subgraph at the best of its endpoints: one whose breaker lets calls through and that has not failed within
 * the last second, in the gateway's own zone, with the fewest calls on their way, in turn. Rejects with a
 * `TransportError` `broken`, without calling, where no breaker lets calls through.
 */
export function chooseEndpoint(
  subgraph: string,
  endpoints: readonly Endpoint[],
  zone: string | undefined,
): Send {
  const [only] = endpoints;
  if (only !== undefined && endpoints.length === 1) return (request) => callAt(only, subgraph, request);
  const places = endpoints.map((endpoint) => new Place(subgraph, endpoint, endpoint.zone === zone));

  let turn = 0;
  return (request) => {
    const now = performance.now();
    turn = (turn + 1) % places.length;
    let best: Place | undefined;
    for (let i = 0; i < places.length; i++) {
      const place = places[(turn + i) % places.length]!;
      if (place.isReady && (best === undefined || place.isBetterThan(best, now))) best = place;
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

class Place {
  readonly #subgraph: string;
  readonly #endpoint: Endpoint;
  readonly #isNear: boolean;
  #onTheirWay = 0;
  #failedAt = -Infinity;

  constructor(subgraph: string, endpoint: Endpoint, isNear: boolean) {
    this.#subgraph = subgraph;
    this.#endpoint = endpoint;
    this.#isNear = isNear;
  }

  get isReady(): boolean {
    return this.#endpoint.breaker?.isReady ?? true;
  }

  isBetterThan(other: Place, now: number): boolean {
    const [works, otherWorks] = [this.#worksAt(now), other.#worksAt(now)];
    if (works !== otherWorks) return works;
    if (this.#isNear !== other.#isNear) return this.#isNear;
    return this.#onTheirWay < other.#onTheirWay;
  }

  call(request: SubgraphRequest): Promise<SubgraphResponse> {
    this.#onTheirWay++;
    return callAt(this.#endpoint, this.#subgraph, request).then(
      (response) => {
        this.#onTheirWay--;
        if (response.status >= 500) this.#failedAt = performance.now();
        return response;
      },
      (error: unknown) => {
        this.#onTheirWay--;
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

/** Milliseconds. */
const avoidFor = 1000;
