import { type KeySchema } from './table-definition';

/** The attributes that are an item's key, with their values. */
export type ItemKey = Record<string, string>;

/** The key attributes alone; `undefined` when no item can have this key, which DynamoDB answers with an error. */
export function pickKey({ partitionKey, sortKey }: KeySchema, from: object): ItemKey | undefined {
  const key: ItemKey = {};
  for (const attribute of sortKey === undefined ? [partitionKey] : [partitionKey, sortKey]) {
    const value = (from as Record<string, unknown>)[attribute];
    if (!isKeyValue(value)) return undefined;
    key[attribute] = value;
  }
  return key;
}

/** DynamoDB refuses empty keys and long ones; one of them in a batch would fail the whole batch. */
export function isKeyValue(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 1024;
}

/** The key as one string, to look items up by. */
export function keyText({ partitionKey, sortKey }: KeySchema, item: Record<string, unknown>): string {
  return JSON.stringify([item[partitionKey], sortKey === undefined ? null : item[sortKey]]);
}
