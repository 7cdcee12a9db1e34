import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { Redis } from 'ioredis';
import { redisStreamsEvents } from '../../gateway/events/sources/redis-streams';
import { sqsEvents } from '../../gateway/events/sources/sqs';
import { subgraphEvents } from '../../gateway/events/sources/subgraph';
import type { DomainEventSource } from '../../gateway/events/source';
import { SubgraphConnections } from '../../gateway/subgraph-calls/endpoints/connections';
import { startPublisher } from './event-publisher';
import { startMoto } from './moto';
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
  const known = {
    name: 'inventory',
    instances: [{ url: publisher.url, address: undefined }],
    headers: {},
    signer: undefined,
    tls: undefined,
  };
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

async function openSqs(): Promise<OpenedSource> {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  const moto = await startMoto();
  const sns = new SNSClient(moto.config);
  const { TopicArn: topic } = await sns.send(
    new CreateTopicCommand({
      Name: 'events.fifo',
      Attributes: { FifoTopic: 'true', ContentBasedDeduplication: 'false' },
    }),
  );
  let id = 0;
  return {
    source: sqsEvents({ topic: topic!, prefix: 'weir', retention: 60_000, endpoint: moto.url, wait: 1 }),
    publish: async (...bodies) => {
      for (const body of bodies) {
        const ids = { MessageGroupId: 'p1', MessageDeduplicationId: String(++id) };
        await sns.send(new PublishCommand({ TopicArn: topic, Message: body, ...ids }));
      }
    },
    // Each request is a connection of its own.
    cut: () => Promise.resolve(),
    stop: async () => {
      sns.destroy();
      await moto.stop();
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
  ['a queue of SQS', sqsEvents, openSqs],
];
