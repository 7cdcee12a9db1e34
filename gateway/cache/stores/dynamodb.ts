/** Over 300 lines: all commands of a store share one table and its clock. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsAgents } from '../../net/outgoing';
import {
  type StoredEntry,
  named,
  numberIn,
  readClock,
  readEntry,
  seconds,
  writeEntry,
} from './dynamodb-items';
import { DynamoTable } from './dynamodb-table';
import { type Clock, type CacheEntry, type CacheHit, type Look, type Store, StoreUnavailable } from './store';
import type { InvalidationFeed } from './tiered';

export interface DynamoStoreOptions {
  readonly client: DynamoDBClient;
  /** A table with the partition key `pk` (a string) and the time-to-live attribute `expires`. */
  readonly table: string;
  readonly prefix: string;
  /** The longest lifetime of an entry, in milliseconds, whatever the entry's own. */
  readonly longest: number;
  /** Milliseconds between two reads of what other gateways have invalidated. */
  readonly proofInterval: number;
  /** Milliseconds in which one look-up alone refreshes an entry. @default 10,000 */
  readonly refreshTime?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

interface TableLocation {
  readonly endpoint: string | null;
  readonly region: string | null;
}

/** Opens the store. Region and endpoint come from the environment if they are not given. */
export const createDynamoStore = (
  options: Omit<DynamoStoreOptions, 'client'>,
  location: TableLocation,
): DynamoStore => new DynamoStore({ client: connect(location), ...options });

/** The first value that anybody proposed under this key. */
export async function agreeInTable(
  { hostname, searchParams }: URL,
  pk: string,
  proposed: string,
): Promise<string> {
  const location = { endpoint: searchParams.get('endpoint'), region: searchParams.get('region') };
  const table = new DynamoTable(connect(location), hostname);
  try {
    const isFirst = { ConditionExpression: 'attribute_not_exists(pk)' };
    await table.put({ pk: { S: pk }, agreed: { S: proposed } }, isFirst);
    return (await table.read([pk])).get(pk)?.['agreed']?.S ?? proposed;
  } finally {
    table.close();
  }
}

const connect = ({ endpoint, region }: TableLocation): DynamoDBClient =>
  new DynamoDBClient({
    maxAttempts: 2,
    // Callers give up after the store's timeout anyway.
    requestHandler: { ...awsAgents(), requestTimeout: 2_000, throwOnRequestTimeout: true },
    ...(endpoint !== null && { endpoint }),
    ...(region !== null && { region }),
  });

/**
 * Keeps entries in a table of DynamoDB, for all gateways that use the same prefix. There are four kinds of items:
 * entries; markers, which hold when a tag was last invalidated; the clock, which counts invalidations; and the log,
 * with one item per invalidation, for other gateways.
 *
 * An invalidation first advances the clock, then writes markers, then the log. So a look-up that has the new clock
 * began after the data had changed, and a gateway that reads the log finds the markers written.
 */
export class DynamoStore implements Store {
  readonly #table: DynamoTable;
  readonly #options: Required<Omit<DynamoStoreOptions, 'client' | 'table'>>;

  constructor({ client, table, ...options }: DynamoStoreOptions) {
    this.#table = new DynamoTable(client, table);
    this.#options = { refreshTime: 10_000, now: Date.now, ...options };
  }

  get(keys: readonly string[]): Promise<Look> {
    return orUnavailable(async () => {
      const items = await this.#table.read([this.#clockKey, ...keys.map((key) => this.#entryKey(key))]);
      const clock = readClock(items.get(this.#clockKey));
      const time = this.#options.now();
      const alive = keys.map((key) => {
        const kept = readEntry(items.get(this.#entryKey(key)));
        return kept && time < kept.entry.keptUntil && kept.since >= clock.floor ? kept : undefined;
      });
      const doubtful = alive.filter((kept) => kept !== undefined && kept.since < clock.tick);
      const markers = await this.#table.read(
        doubtful.flatMap((kept) => kept!.entry.tags.map((tag) => this.#tagKey(tag))),
      );
      const isValid = ({ since, entry: { tags } }: StoredEntry): boolean =>
        since >= clock.tick ||
        (tags.every((tag) => numberIn(markers.get(this.#tagKey(tag))?.['tick']) <= since) &&
          clock.prefixes.every(
            ([prefix, tick]) => tick <= since || !tags.some((tag) => wellFormed(tag).startsWith(prefix)),
          ));
      const entries = await Promise.all(
        alive.map(async (kept, index): Promise<CacheHit | undefined> => {
          if (kept === undefined || !isValid(kept)) return undefined;
          const refresh = time >= kept.entry.freshUntil && (await this.#claimRefresh(keys[index]!, kept));
          return { ...kept.entry, refresh };
        }),
      );
      return { entries, clock: String(clock.tick) };
    });
  }

  set(entries: ReadonlyMap<string, CacheEntry>, clock: Clock): Promise<void> {
    return orUnavailable(async () => {
      const { now, longest } = this.#options;
      const time = now();
      const puts = [...entries]
        .filter(([, { keptUntil, value }]) => keptUntil > time && value.length <= largestValue)
        .map(([key, entry]) =>
          this.#table.put(
            {
              pk: { S: this.#entryKey(key) },
              ...writeEntry(entry, clock, Math.min(entry.keptUntil, time + longest)),
            },
            {
              // An entry of a later look-up is not overwritten, as it may be newer.
              ConditionExpression: 'attribute_not_exists(pk) OR #clock <= :clock',
              ExpressionAttributeNames: { '#clock': 'clock' },
              ExpressionAttributeValues: { ':clock': { N: clock } },
            },
          ),
        );
      await Promise.all(puts);
    });
  }

  invalidate(tags: readonly string[]): Promise<void> {
    return orUnavailable(async () => {
      const tick = await this.#advance();
      const exact = tags.filter((tag) => !tag.endsWith('*'));
      await Promise.all(exact.map((tag) => this.#mark(tag, tick)));
      for (const tag of tags)
        if (tag.endsWith('*')) await this.#markPrefix(wellFormed(tag.slice(0, -1)), tick);
      await this.#table.put({
        pk: { S: this.#key(`log#${tick}`) },
        tags: { S: JSON.stringify(tags) },
        expires: { N: seconds(this.#options.now() + logTime) },
      });
    });
  }

  close(): Promise<void> {
    this.#table.close();
    return Promise.resolve();
  }

  /** Reports invalidations by other gateways, which it reads from the log. */
  readonly follow: InvalidationFeed = (follower) => {
    const { proofInterval } = this.#options;
    const stopping = new AbortController();
    const { signal } = stopping;
    let last: number | undefined;
    let gapSince: number | undefined;

    const poll = async (): Promise<void> => {
      const readAt = performance.now();
      const { tick } = readClock((await this.#table.read([this.#clockKey])).get(this.#clockKey));
      if (last === undefined || tick - last > mostLogItems) {
        last = tick;
        follower.missed();
      }
      const keys = Array.from({ length: tick - last }, (_, index) => this.#key(`log#${last! + index + 1}`));
      const items = await this.#table.read(keys);
      for (const key of keys) {
        const tags = items.get(key)?.['tags']?.S;
        if (tags === undefined) break;
        follower.invalidated(JSON.parse(tags) as string[]);
        last++;
      }
      if (last === tick) gapSince = undefined;
      else if (readAt - (gapSince ??= readAt) < longestGap) return;
      else {
        // The gateway that advanced the clock failed before it wrote its log item.
        last = tick;
        follower.missed();
      }
      follower.proven(readAt);
    };
    const polling = (async () => {
      while (!signal.aborted) {
        // Without a successful read nothing is proven, and entries in memory soon stop being trusted.
        await poll().catch(() => undefined);
        await delay(proofInterval, undefined, { signal, ref: false }).catch(() => undefined);
      }
    })();
    return async () => {
      stopping.abort();
      await polling;
    };
  };

  get #clockKey(): string {
    return this.#key('clock');
  }

  #entryKey(key: string): string {
    return this.#key(`entry#${key}`);
  }

  /** Tags are hashed: a key has at most 2048 bytes, and a tag may have more. */
  #tagKey(tag: string): string {
    return this.#key(`tag#${createHash('sha256').update(tag).digest('base64url')}`);
  }

  #key(name: string): string {
    return `${this.#options.prefix}#${name}`;
  }

  async #advance(): Promise<number> {
    const clock = await this.#table.update(this.#clockKey, {
      // The clock of a new table starts at the current time, ahead of every earlier clock.
      UpdateExpression:
        'SET tick = if_not_exists(tick, :start) + :one, prefixes = if_not_exists(prefixes, :none), #floor = if_not_exists(#floor, :zero)',
      ExpressionAttributeNames: { '#floor': 'floor' },
      ExpressionAttributeValues: {
        ':start': { N: String(this.#options.now() * 1000) },
        ':one': { N: '1' },
        ':none': { M: {} },
        ':zero': { N: '0' },
      },
      ReturnValues: 'UPDATED_NEW',
    });
    return numberIn(clock?.['tick']);
  }

  async #mark(tag: string, tick: number): Promise<void> {
    const { now, longest } = this.#options;
    await this.#table.update(this.#tagKey(tag), {
      UpdateExpression: 'SET tick = :tick, expires = :expires',
      ConditionExpression: 'attribute_not_exists(tick) OR tick < :tick',
      ExpressionAttributeValues: {
        ':tick': { N: String(tick) },
        // No entry that the marker may concern lives longer.
        ':expires': { N: seconds(now() + 2 * longest) },
      },
    });
  }

  async #markPrefix(prefix: string, tick: number): Promise<void> {
    const marked = await this.#table.update(this.#clockKey, {
      ReturnValues: 'ALL_NEW',
      UpdateExpression: 'SET prefixes.#prefix = :tick',
      ConditionExpression: 'attribute_not_exists(prefixes.#prefix) OR prefixes.#prefix < :tick',
      ExpressionAttributeNames: { '#prefix': named(prefix) },
      ExpressionAttributeValues: { ':tick': { N: String(tick) } },
    });
    if (marked === undefined) return;
    const { prefixes, floor } = readClock(marked);
    if (prefixes.length <= maxPrefixes) return;
    const [oldest, oldestTick] = prefixes.reduce((least, each) => (each[1] < least[1] ? each : least));
    // If the condition fails, another gateway has removed the oldest prefix already.
    await this.#table.update(this.#clockKey, {
      UpdateExpression: 'REMOVE prefixes.#prefix SET #floor = :raised',
      ConditionExpression: 'prefixes.#prefix = :tick AND #floor = :floor',
      ExpressionAttributeNames: { '#prefix': named(oldest), '#floor': 'floor' },
      ExpressionAttributeValues: {
        ':tick': { N: String(oldestTick) },
        ':floor': { N: String(floor) },
        ':raised': { N: String(Math.max(floor, oldestTick)) },
      },
    });
  }

  /** Claims the refresh of the entry. Resolves with whether this look-up is the one that refreshes it. */
  async #claimRefresh(key: string, { since }: StoredEntry): Promise<boolean> {
    const { now, refreshTime } = this.#options;
    const time = now();
    const claimed = await this.#table.update(this.#entryKey(key), {
      UpdateExpression: 'SET refreshing = :until',
      // A claim that lasts longer than one from now on is of a gateway whose clock is ahead.
      ConditionExpression:
        '#clock = :clock AND (attribute_not_exists(refreshing) OR refreshing <= :now OR refreshing > :until)',
      ExpressionAttributeNames: { '#clock': 'clock' },
      ExpressionAttributeValues: {
        ':clock': { N: String(since) },
        ':now': { N: String(time) },
        ':until': { N: String(time + refreshTime) },
      },
    });
    return claimed !== undefined;
  }
}

/** The most bytes of a value. An item may have 400 KiB, keys and tags included. */
const largestValue = 380 * 1024;
/** The most prefixes. Each look-up compares all of them with the tags of its entry. */
const maxPrefixes = 100;
/** Milliseconds that log items are kept. */
const logTime = 3_600_000;
/** A gateway that is further behind drops its whole memory instead of reading the log. */
const mostLogItems = 500;
/** Milliseconds after which a missing log item is taken as never written. */
const longestGap = 5_000;

async function orUnavailable<Answer>(command: () => Promise<Answer>): Promise<Answer> {
  try {
    return await command();
  } catch (error) {
    throw new StoreUnavailable(error);
  }
}

/** The text as it arrives at other gateways: lone surrogates are replaced. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
