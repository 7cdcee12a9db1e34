import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type Clock, type Entry, type Found, type Look, type Store, StoreUnavailable } from './store';
import type { Feed } from './tiered';

export interface DynamoStoreOptions {
  readonly client: DynamoDBClient;
  /** A table with the partition key `pk`, a text, and `expires` as its attribute for the time to live. */
  readonly table: string;
  /** What all keys begin with. */
  readonly prefix: string;
  /** Milliseconds that an entry is kept for at most, whatever it says itself. */
  readonly longest: number;
  /** Milliseconds between two looks at what other gateways have invalidated. */
  readonly proofInterval: number;
  /** Milliseconds within which no other look is asked to refresh an entry. @default 10,000 */
  readonly refreshTime?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Opens the store in the region and at the endpoint that the environment names, where none is given. */
export function createDynamoStore(
  options: Omit<DynamoStoreOptions, 'client'>,
  { endpoint, region }: { readonly endpoint: string | null; readonly region: string | null },
): DynamoStore {
  const client = new DynamoDBClient({
    maxAttempts: 2,
    // Who asks waits no longer than the store's timeout anyway.
    requestHandler: { requestTimeout: 2_000, throwOnRequestTimeout: true },
    ...(endpoint !== null && { endpoint }),
    ...(region !== null && { region }),
  });
  return new DynamoStore({ client, ...options });
}

/**
 * Keeps entries in a table of DynamoDB, for all gateways that use the same prefix. Three kinds of items: entries;
 * markers, which say when a tag was last invalidated; the clock, which counts invalidations. And for those who follow,
 * a log: one item per invalidation.
 *
 * An invalidation moves the clock before it writes markers, and the log comes last. So a look that has the new clock
 * began after what is invalidated had changed, and who reads the log finds the markers there.
 */
export class DynamoStore implements Store {
  readonly #options: Required<DynamoStoreOptions>;

  constructor(options: DynamoStoreOptions) {
    this.#options = { refreshTime: 10_000, now: Date.now, ...options };
  }

  get(keys: readonly string[]): Promise<Look> {
    return ask(async () => {
      const items = await this.#read([this.#clockKey, ...keys.map((key) => this.#entryKey(key))]);
      const clock = readClock(items.get(this.#clockKey));
      const time = this.#options.now();
      const alive = keys.map((key) => {
        const kept = readEntry(items.get(this.#entryKey(key)));
        return kept && time < kept.entry.keptUntil && kept.since >= clock.floor ? kept : undefined;
      });
      const doubtful = alive.filter((kept) => kept !== undefined && kept.since < clock.tick);
      const markers = await this.#read(
        doubtful.flatMap((kept) => kept!.entry.tags.map((tag) => this.#tagKey(tag))),
      );
      const isValid = ({ since, entry: { tags } }: Kept): boolean =>
        since >= clock.tick ||
        (tags.every((tag) => numberIn(markers.get(this.#tagKey(tag))?.['tick']) <= since) &&
          clock.prefixes.every(
            ([prefix, tick]) => tick <= since || !tags.some((tag) => wellFormed(tag).startsWith(prefix)),
          ));
      const entries = await Promise.all(
        alive.map(async (kept, index): Promise<Found | undefined> => {
          if (kept === undefined || !isValid(kept)) return undefined;
          const refresh = time >= kept.entry.freshUntil && (await this.#claimRefresh(keys[index]!, kept));
          return { ...kept.entry, refresh };
        }),
      );
      return { entries, clock: String(clock.tick) };
    });
  }

  set(entries: ReadonlyMap<string, Entry>, clock: Clock): Promise<void> {
    return ask(async () => {
      const { client, table, now, longest } = this.#options;
      const time = now();
      const puts = [...entries]
        .filter(([, { keptUntil, value }]) => keptUntil > time && value.length <= largestValue)
        .map(([key, { value, tags, storedAt, freshUntil, keptUntil: asked }]) => {
          const keptUntil = Math.min(asked, time + longest);
          const put = new PutItemCommand({
            TableName: table,
            Item: {
              pk: { S: this.#entryKey(key) },
              clock: { N: clock },
              content: { B: value },
              tags: { S: JSON.stringify(tags) },
              storedAt: { N: String(storedAt) },
              freshUntil: { N: String(freshUntil) },
              keptUntil: { N: String(keptUntil) },
              expires: { N: seconds(keptUntil) },
            },
            // Who looked later may know better.
            ConditionExpression: 'attribute_not_exists(pk) OR #clock <= :clock',
            ExpressionAttributeNames: { '#clock': 'clock' },
            ExpressionAttributeValues: { ':clock': { N: clock } },
          });
          return held(client.send(put));
        });
      await Promise.all(puts);
    });
  }

  invalidate(tags: readonly string[]): Promise<void> {
    return ask(async () => {
      const tick = await this.#advance();
      const exact = tags.filter((tag) => !tag.endsWith('*'));
      await Promise.all(exact.map((tag) => this.#mark(tag, tick)));
      for (const tag of tags)
        if (tag.endsWith('*')) await this.#markPrefix(wellFormed(tag.slice(0, -1)), tick);
      await this.#write(`log#${tick}`, { tags: { S: JSON.stringify(tags) } }, logTime);
    });
  }

  close(): Promise<void> {
    this.#options.client.destroy();
    return Promise.resolve();
  }

  /** Follows what other gateways invalidate by reading the log. */
  readonly follow: Feed = (follower) => {
    const { proofInterval } = this.#options;
    const stopping = new AbortController();
    const { signal } = stopping;
    let last: number | undefined;
    let gapSince: number | undefined;

    const poll = async (): Promise<void> => {
      const asked = performance.now();
      const { tick } = readClock((await this.#read([this.#clockKey])).get(this.#clockKey));
      if (last === undefined || tick - last > mostLogItems) {
        last = tick;
        follower.missed();
      }
      const keys = Array.from({ length: tick - last }, (_, index) => this.#key(`log#${last! + index + 1}`));
      const items = await this.#read(keys);
      for (const key of keys) {
        const tags = items.get(key)?.['tags']?.S;
        if (tags === undefined) break;
        follower.invalidated(JSON.parse(tags) as string[]);
        last++;
      }
      if (last === tick) gapSince = undefined;
      else if (asked - (gapSince ??= asked) < longestGap) return;
      else {
        // Who moved the clock has not come to write its log.
        last = tick;
        follower.missed();
      }
      follower.proven(asked);
    };
    const polling = (async () => {
      while (!signal.aborted) {
        // What cannot be read proves nothing; memory is not trusted for long then.
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

  /** A key has at most 2048 bytes; a tag may have more. */
  #tagKey(tag: string): string {
    return this.#key(`tag#${createHash('sha256').update(tag).digest('base64url')}`);
  }

  #key(name: string): string {
    return `${this.#options.prefix}#${name}`;
  }

  async #advance(): Promise<number> {
    const { client, table, now } = this.#options;
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: { pk: { S: this.#clockKey } },
        // A clock that starts anew, with a new table, is ahead of any that was before.
        UpdateExpression:
          'SET tick = if_not_exists(tick, :start) + :one, prefixes = if_not_exists(prefixes, :none), #floor = if_not_exists(#floor, :zero)',
        ExpressionAttributeNames: { '#floor': 'floor' },
        ExpressionAttributeValues: {
          ':start': { N: String(now() * 1000) },
          ':one': { N: '1' },
          ':none': { M: {} },
          ':zero': { N: '0' },
        },
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return numberIn(Attributes?.['tick']);
  }

  async #mark(tag: string, tick: number): Promise<void> {
    const { client, table, now, longest } = this.#options;
    await held(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { pk: { S: this.#tagKey(tag) } },
          UpdateExpression: 'SET tick = :tick, expires = :expires',
          ConditionExpression: 'attribute_not_exists(tick) OR tick < :tick',
          ExpressionAttributeValues: {
            ':tick': { N: String(tick) },
            // No entry that it may concern lives longer.
            ':expires': { N: seconds(now() + 2 * longest) },
          },
        }),
      ),
    );
  }

  async #markPrefix(prefix: string, tick: number): Promise<void> {
    const marked = await this.#changeClock({
      UpdateExpression: 'SET prefixes.#prefix = :tick',
      ConditionExpression: 'attribute_not_exists(prefixes.#prefix) OR prefixes.#prefix < :tick',
      ExpressionAttributeNames: { '#prefix': named(prefix) },
      ExpressionAttributeValues: { ':tick': { N: String(tick) } },
    });
    if (marked === undefined) return;
    const { prefixes, floor } = readClock(marked);
    if (prefixes.length <= maxPrefixes) return;
    const [oldest, oldestTick] = prefixes.reduce((least, each) => (each[1] < least[1] ? each : least));
    // Where another gateway was faster, it has made room.
    await this.#changeClock({
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

  /** The clock after the change; undefined when the condition did not hold. */
  async #changeClock(change: ClockChange): Promise<Item | undefined> {
    const { client, table } = this.#options;
    const Key = { pk: { S: this.#clockKey } };
    const update = new UpdateItemCommand({ TableName: table, Key, ReturnValues: 'ALL_NEW', ...change });
    return (await held(client.send(update)))?.Attributes;
  }

  async #write(name: string, attributes: Item, lives: number): Promise<void> {
    const { client, table, now } = this.#options;
    const Item = { ...attributes, pk: { S: this.#key(name) }, expires: { N: seconds(now() + lives) } };
    await client.send(new PutItemCommand({ TableName: table, Item }));
  }

  /** Whether this look is the one that refreshes the entry. */
  async #claimRefresh(key: string, { since }: Kept): Promise<boolean> {
    const { client, table, now, refreshTime } = this.#options;
    const time = now();
    const claim = new UpdateItemCommand({
      TableName: table,
      Key: { pk: { S: this.#entryKey(key) } },
      UpdateExpression: 'SET refreshing = :until',
      ConditionExpression: '#clock = :clock AND (attribute_not_exists(refreshing) OR refreshing <= :now)',
      ExpressionAttributeNames: { '#clock': 'clock' },
      ExpressionAttributeValues: {
        ':clock': { N: String(since) },
        ':now': { N: String(time) },
        ':until': { N: String(time + refreshTime) },
      },
    });
    return (await held(client.send(claim))) !== undefined;
  }

  /** Items by their keys, as they are now. */
  async #read(keys: readonly string[]): Promise<Map<string, Item>> {
    const unique = [...new Set(keys)];
    const items = new Map<string, Item>();
    const chunks = Array.from({ length: Math.ceil(unique.length / batchSize) }, (_, index) =>
      unique.slice(index * batchSize, (index + 1) * batchSize),
    );
    await Promise.all(chunks.map((chunk) => this.#readChunk(chunk, items)));
    return items;
  }

  async #readChunk(keys: readonly string[], items: Map<string, Item>): Promise<void> {
    const { client, table } = this.#options;
    let Keys = keys.map((pk): Item => ({ pk: { S: pk } }));
    for (let attempt = 0; attempt < readAttempts; attempt++) {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }),
      );
      for (const item of Responses?.[table] ?? []) items.set(item['pk']?.S ?? '', item);
      Keys = UnprocessedKeys?.[table]?.Keys ?? [];
      if (Keys.length === 0) return;
      await delay(2 ** attempt * 5);
    }
    throw new Error('DynamoDB left out keys again and again.');
  }
}

type Item = Record<string, AttributeValue>;
type ClockChange = Pick<
  ConstructorParameters<typeof UpdateItemCommand>[0],
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** As many as DynamoDB takes in one `BatchGetItem`. */
const batchSize = 100;
const readAttempts = 4;
/** Bytes. An item may have 400 KiB, keys and tags included. */
const largestValue = 380 * 1024;
/** Each is compared with the tags of an entry that is looked at. */
const maxPrefixes = 100;
/** Milliseconds that the log is kept. */
const logTime = 3_600_000;
/** Who is further behind forgets everything in place of reading it. */
const mostLogItems = 500;
/** Milliseconds after which an invalidation that is not in the log will never be. */
const longestGap = 5_000;

async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  try {
    return await question();
  } catch (error) {
    throw new StoreUnavailable(error);
  }
}

/** Resolves with undefined when the condition of a write did not hold. */
async function held<Output>(write: Promise<Output>): Promise<Output | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

interface Kept {
  readonly entry: Entry;
  readonly since: number;
}

function readEntry(item: Item | undefined): Kept | undefined {
  const value = item?.['content']?.B;
  const tags = item?.['tags']?.S;
  if (item === undefined || value === undefined || tags === undefined) return undefined;
  return {
    since: numberIn(item['clock']),
    entry: {
      value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      tags: JSON.parse(tags) as string[],
      storedAt: numberIn(item['storedAt']),
      freshUntil: numberIn(item['freshUntil']),
      keptUntil: numberIn(item['keptUntil']),
    },
  };
}

function readClock(item: Item | undefined) {
  return {
    tick: numberIn(item?.['tick']),
    /** What is older counts as invalidated. */
    floor: numberIn(item?.['floor']),
    prefixes: Object.entries(item?.['prefixes']?.M ?? {}).map(
      ([name, tick]) => [name.slice(1), numberIn(tick)] as const,
    ),
  };
}

/** The name of a member of a map must not be empty. */
const named = (prefix: string): string => `=${prefix}`;

const numberIn = (attribute: AttributeValue | undefined): number => Number(attribute?.N ?? 0);

const seconds = (milliseconds: number): string => String(Math.ceil(milliseconds / 1000));

/** As it is after it was sent: what is no character is replaced. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
