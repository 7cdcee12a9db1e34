import { type Invalidation, invalidationSchema } from '../options/invalidation';
import type { Store } from './stores/store';
import { formatsOf } from './tag-formats';
import { entityTag, operationTag, subgraphTag, typeTag, unknownOf } from './tags';

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
