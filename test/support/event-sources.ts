import { type EventSource, memoryEventSource, type PublishedEvent } from '../../kit';
import { watchLog } from '../../kit/events/log/log-watch';
import { logEventSource } from '../../kit/subscriptions/log-event-source';
import { eventOf, openEventDatabase } from './event-logs';

interface OpenedSource {
  readonly source: EventSource;
  readonly publish: (event: PublishedEvent) => Promise<void>;
}

let database: ReturnType<typeof openEventDatabase> | undefined;

/** Every event source. Each keeps `kept` events. */
export const eventSources: [
  string,
  (options: { kept: number }) => Promise<OpenedSource>,
  implementation: (...args: never[]) => EventSource,
][] = [
  [
    'in memory',
    (options) => {
      const source = memoryEventSource(options);
      const publish = (event: PublishedEvent) => {
        source.publish(event);
        return Promise.resolve();
      };
      return Promise.resolve({ source, publish });
    },
    memoryEventSource,
  ],
  [
    'over a log',
    async ({ kept }) => {
      const { source, log: eventLog } = await (await (database ??= openEventDatabase())).newLog();
      const watch = watchLog(eventLog);
      const sequences = new Map<string, number>();
      return {
        source: logEventSource({ eventLog, watch, kept }),
        async publish({ type, key, data }) {
          const sequence = (sequences.get(key) ?? 0) + 1;
          sequences.set(key, sequence);
          await eventLog.append(eventOf(source, key, sequence, { type, data }));
          watch.grown();
        },
      };
    },
    logEventSource,
  ],
];

export async function closeEventSources(): Promise<void> {
  await (await database)?.stop();
}
