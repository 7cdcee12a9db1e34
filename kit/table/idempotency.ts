import { createHash } from 'node:crypto';
import { missing, type Condition } from './condition';
import { badInput, SubgraphError } from '../errors';
import { type Table, type WithNewEvents } from './table';
import { type Key } from './definition';

/** What the client sends so that a repeat has no second effect. */
export interface IdempotentRequest {
  /** The client's key, 1 to 128 characters; else `BAD_USER_INPUT`. */
  readonly key: string;
  /** The owner of the key, usually the identity's id: two callers may choose the same key. */
  readonly scope: string;
  /** The input of the mutation. The same key with another input is `IDEMPOTENCY_KEY_REUSED`. */
  readonly input: unknown;
}

/** Extended by item types that remember the requests which changed them. Only the kit writes these attributes. */
export interface WithRequests {
  readonly requests?: readonly RememberedRequest[];
  /** Counts the changes by {@link updateOnce}. */
  readonly version?: number;
}

export interface RememberedRequest {
  /** Key and scope, hashed. */
  readonly id: string;
  /** The input, hashed. */
  readonly fingerprint: string;
  readonly result?: unknown;
}

export interface Outcome<Result> {
  readonly result: Result;
  /** Whether the request was seen before: then `result` is the first one's, and nothing was changed now. */
  readonly repeated: boolean;
}

/** Derives the id of the created item from the request: the same for every repeat, different for other requests. */
export function idOf(prefix: string, { key, scope }: Pick<IdempotentRequest, 'key' | 'scope'>): string {
  if (key.length < 1 || key.length > 128) {
    const message = `An idempotency key must have 1 to 128 characters, but this one has ${key.length}.`;
    throw badInput('idempotencyKey', message);
  }
  return prefix + fingerprintOf([scope, key]).slice(0, 22);
}

/**
 * Creates an item once, in one conditional write. The key of the item must come from the request: use {@link idOf}.
 * ```ts
 * const request = { key: idempotencyKey, scope: viewer.id, input };
 * const { result: review } = await createOnce(reviews, request, { id: idOf('r', request), ...input });
 * ```
 * `events` are written with it, once.
 */
export async function createOnce<
  Item extends object & WithRequests,
  KeyAttribute extends string,
  IndexName extends string,
>(
  table: Table<Item, KeyAttribute, IndexName>,
  request: IdempotentRequest,
  item: Item,
  options?: WithNewEvents,
): Promise<Outcome<Item>> {
  const remembered: RememberedRequest = { id: idOf('', request), fingerprint: fingerprintOf(request.input) };
  const written = { ...item, requests: [remembered] };
  if (await table.create(written, options)) return { result: written, repeated: false };

  const existing = await table.get(item as unknown as Key<Item, KeyAttribute>, { consistent: true });
  if (!existing || !findRepeat(existing, remembered)) {
    throw new SubgraphError('CONFLICT', 'Something else has this id already.');
  }
  return { result: existing, repeated: true };
}

/** An item remembers this many requests that changed it. */
const rememberedRequests = 20;
const updateAttempts = 8;

/**
 * Changes an item once: reads it, asks `apply` for what becomes of it, and writes that if nobody changed it in between
 * (else again from the start, at last `CONFLICT`). `apply` gets `null` when there is no item; what it throws is the
 * answer and nothing is written. The `events` that it returns are written with the item. The item remembers its last 20 requests and their results; whoever else writes to it
 * must use `updateOnce`, too, or keep its `version` moving.
 */
export async function updateOnce<
  Item extends object & WithRequests,
  KeyAttribute extends string,
  IndexName extends string,
  Result,
>(
  table: Table<Item, KeyAttribute, IndexName>,
  key: Key<Item, KeyAttribute>,
  request: IdempotentRequest,
  apply: (current: Item | null) => { readonly item: Item; readonly result: Result } & WithNewEvents,
): Promise<Outcome<Result>> {
  const remembered: RememberedRequest = { id: idOf('', request), fingerprint: fingerprintOf(request.input) };

  for (let attempt = 0; attempt < updateAttempts; attempt++) {
    const current = await table.get(key, { consistent: true });
    const repeat = current && findRepeat(current, remembered);
    if (repeat) return { result: repeat.result as Result, repeated: true };

    const { item, result, events = [] } = apply(current);
    const requests = [...(current?.requests ?? []), { ...remembered, result }].slice(-rememberedRequests);
    const written = { ...item, requests, version: (current?.version ?? 0) + 1 };
    const condition = (
      current ? { version: current.version ?? missing } : { [table.definition.partitionKey]: missing }
    ) as Condition<Item>;
    if (await table.put(written, { condition, events })) return { result, repeated: false };
  }
  throw new SubgraphError('CONFLICT', 'Too many changes at once; repeat the request.');
}

/** The remembered request of an item. Throws `IDEMPOTENCY_KEY_REUSED` when its input was another. */
function findRepeat(
  item: WithRequests,
  { id, fingerprint }: RememberedRequest,
): RememberedRequest | undefined {
  const repeat = item.requests?.find((request) => request.id === id);
  if (repeat && repeat.fingerprint !== fingerprint) {
    throw new SubgraphError('IDEMPOTENCY_KEY_REUSED', 'This idempotency key was used with another input.', {
      argument: 'idempotencyKey',
    });
  }
  return repeat;
}

/** Hashes JSON with sorted keys and without `undefined`: the same input in another order is the same input. */
export function fingerprintOf(value: unknown): string {
  const sorted = JSON.stringify(value, (_, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)))
      : nested,
  );
  return createHash('sha256').update(sorted).digest('base64url');
}
