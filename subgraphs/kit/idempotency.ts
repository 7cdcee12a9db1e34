import { type Table } from './table';
import { type Key } from './table-definition';

/** What the client sends so that a repeat has no second effect. */
export interface IdempotentRequest {
  /** The client's key, 1 to 128 characters; else `BAD_USER_INPUT`. */
  readonly key: string;
  /** Whose key it is, usually the identity's id: two callers may choose the same key. */
  readonly scope: string;
  /** What is asked for; the same key with another input is `IDEMPOTENCY_KEY_REUSED`. */
  readonly input: unknown;
}

/** What an item type extends to remember requests in the item that they changed. The kit writes it, nobody else. */
export interface WithRequests {
  readonly requests?: Readonly<Record<string, RememberedRequest>>;
}

export interface RememberedRequest {
  readonly fingerprint: string;
  readonly at: string;
  readonly result?: unknown;
}

export interface Outcome<Result> {
  readonly result: Result;
  /** The request was seen before: `result` is what the first one did, and nothing happened now. */
  readonly repeated: boolean;
}

/** The id that a request gives to what it creates: the same for every repeat, different for everything else. */
export function idOf(_prefix: string, _request: Pick<IdempotentRequest, 'key' | 'scope'>): string {
  throw new Error('not written yet');
}

/**
 * Creates an item once, in one conditional write. The key of the item must come from the request: use {@link idOf}.
 * ```ts
 * const request = { key: idempotencyKey, scope: viewer.id, input };
 * const { result: review } = await createOnce(reviews, request, { id: idOf('r', request), ...input });
 * ```
 */
export async function createOnce<
  Item extends object & WithRequests,
  KeyAttribute extends string,
  IndexName extends string,
>(
  _table: Table<Item, KeyAttribute, IndexName>,
  _request: IdempotentRequest,
  _item: Item,
): Promise<Outcome<Item>> {
  return Promise.reject(new Error('not written yet'));
}

/**
 * Changes an item once: reads it, asks `apply` for what becomes of it, and writes that if nobody changed it in between
 * (else again from the start). `apply` gets `null` when there is no item; what it throws is the answer, nothing is
 * written. The item remembers its last 20 requests and their results.
 */
export async function updateOnce<
  Item extends object & WithRequests,
  KeyAttribute extends string,
  IndexName extends string,
  Result,
>(
  _table: Table<Item, KeyAttribute, IndexName>,
  _key: Key<Item, KeyAttribute>,
  _request: IdempotentRequest,
  _apply: (current: Item | null) => { readonly item: Item; readonly result: Result },
): Promise<Outcome<Result>> {
  return Promise.reject(new Error('not written yet'));
}
