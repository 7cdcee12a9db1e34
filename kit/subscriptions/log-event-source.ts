import { numberOf, UnknownPosition, type EventLog, type LoggedEvent } from '../events/log/event-log';
import { type LogWatch } from '../events/log/log-watch';
import { createLimiter } from '../serve/limiter';
import { BufferedStream } from './buffered-stream';
import { type EventSelection, type EventSource } from './event-source';
import { FanOut, selects, type SelectableEvent } from './fan-out';

export interface LogEventSourceOptions {
  readonly eventLog: EventLog;
  readonly watch: LogWatch;
  /** How many events are replayed to a subscriber, and how many may wait for a slow one. @default 1000 */
  readonly kept?: number;
}

interface Subscriber {
  readonly stream: BufferedStream;
  /** It has the events up to this one. */
  readonly has: number;
}

const pageSize = 100;
/** Replays that read the log at once: after a restart many subscribers come back together. */
const replaysAtOnce = 4;

/**
 * The events of a subgraph's log. Positions are those of the log, so that they outlive the process, and all processes of
 * a subgraph have the same. The log is read once for all subscribers, and not while there is none.
 */
export function logEventSource({ eventLog, watch, kept = 1000 }: LogEventSourceOptions): EventSource {
  const limiter = createLimiter(replaysAtOnce);
  const fanOut = new FanOut<Subscriber>();
  const subscribers = new Set<Subscriber>();
  /** What has been given to all subscribers. Undefined while nobody follows. */
  let follower: { position: string; readonly stop: AbortController } | undefined;

  return {
    async subscribe(selection) {
      const stream = new BufferedStream(kept, () => {
        fanOut.delete(subscriber, selection);
        subscribers.delete(subscriber);
        if (subscribers.size > 0) return;
        follower?.stop.abort();
        follower = undefined;
      });
      let position = await begin(stream, selection);
      const behind = (): boolean =>
        follower !== undefined && numberOf(position) < numberOf(follower.position);
      while (behind()) position = await limiter(() => readOn(stream, selection, position));
      // Nothing is awaited from here on, so that no event is given to the others before this one is among them.
      const subscriber: Subscriber = { stream, has: numberOf(position) };
      subscribers.add(subscriber);
      fanOut.add(subscriber, selection);
      if (!follower) void follow((follower = { position, stop: new AbortController() }));
      return stream;
    },
  };

  /** The position that a stream begins behind. */
  async function begin(stream: BufferedStream, { after }: EventSelection): Promise<string> {
    const head = await eventLog.head();
    if (after === undefined) return head;
    if (after !== '' && (await isKnown(after)) && numberOf(head) - numberOf(after) <= kept) return after;
    stream.markGap();
    return head;
  }

  async function isKnown(position: string): Promise<boolean> {
    try {
      await eventLog.readAll(position, 1);
      return true;
    } catch (error) {
      if (error instanceof UnknownPosition) return false;
      throw error;
    }
  }

  /** Gives a stream the next events. Resolves to its position. */
  async function readOn(stream: BufferedStream, selection: EventSelection, after: string): Promise<string> {
    const page = await eventLog.readAll(after, pageSize);
    for (const logged of page) {
      const event = selectable(logged);
      if (selects(selection, event)) stream.push(logged.position, event.data);
    }
    return page.at(-1)?.position ?? after;
  }

  async function follow(own: NonNullable<typeof follower>): Promise<void> {
    const { signal } = own.stop;
    const isStopped = (): boolean => signal.aborted;
    try {
      while (!isStopped()) {
        const { version } = watch;
        const page = await eventLog.readAll(own.position, pageSize);
        if (isStopped()) return;
        for (const logged of page) {
          own.position = logged.position;
          const number = numberOf(logged.position);
          const event = selectable(logged);
          for (const { stream, has } of fanOut.subscribersOf(event))
            if (number > has) stream.push(logged.position, event.data);
        }
        if (page.length === 0) await watch.change(version, signal);
      }
    } catch (error) {
      if (isStopped()) return;
      for (const { stream } of [...subscribers]) stream.fail(error);
    }
  }
}

const selectable = ({ event: { type, subject, data } }: LoggedEvent): SelectableEvent => ({
  type,
  key: subject,
  data,
});
