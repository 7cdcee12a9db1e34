import { SubgraphError } from '../errors';
import { type AnyTableDefinition, type KeySchema } from './definition';

/** The attributes that are an item's key, with their values. */
export type ItemKey = Record<string, string>;

/** The largest key of DynamoDB, in bytes of UTF-8. */
const mostBytes = { partition: 2048, sort: 1024 } as const;

/** The key attributes alone. Throws `BAD_USER_INPUT` where no item can have this key. */
export function pickKey({ partitionKey, sortKey }: KeySchema, from: object): ItemKey {
  const values = from as Record<string, unknown>;
  return {
    [partitionKey]: checkKey('partition', partitionKey, values[partitionKey]),
    ...(sortKey !== undefined && { [sortKey]: checkKey('sort', sortKey, values[sortKey]) }),
  };
}

/**
 * Returns the value of a key. Throws `BAD_USER_INPUT` where no item can have it: DynamoDB refuses such a key with an error
 * that clients do not get, and one of them would fail a whole batch.
 */
export function checkKey(kind: keyof typeof mostBytes, attribute: string, value: unknown): string {
  if (typeof value !== 'string')
    throw refusal(attribute, `must be a string, but got: ${value === null ? 'null' : typeof value}`);
  if (value === '') throw refusal(attribute, 'is empty, but must have at least one character');
  const bytes = Buffer.byteLength(value);
  if (bytes > mostBytes[kind])
    throw refusal(attribute, `has ${bytes} bytes, but a ${kind} key has at most ${mostBytes[kind]}`);
  return value;
}

const refusal = (attribute: string, fact: string): SubgraphError =>
  new SubgraphError('BAD_USER_INPUT', `The key "${attribute}" ${fact}.`, { attribute });

/** Throws `BAD_USER_INPUT` where an index that would have the item cannot store its key. */
export function checkIndexKeys({ indexes }: AnyTableDefinition, item: object): void {
  const values = item as Record<string, unknown>;
  for (const index of Object.values(indexes)) {
    const { partitionKey, sortKey = partitionKey } = index;
    if (values[partitionKey] !== undefined && values[sortKey] !== undefined) pickKey(index, item);
  }
}

/** The same for those attributes of an index that a change sets. */
export function checkChangedKeys({ indexes }: AnyTableDefinition, set: object = {}): void {
  const values = set as Record<string, unknown>;
  for (const { partitionKey, sortKey } of Object.values(indexes)) {
    if (values[partitionKey] !== undefined) checkKey('partition', partitionKey, values[partitionKey]);
    if (sortKey !== undefined && values[sortKey] !== undefined) checkKey('sort', sortKey, values[sortKey]);
  }
}

/** The key as one string, to look items up by. */
export function keyText({ partitionKey, sortKey }: KeySchema, item: Record<string, unknown>): string {
  return JSON.stringify([item[partitionKey], sortKey === undefined ? null : item[sortKey]]);
}
