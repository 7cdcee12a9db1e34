import type { SubgraphEvent, SubgraphRequest } from '../../gateway/subgraph-calls/contract/transport';
import type { OpenEvents } from '../../gateway/subgraph-calls/subscriptions/resume';
import type {
  SubscriptionLease,
  SubscriptionTransport,
} from '../../gateway/subgraph-calls/subscriptions/subscription-transport';
import { HeldSource } from './held-source';

/** A source of events that a gateway has opened at a subgraph. */
export interface HeldUpstream {
  readonly request: SubgraphRequest;
  readonly events: HeldSource<SubgraphEvent>;
}

/** The subgraphs' side of subscriptions, in a test's hands: the `transport` of a gateway. */
class HeldUpstreams implements Pick<SubscriptionTransport, 'lease'> {
  /** In the order in which they were opened; those that are closed, too. */
  readonly opened: HeldUpstream[] = [];
  /** Called before a source opens: it may reject, or wait. */
  accept: (request: SubgraphRequest) => Promise<void> = () => Promise.resolve();

  /** Nothing is opened again that breaks. */
  lease(): SubscriptionLease {
    return { to: () => this.#open, resuming: (_, open) => open, end: () => undefined };
  }

  readonly #open: OpenEvents = async (request) => {
    const upstream = { request, events: new HeldSource<SubgraphEvent>() };
    this.opened.push(upstream);
    await this.accept(request);
    return { status: 200, source: upstream.events };
  };

  get open(): readonly HeldUpstream[] {
    return this.opened.filter(({ events }) => !events.isClosed);
  }

  /** Gives an event with this data to all that are open. */
  give(data: unknown, more: Partial<SubgraphEvent> = {}): void {
    for (const { events } of this.open) events.give(eventOf(data, more));
  }

  reset(): void {
    this.opened.length = 0;
    this.accept = () => Promise.resolve();
  }
}

export const upstreams = new HeldUpstreams();

export const eventOf = (data: unknown, more: Partial<SubgraphEvent> = {}): SubgraphEvent => ({
  status: 200,
  headers: {},
  body: Buffer.from(JSON.stringify({ data })),
  ...more,
});

/** As a subgraph's transport tells that events may be missing. */
export const gapEvent: SubgraphEvent = {
  status: 200,
  headers: {},
  body: Buffer.from('{"data":null,"extensions":{"gap":true}}'),
  isGap: true,
};
