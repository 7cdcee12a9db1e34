/** The form of entries and of the clock in DynamoDB items. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Item } from './dynamodb-table';
import type { CacheEntry } from './store';

export interface StoredEntry {
  readonly entry: CacheEntry;
  /** When the look-up began that led to the entry, on the store's clock. */
  readonly since: number;
}

/** Writes the attributes of an entry. @param keptUntil when DynamoDB may delete it, in Unix milliseconds */
export function writeEntry(
  { value, tags, storedAt, freshUntil }: CacheEntry,
  since: string,
  keptUntil: number,
): Item {
  return {
    clock: { N: since },
    content: { B: value },
    tags: { S: JSON.stringify(tags) },
    storedAt: { N: String(storedAt) },
    freshUntil: { N: String(freshUntil) },
    keptUntil: { N: String(keptUntil) },
    expires: { N: seconds(keptUntil) },
  };
}

export function readEntry(item: Item | undefined): StoredEntry | undefined {
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

export function readClock(item: Item | undefined) {
  return {
    tick: numberIn(item?.['tick']),
    /** Entries of look-ups before this tick count as invalidated. */
    floor: numberIn(item?.['floor']),
    prefixes: Object.entries(item?.['prefixes']?.M ?? {}).map(
      ([name, tick]) => [name.slice(1), numberIn(tick)] as const,
    ),
  };
}

/** The name of a prefix in the clock's map. The `=` keeps it from being empty, which DynamoDB does not allow. */
export const named = (prefix: string): string => `=${prefix}`;

export const numberIn = (attribute: AttributeValue | undefined): number => Number(attribute?.N ?? 0);

/** DynamoDB's time to live is in seconds. */
export const seconds = (milliseconds: number): string => String(Math.ceil(milliseconds / 1000));
