import type { Breaker } from './breakers';
import { type SubgraphRequest, TransportError } from './transport';

/** What a call resolves with: a response, or a subscription that was opened. */
interface Answered {
  /** The HTTP status. */
  readonly status: number;
}
type Call<Answer extends Answered> = (request: SubgraphRequest) => Promise<Answer>;

/** One endpoint of a subgraph. */
export interface Endpoint<Answer extends Answered> {
  readonly call: Call<Answer>;
  /** Its zone, such as `eu-central-1a`. */
  readonly zone: string | undefined;
  readonly breaker: Breaker | undefined;
}

/**
 * Calls a subgraph at the best of its endpoints: one whose breaker is closed, that has not failed within the last second,
 * in the gateway's own zone, with the fewest calls in flight; equal ones in turn. Rejects with a `TransportError` `broken`,
 * without a call, if no breaker lets calls through.
 */
export function chooseEndpoint<Answer extends Answered>(
  subgraph: string,
  endpoints: readonly Endpoint<Answer>[],
  zone: string | undefined,
): Call<Answer> {
  const [only] = endpoints;
  if (only !== undefined && endpoints.length === 1) return (request) => callAt(only, subgraph, request);
  const loads = endpoints.map((endpoint) => new EndpointLoad(subgraph, endpoint, endpoint.zone === zone));

  let start = 0;
  return (request) => {
    const now = performance.now();
    start = (start + 1) % loads.length;
    let best: EndpointLoad<Answer> | undefined;
    for (let i = 0; i < loads.length; i++) {
      const load = loads[(start + i) % loads.length]!;
      if (load.isReady && (best === undefined || load.isBetterThan(best, now))) best = load;
    }
    return best === undefined ? Promise.reject(new TransportError(subgraph, 'broken')) : best.call(request);
  };
}

function callAt<Answer extends Answered>(
  { call, breaker }: Endpoint<Answer>,
  subgraph: string,
  request: SubgraphRequest,
): Promise<Answer> {
  return breaker === undefined ? call(request) : breaker.run(subgraph, () => call(request));
}

/** The load and health of an endpoint. */
class EndpointLoad<Answer extends Answered> {
  readonly #subgraph: string;
  readonly #endpoint: Endpoint<Answer>;
  readonly #isNear: boolean;
  #inFlight = 0;
  #failedAt = -Infinity;

  constructor(subgraph: string, endpoint: Endpoint<Answer>, isNear: boolean) {
    this.#subgraph = subgraph;
    this.#endpoint = endpoint;
    this.#isNear = isNear;
  }

  get isReady(): boolean {
    return this.#endpoint.breaker?.isReady ?? true;
  }

  isBetterThan(other: EndpointLoad<Answer>, now: number): boolean {
    const [works, otherWorks] = [this.#worksAt(now), other.#worksAt(now)];
    if (works !== otherWorks) return works;
    if (this.#isNear !== other.#isNear) return this.#isNear;
    return this.#inFlight < other.#inFlight;
  }

  call(request: SubgraphRequest): Promise<Answer> {
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
