import type { Options } from '../options';
import type { DomainEventSource } from './source';
import type * as RedisStreams from './sources/redis-streams';
import { sqsEvents } from './sources/sqs';
import { type EventPublisher, subgraphEvents } from './sources/subgraph';

export interface EventSourceTools {
  /** How the gateway connects to a subgraph now; undefined for one that the supergraph does not have. */
  readonly locate: (subgraph: string) => EventPublisher | undefined;
}

/**
 * Opens the sources that the options name. They connect to nothing before they are read.
 *
 * @throws {OptionsError} if a file that the options name cannot be used
 */
export function openEventSources(
  sources: Options['events']['sources'],
  { locate }: EventSourceTools,
): Map<string, DomainEventSource> {
  const open = (name: string, source: Options['events']['sources'][string]): DomainEventSource => {
    switch (source.type) {
      case 'subgraph':
        return subgraphEvents({ locate: () => locate(source.subgraph) });
      case 'redis-streams': {
        // The client is loaded only if it is used, as loading is slow.
        const { redisStreamsEvents } = require('./sources/redis-streams') as typeof RedisStreams;
        return redisStreamsEvents(source, ['events', 'sources', name, 'redis']);
      }
      case 'sqs':
        return sqsEvents(source);
    }
  };
  return new Map(Object.entries(sources).map(([name, source]) => [name, open(name, source)]));
}
