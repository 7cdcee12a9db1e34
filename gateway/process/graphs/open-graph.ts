import type { GraphQLError } from 'graphql';
import { requestError } from '../../errors';
import type { Subscriptions } from '../../graph/subscriptions/subscriptions';
import type { IncomingRequest } from '../../request/incoming-request';
import type { ServedGraph } from '../configuration/served-graph';

/** A graph that is open, or about to be. */
export class OpenGraph {
  /** Outlive options. */
  readonly subscriptions: Subscriptions;
  /** Whether it counts for `graphs.open`: not before it is known to exist. */
  hasRoom = false;
  opened: Promise<ServedGraph> | undefined;
  /** Set once it answers requests. */
  served: ServedGraph | undefined;
  /** Set where it does not. */
  refusal: GraphQLError | undefined;
  /** Requests and subscriptions that run on it, or wait for it. */
  requests = 0;
  /** Milliseconds of `performance.now()`. */
  usedAt = performance.now();
  #waiting: Set<(refusal: GraphQLError | undefined) => void> | undefined = new Set();
  /** Of the bodies of those. */
  #bytes = 0;

  constructor(subscriptions: Subscriptions) {
    this.subscriptions = subscriptions;
  }

  get isIdle(): boolean {
    const isSettled = this.served !== undefined || this.refusal !== undefined;
    return isSettled && this.requests === 0 && this.subscriptions.size === 0;
  }

  /** Keeps it open until a request is over. */
  use(request: IncomingRequest): void {
    this.requests++;
    request.onEnd(() => {
      this.requests--;
      this.usedAt = performance.now();
    });
  }

  wait(request: IncomingRequest, onSettled: (refusal: GraphQLError | undefined) => void): void {
    if (this.#waiting === undefined) onSettled(this.refusal);
    else if (this.#waiting.size >= mostWaiting || this.#bytes + request.received > mostBytes)
      onSettled(overloaded());
    else {
      const waiting = this.#waiting.add(onSettled);
      this.#bytes += request.received;
      request.onEnd(() => {
        if (waiting.delete(onSettled)) this.#bytes -= request.received;
      });
    }
  }

  /** @param refusal undefined once it answers requests */
  settle(refusal: GraphQLError | undefined): void {
    if (refusal !== undefined) this.refuse(refusal);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const each of waiting) each(refusal);
  }

  /** Ends its subscriptions, and refuses what waits for it. */
  refuse(reason: GraphQLError): void {
    this.refusal = reason;
    this.subscriptions.end(() => reason);
  }
}

export const overloaded = (): GraphQLError =>
  requestError('OVERLOADED', {}, { headers: { 'retry-after': '1' } });

/** How the opening of a graph ended, for the metric. */
export function resultOf(refusal: GraphQLError | undefined): string {
  if (refusal === undefined) return 'opened';
  const { code } = refusal.extensions;
  if (code === 'UNKNOWN_GRAPH') return 'unknown';
  return code === 'OVERLOADED' ? 'busy' : 'failed';
}

/** Requests, and bytes of their bodies, that wait for one graph. */
const mostWaiting = 1000;
const mostBytes = 4 * 1024 * 1024;
