import type { Redis } from 'ioredis';
import { RedisServer, silence } from '../../redis/open-redis';
import type { RedisSettings } from '../../redis/settings';
import type { DomainEventSource, EventBatch, EventReadOptions, ReceivedEvent } from '../source';

export interface RedisStreamsOptions {
  /** The URL of the Redis or Valkey. */
  readonly url: string;
  /** @default none */
  readonly redis?: Omit<RedisSettings, 'url'>;
  readonly stream: string;
  /** The field of an entry that has the event. */
  readonly field: string;
}

/**
 * The events in a stream of Redis (6.2 or newer) or Valkey, a CloudEvent in a field of each entry. Each reader has a connection
 * of its own and reads all of them; positions are the ids of entries.
 */
export function redisStreamsEvents(
  { url, redis: settings, stream, field }: RedisStreamsOptions,
  path: readonly string[] = [],
): DomainEventSource {
  const server = new RedisServer({ url, ...settings }, path);

  async function* read({ after, signal }: EventReadOptions): AsyncIterable<EventBatch> {
    const ending = new AbortController();
    const leave = (): void => ending.abort();
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    try {
      // A server that blocks does not close by itself.
      const redis = await server.open({ key: stream, signal: ending.signal, disconnectTimeout: 50 });
      const isGap = after !== undefined && !(await isKept(redis, stream, after));
      let from = after === undefined || isGap ? await lastIn(redis, stream) : after;
      yield { events: [], position: from, isGap };
      for (;;) {
        const answer = await redis.xreadBuffer('COUNT', atOnce, 'BLOCK', wait, 'STREAMS', stream, from);
        const entries = answer?.[0]?.[1] ?? [];
        from = entries.at(-1)?.[0].toString() ?? from;
        yield {
          events: entries.flatMap((entry) => eventsIn(entry, field)),
          position: from,
          isIdle: answer === null,
        };
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  return { keeps: 'positions', read, close: () => Promise.resolve() };
}

type StreamEntry = [id: Buffer, fields: Buffer[]];

/** Entries of one answer. */
const atOnce = 100;
/** Milliseconds that Redis waits for an entry: less than a silence by which a connection counts as lost. */
const wait = silence / 2;

/** An entry without the field is given as an empty event, so that it is refused. */
function eventsIn([id, fields]: StreamEntry, field: string): ReceivedEvent[] {
  const at = fields.findIndex((each, i) => i % 2 === 0 && each.toString() === field);
  return [{ body: at === -1 ? Buffer.alloc(0) : fields[at + 1]!, position: id.toString() }];
}

/** The id of the last entry that was ever added. */
async function lastIn(redis: Redis, stream: string): Promise<string> {
  const [last] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  return last?.[0] ?? beforeAll;
}

const beforeAll = '0-0';

/** Whether nothing after this entry can have been cut off. */
async function isKept(redis: Redis, stream: string, id: string): Promise<boolean> {
  if (id === beforeAll) return true;
  if (!/^\d{1,20}-\d{1,20}$/.test(id)) return false;
  const found = await redis.xrange(stream, id, id);
  return found.length === 1;
}
