import type * as connections from '../../gateway/subgraph-calls/connect';
import type { Source } from '../../gateway/subgraph-calls/contract/source';
import type {
  SubgraphEvent,
  SubgraphRequest,
  Subscribe,
} from '../../gateway/subgraph-calls/contract/transport';
import { HeldSource } from './held-source';

/** A source of events that a gateway has opened at a subgraph. */
export interface HeldUpstream {
  readonly request: SubgraphRequest;
  readonly events: HeldSource<SubgraphEvent>;
}

/**
 * The subgraphs' side of subscriptions, in a test's hands. A test that uses them begins with
 *
 *     jest.mock('../../gateway/subgraph-calls/connect', () =>
 *       jest.requireActual('../support/held-upstreams').inPlaceOfConnect(),
 *     );
 */
class HeldUpstreams {
  /** In the order in which they were opened; those that are closed, too. */
  readonly opened: HeldUpstream[] = [];
  /** Called before a source opens: it may reject, or wait. */
  accept: (request: SubgraphRequest) => Promise<void> = () => Promise.resolve();

  readonly subscribe: Subscribe = async (request): Promise<Source<SubgraphEvent>> => {
    const upstream = { request, events: new HeldSource<SubgraphEvent>() };
    this.opened.push(upstream);
    await this.accept(request);
    return upstream.events;
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

export function inPlaceOfConnect(): typeof connections {
  const actual = jest.requireActual<typeof connections>('../../gateway/subgraph-calls/connect');
  return {
    ...actual,
    connectSubgraphs: (options) => ({
      ...actual.connectSubgraphs(options),
      subscribe: upstreams.subscribe,
    }),
  };
}
