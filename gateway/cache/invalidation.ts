import { z } from 'zod';
import type { Store } from './store';
import { formatsOf } from './tag-formats';
import { entityTag, operationTag, subgraphTag, typeTag, unknownOf } from './tags';

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
const list = z
  .array(text, { error: 'must be a list of texts' })
  .max(1_000, { error: 'must not be longer than 1000' });

/** What is to be dropped: what has any of these. */
export const invalidationSchema = z
  .strictObject(
    {
      /** As they stand; `product-*` stands for all that begin with `product-`. */
      tags: list.optional(),
      types: list.optional(),
      /** Entities by their keys. */
      entities: z
        .array(
          z.strictObject(
            {
              type: text,
              key: z
                .record(z.string(), z.json(), { error: 'must be a map of key fields' })
                .refine((key) => Object.keys(key).length > 0, { error: 'must have a field' }),
            },
            { error: 'must be a map of `type` and `key`' },
          ),
          { error: 'must be a list' },
        )
        .max(1_000, { error: 'must not be longer than 1000' })
        .optional(),
      subgraphs: list.optional(),
      /** What operation names begin with. */
      operations: list.optional(),
    },
    { error: 'must be a map' },
  )
  .refine((invalidation) => Object.values(invalidation).some((items) => (items?.length ?? 0) > 0), {
    error: 'must name at least one of `tags`, `types`, `entities`, `subgraphs` and `operations`',
  });

export type Invalidation = z.output<typeof invalidationSchema>;

/**
 * Where events come from that make cached answers old: an event bus, a change stream. One is given to `startGateway`.
 */
export interface InvalidationSource {
  /**
   * Begins to listen. `invalidate` resolves when no gateway finds what was named in the store any more; it rejects
   * when that is not sure, so that the event has to be delivered again, and with a `RangeError` for what names nothing,
   * or something that the supergraph does not have.
   */
  start(invalidate: (invalidation: Invalidation) => Promise<void>): void | Promise<void>;
  stop(): Promise<void>;
}

/** An invalidation names what the supergraph does not have: its message says what. Nothing is dropped. */
export class UnknownNames extends RangeError {
  override readonly name = 'UnknownNames';
}

/** Checks what an event names, and drops it. */
export function invalidateNamed(
  invalidate: (invalidation: Invalidation) => Promise<void>,
): (invalidation: Invalidation) => Promise<void> {
  return async (invalidation) => {
    const { data, error } = invalidationSchema.safeParse(invalidation);
    if (data === undefined)
      throw new RangeError(`An invalidation ${error.issues.map(({ message }) => message).join('; ')}.`);
    await invalidate(data);
  };
}

/** Drops what has any of the tags, everywhere. Rejects with `StoreUnavailable` when that is not sure. */
export type Invalidate = (tags: readonly string[]) => Promise<void>;

export function createInvalidate(
  store: Store,
  /** The formats of tags that there are now. */
  formats: () => readonly string[] = () => [],
  /** Called when the store has answered, or has not. */
  afterwards: (tags: readonly string[]) => void = () => undefined,
): Invalidate {
  return (tags) => {
    const all = allTags(tags, formats());
    return store.invalidate(all).finally(() => afterwards(all));
  };
}

/** Tags with those that answers have in their place where a value is not known. */
export function allTags(tags: readonly string[], formats: readonly string[]): string[] {
  return [...new Set(tags.flatMap((tag) => [tag, ...unknownOf(tag), ...formatsOf(tag, formats)]))];
}

/** The tags of what an invalidation names. */
export function tagsOf(invalidation: Invalidation): string[] {
  const { tags = [], types = [], entities = [], subgraphs = [], operations = [] } = invalidation;
  return [
    ...tags,
    ...types.map(typeTag),
    ...entities.map(({ type, key }) => entityTag(type, key)),
    ...subgraphs.map(subgraphTag),
    ...operations.map((prefix) => `${operationTag(prefix)}*`),
  ];
}
