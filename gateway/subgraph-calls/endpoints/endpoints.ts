import type { Breaker } from './breakers';
import { follow } from '../contract/pending-answer';
import { type SubgraphRequest, TransportError } from '../contract/transport';

/** What a call resolves with: a response, or a subscription that was opened. */
export interface EndpointAnswer {
  /** The HTTP status. */
  readonly status: number;
}
/** A call of a subgraph. */
export type EndpointCall<Answer extends EndpointAnswer> = (request: SubgraphRequest) => Promise<Answer>;

/** One endpoint of a subgraph. */
export interface Endpoint<Answer extends EndpointAnswer> {
  readonly call: EndpointCall<Answer>;
  /** Its zone, such as `eu-central-1a`. */
  readonly zone: string | undefined;
  readonly breaker: Breaker | undefined;
}

/**
 * Calls a subgraph at the best of its endpoints: one whose breaker is closed, that works, in the gateway's own zone, with
 * the fewest calls in flight; equal ones in turn. One that has failed counts as working after a second, for one call, and
 * for all when that call succeeds. Rejects with a `TransportError` `broken`,
 * without a call, if no breaker lets calls through.
 */
export function chooseEndpoint<Answer extends EndpointAnswer>(
  subgraph: string,
  endpoints: readonly Endpoint<Answer>[],
  zone: string | undefined,
): EndpointCall<Answer> {
  const [only] = endpoints;
  if (only !== undefined && endpoints.length === 1) return (request) => callAt(only, subgraph, request);
  const now = endpoints.map((each) => new EndpointLoad(subgraph, each, isNear(each.zone, zone)));
  return chooseLoad(subgraph, { now });
}

const isNear = (its: string | undefined, zone: string | undefined): boolean =>
  its !== undefined && its === zone;

/** An endpoint that is to be called from now on, or to be called still. */
export interface WantedEndpoint<Answer extends EndpointAnswer> {
  /** Equal for what is the same endpoint before and after. */
  readonly key: string;
  readonly zone: string | undefined;
  /** Called if it is new. */
  readonly open: () => OpenEndpoint<Answer>;
}

export interface OpenEndpoint<Answer extends EndpointAnswer> extends Omit<Endpoint<Answer>, 'zone'> {
  /** Called once, when it has been removed and no call is in flight. */
  readonly close: () => void;
}

/** The endpoints of a subgraph that change while it is called. */
export interface LiveEndpoints<Answer extends EndpointAnswer> {
  /** As `chooseEndpoint` does. Rejects with a `TransportError` `nowhere` while there is no endpoint. */
  readonly call: EndpointCall<Answer>;
  /** A removed endpoint gets no new call. One that stays keeps its breaker, and what is known of its calls. */
  replace(wanted: readonly WantedEndpoint<Answer>[]): void;
  /** Closes each endpoint when no call is in flight there. To be called once, instead of another `replace`. */
  readonly end: () => void;
}

export function liveEndpoints<Answer extends EndpointAnswer>(
  subgraph: string,
  zone: string | undefined,
): LiveEndpoints<Answer> {
  let byKey = new Map<string, { readonly load: EndpointLoad<Answer>; readonly close: () => void }>();
  const loads: Loads<Answer> = { now: [] };
  return {
    call: chooseLoad(subgraph, loads),
    replace(wanted) {
      const before = byKey;
      byKey = new Map();
      for (const { key, zone: its, open } of wanted) {
        let opened = before.get(key);
        if (opened === undefined) {
          const { call, breaker, close } = open();
          opened = { load: new EndpointLoad(subgraph, { call, breaker, zone: its }, false), close };
        }
        opened.load.isNear = isNear(its, zone);
        byKey.set(key, opened);
        before.delete(key);
      }
      loads.now = Array.from(byKey.values(), ({ load }) => load);
      for (const { load, close } of before.values()) load.retire(close);
    },
    end() {
      for (const { load, close } of byKey.values()) load.retire(close);
    },
  };
}

interface Loads<Answer extends EndpointAnswer> {
  now: readonly EndpointLoad<Answer>[];
}

function chooseLoad<Answer extends EndpointAnswer>(
  subgraph: string,
  loads: Readonly<Loads<Answer>>,
): EndpointCall<Answer> {
  let start = 0;
  return (request) => {
    const each = loads.now;
    if (each.length === 0) return Promise.reject(new TransportError(subgraph, 'nowhere'));
    const now = performance.now();
    start = (start + 1) % each.length;
    let best: EndpointLoad<Answer> | undefined;
    for (let i = 0; i < each.length; i++) {
      const load = each[(start + i) % each.length]!;
      if (load.isReady && (best === undefined || load.isBetterThan(best, now))) best = load;
    }
    return best === undefined ? Promise.reject(new TransportError(subgraph, 'broken')) : best.call(request);
  };
}

function callAt<Answer extends EndpointAnswer>(
  { call, breaker }: Endpoint<Answer>,
  subgraph: string,
  request: SubgraphRequest,
): Promise<Answer> {
  return breaker === undefined ? call(request) : breaker.run(subgraph, call, request);
}

/** The load and health of an endpoint. */
class EndpointLoad<Answer extends EndpointAnswer> {
  readonly #subgraph: string;
  readonly #endpoint: Endpoint<Answer>;
  isNear: boolean;
  #inFlight = 0;
  #failedAt = -Infinity;
  /** Whether a call is in flight that finds out if it works again. */
  #isProbed = false;
  /** Undefined until it is retired, and once it is closed. */
  #close: (() => void) | undefined;

  constructor(subgraph: string, endpoint: Endpoint<Answer>, isNear: boolean) {
    this.#subgraph = subgraph;
    this.#endpoint = endpoint;
    this.isNear = isNear;
  }

  get isReady(): boolean {
    return this.#endpoint.breaker?.isReady ?? true;
  }

  isBetterThan(other: EndpointLoad<Answer>, now: number): boolean {
    const [works, otherWorks] = [this.#worksAt(now), other.#worksAt(now)];
    if (works !== otherWorks) return works;
    if (this.isNear !== other.isNear) return this.isNear;
    return this.#inFlight < other.#inFlight;
  }

  /** It gets no more calls: closes it when none is in flight. To be called once. */
  retire(close: () => void): void {
    this.#close = close;
    this.#closeIfIdle();
  }

  call(request: SubgraphRequest): Promise<Answer> {
    this.#inFlight++;
    const isProbe = this.#failedAt !== -Infinity && this.#worksAt(performance.now());
    if (isProbe) this.#isProbed = true;
    return follow(callAt(this.#endpoint, this.#subgraph, request), isProbe, this.#answered, this.#failed);
  }

  readonly #answered = (response: Answer, isProbe: boolean): Answer => {
    this.#ended(isProbe);
    if (response.status >= 500) this.#failedAt = performance.now();
    else if (isProbe) this.#failedAt = -Infinity;
    return response;
  };

  readonly #failed = (error: unknown, isProbe: boolean): never => {
    this.#ended(isProbe);
    if (!(error instanceof TransportError && error.failure === 'aborted')) this.#failedAt = performance.now();
    throw error;
  };

  #ended(isProbe: boolean): void {
    this.#inFlight--;
    if (isProbe) this.#isProbed = false;
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#inFlight > 0) return;
    this.#close?.();
    this.#close = undefined;
  }

  /** After a failure, and a second, one call finds out: if many did, each zone that is down would cost many calls a second. */
  #worksAt(now: number): boolean {
    return now - this.#failedAt > avoidFor && !this.#isProbed;
  }
}

/** How long an endpoint counts as failed after a failure, in milliseconds. */
const avoidFor = 1000;
