import type { Identity } from '../../auth/identity';
import type { IncomingRequest } from '../../request/incoming-request';
import { AnswerProvenance } from '../../cache/policy';
import type { Caller, SubgraphEvent } from '../../subgraph-calls/contract/transport';
import type { Span } from '../../telemetry/traces/span';
import { type CallCounts, noCalls } from '../../telemetry/metrics/call-counts';

/** What the events of a subscription need of the client request that began it. */
export interface Subscriber extends Pick<
  Caller,
  'headers' | 'bySubgraph' | 'signedIdentity' | 'scope' | 'tracing' | 'isGone' | 'span'
> {
  readonly identity: Identity;
  readonly head: IncomingRequest['head'];
  readonly graph?: IncomingRequest['graph'];
  /** For fair queues. */
  readonly sender: string;
  /** Milliseconds that the answer to an event may take, and the opening of a source. */
  readonly timeout: number;
}

/** Milliseconds after a deadline: calls end at it by themselves, but an interceptor may hang. */
export const patience = 1000;

/** The caller of the fetches for one event, with a deadline, call counts and answer provenance of its own. */
export class EventCaller implements Caller {
  readonly headers: Caller['headers'];
  readonly bySubgraph: Caller['bySubgraph'];
  readonly identity: Identity;
  readonly signedIdentity: string | undefined;
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly deadline: number;
  /** Without the fetch that opened the source: nobody plans it for an event. */
  readonly calls: CallCounts = { ...noCalls(), planned: -1 };
  readonly provenance = new AnswerProvenance();
  readonly event: object | undefined;
  readonly graph: Subscriber['graph'];
  /** Of the answer to the event, in a trace of its own. */
  span: Span | undefined;
  readonly #isGone: () => boolean;

  /**
   * @param event undefined for the opening of a source
   * @param isGone whether nobody waits for what is fetched. @default the subscriber is gone
   */
  constructor(subscriber: Subscriber, event: SubgraphEvent | undefined, isGone = () => subscriber.isGone) {
    this.headers = subscriber.headers;
    this.bySubgraph = subscriber.bySubgraph;
    this.identity = subscriber.identity;
    this.signedIdentity = subscriber.signedIdentity;
    this.scope = subscriber.scope;
    this.graph = subscriber.graph;
    const { tracing } = subscriber;
    this.tracing = event?.tracing ? { 'x-request-id': tracing['x-request-id']!, ...event.tracing } : tracing;
    this.deadline = performance.now() + subscriber.timeout;
    this.event = event?.cause ?? event;
    this.#isGone = isGone;
  }

  get isGone(): boolean {
    return this.#isGone();
  }
}
