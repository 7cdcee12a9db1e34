import type {
  Discovery,
  DiscoveredEndpoint,
  DiscoveryOptions,
  DiscoveredInstances,
} from '../../discovery/discovery';
import { addressUrl, type Instance } from '../../discovery/resolver';
import type { Options } from '../../options';
import type { Breakers, EndpointName } from './breakers';
import {
  type EndpointAnswer,
  type EndpointCall,
  chooseEndpoint,
  liveEndpoints,
  type OpenEndpoint,
} from './endpoints';
import type { HttpSubgraph, HttpTransport } from '../wire/http';
import { traceSends } from '../interceptors/trace-calls';
import { whenEnded } from '../contract/source';
import type { OpenEvents, OpenedSubscription } from '../subscriptions/resume';
import type {
  SubscribedSubgraph,
  SubscriptionConnections,
  SubscriptionTransport,
} from '../subscriptions/subscription-transport';
import type { SubgraphResponse } from '../contract/transport';

/** What the endpoints of subgraphs are found and called by. */
export interface EndpointParts {
  readonly calls: Pick<Options, 'breaker' | 'zone'>;
  readonly transport: HttpTransport;
  readonly subscriptions: Pick<SubscriptionTransport, 'lease'>;
  /** How connections for subscriptions are opened. */
  readonly connections: SubscriptionConnections;
  readonly breakers: Breakers;
  readonly discovery: Discovery;
  readonly discovering: DiscoveryOptions;
  /** Whether calls of callers with a span are traced. */
  readonly isTraced: boolean;
}

/** Calls at the endpoints of a subgraph, as these are now. */
export interface ConnectedEndpoints<Answer extends EndpointAnswer> {
  readonly call: EndpointCall<Answer>;
  readonly followed: Pick<DiscoveredInstances, 'instances' | 'isFixed' | 'ready'>;
  /** To be called once. Calls in flight end by themselves. */
  readonly end: () => void;
}

/** @throws {RangeError} for a URL that must not be called */
export function connectCalls(
  subgraph: Omit<HttpSubgraph, 'url' | 'address'>,
  endpoints: readonly DiscoveredEndpoint[],
  parts: EndpointParts,
): ConnectedEndpoints<SubgraphResponse> {
  const { name } = subgraph;
  const followed = parts.discovery.follow(name, endpoints, parts.discovering);
  return connect(name, followed, parts, ({ url, address }) => {
    const { send, close } = parts.transport.open({ ...subgraph, url, address });
    const shown = addressUrl({ url, address });
    const { breaker, end } = leaseBreaker({ subgraph: name, url: shown }, parts);
    const call = parts.isTraced ? traceSends(send, { subgraph: name, url: shown, breaker }) : send;
    return { call, breaker, close: () => [end, close].forEach((each) => each()) };
  });
}

/** Subscriptions stay at an endpoint that was removed until it ends them. @throws {RangeError} for a URL that must not be called */
export function connectSubscriptions(
  subgraph: Omit<SubscribedSubgraph, 'url' | 'address'>,
  endpoints: readonly DiscoveredEndpoint[],
  parts: EndpointParts,
): ConnectedEndpoints<OpenedSubscription> {
  const { name } = subgraph;
  const followed = parts.discovery.follow(name, endpoints, parts.discovering);
  return connect(name, followed, parts, ({ url, address }) => {
    const lease = parts.subscriptions.lease(parts.connections);
    const open = lease.to({ ...subgraph, url, address });
    // Of its own: where nothing can be subscribed to, calls may work.
    const shown = `${addressUrl({ url, address })} (subscriptions)`;
    const { breaker, end } = leaseBreaker({ subgraph: name, url: shown }, parts);
    const uses = new Uses(() => {
      end();
      lease.end();
    });
    return {
      breaker,
      call: followed.isFixed ? open : uses.count(open),
      close: () => uses.end(),
    };
  });
}

function connect<Answer extends EndpointAnswer>(
  name: string,
  followed: DiscoveredInstances,
  { calls: { zone } }: EndpointParts,
  open: (instance: Instance) => OpenEndpoint<Answer>,
): ConnectedEndpoints<Answer> {
  if (followed.isFixed) {
    const opened = followed.instances.map((instance) => ({ ...open(instance), zone: instance.zone }));
    const end = (): void => {
      for (const { close } of opened) close();
      followed.end();
    };
    return { call: chooseEndpoint(name, opened, zone), followed, end };
  }
  const live = liveEndpoints<Answer>(name, zone);
  const update = (): void =>
    live.replace(
      followed.instances.map((instance) => ({
        key: addressUrl(instance),
        zone: instance.zone,
        open: () => open(instance),
      })),
    );
  update();
  followed.onChange(update);
  const end = (): void => {
    followed.end();
    live.end();
  };
  return { call: live.call, followed, end };
}

function leaseBreaker(endpoint: EndpointName, { calls, breakers }: EndpointParts) {
  const lease = breakers.lease();
  return {
    breaker: calls.breaker.enabled ? lease.of(endpoint) : undefined,
    end: () => lease.end(),
  };
}

/** Ends something once it is to end and no subscription uses it. */
export class Uses {
  readonly #end: () => void;
  #count = 0;
  #isEnding = false;

  constructor(end: () => void) {
    this.#end = end;
  }

  /** Counts each subscription that is opened, from its beginning until its source ends. */
  count(open: OpenEvents): OpenEvents {
    return async (request) => {
      this.#count++;
      try {
        const opened = await open(request);
        return { ...opened, source: whenEnded(opened.source, () => this.#ended()) };
      } catch (error) {
        this.#ended();
        throw error;
      }
    };
  }

  /** To be called once. */
  end(): void {
    this.#isEnding = true;
    if (this.#count === 0) this.#end();
  }

  #ended(): void {
    this.#count--;
    if (this.#isEnding && this.#count === 0) this.#end();
  }
}
