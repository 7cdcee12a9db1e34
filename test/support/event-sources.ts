import { type EventSource, memoryEventSource } from '../../subgraphs/kit';

/** Every event source. Each keeps `kept` events. */
export const eventSources: [string, (options: { kept: number }) => EventSource][] = [
  ['in memory', memoryEventSource],
];
