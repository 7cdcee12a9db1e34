import { Redis } from 'ioredis';
import { redisStreamsEvents } from '../../gateway/events/sources/redis-streams';
import { subgraphEvents } from '../../gateway/events/sources/subgraph';
import type { DomainEventSource } from '../../gateway/events/source';
import { SubgraphConnections } from '../../gateway/subgraph-calls/connections';
import { startPublisher } from './event-publisher';
import { startRedis } from './redis-server';

/** A source, and the other side of it. */
export interface OpenedSource {
  readonly source: DomainEventSource;
  publish(...bodies: string[]): Promise<void>;
  /** Ends its connections. */
  cut(): Promise<void>;
  stop(): Promise<void>;
}

async function openSubgraph(): Promise<OpenedSource> {
  const publisher = await startPublisher();
  const connections = new SubgraphConnections({});
  const known = { name: 'inventory', urls: [publisher.url], headers: {}, signer: undefined, tls: undefined };
  return {
    source: subgraphEvents({ locate: () => ({ ...known, connections }) }),
    publish: async (...bodies) => publisher.publish(...bodies),
    cut: async () => publisher.cut(),
    stop: () => publisher.stop(),
  };
}

async function openRedis(): Promise<OpenedSource> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const source = redisStreamsEvents({ url: server.url, stream: 'events', field: 'event' });
  return {
    source,
    publish: async (...bodies) => {
      for (const body of bodies) await redis.xadd('events', '*', 'event', body);
    },
    cut: async () => {
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    stop: async () => {
      redis.disconnect();
      await server.stop();
    },
  };
}

/** By the function that creates it. */
export const domainEventSources: readonly [
  name: string,
  create: (...given: never[]) => DomainEventSource,
  open: () => Promise<OpenedSource>,
][] = [
  ['a subgraph', subgraphEvents, openSubgraph],
  ['a Redis stream', redisStreamsEvents, openRedis],
];
