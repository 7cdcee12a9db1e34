import { type Invalidation, invalidationSchema } from '../options/invalidation';
import type { InvalidationCause } from '../telemetry/statistics/invalidation-log';
import type { Store } from './stores/store';
import { formatsOf } from './tag-formats';
import { entityTag, operationTag, subgraphTag, typeTag, unknownOf } from './tags';

/** Events that invalidate cached answers, such as a change stream. Passed to `startGateway`. */
export interface InvalidationSource {
  /**
   * Starts listening. `invalidate` resolves when no gateway finds the named entries in the store any more. It rejects
   * if that is not certain; then the event must be delivered again. It rejects with a `RangeError` if the event names
   * nothing, or names that the supergraph does not have.
   */
  start(invalidate: (invalidation: Invalidation) => Promise<void>): void | Promise<void>;
  stop(): Promise<void>;
}

/** An invalidation had names that are not in the supergraph; the message lists them. Nothing was invalidated. */
export class UnknownNames extends RangeError {
  override readonly name = 'UnknownNames';
}

/** Checks the names in an event, and invalidates them. */
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

/** Invalidates all entries with any of the tags, in all gateways. Rejects with `StoreUnavailable` if success is not certain. */
export type Invalidate = (tags: readonly string[], cause: InvalidationCause) => Promise<void>;

export function createInvalidate(
  store: Store,
  /** Returns the current tag formats. */
  formats: () => readonly string[] = () => [],
  /** Called when the store has answered, or failed. */
  afterwards: (tags: readonly string[]) => void = () => undefined,
): (tags: readonly string[]) => Promise<void> {
  return (tags) => {
    const all = allTags(tags, formats());
    return store.invalidate(all).finally(() => afterwards(all));
  };
}

/** Adds the tags that answers have if a value in the tag is not known. */
export function allTags(tags: readonly string[], formats: readonly string[]): string[] {
  return [...new Set(tags.flatMap((tag) => [tag, ...unknownOf(tag), ...formatsOf(tag, formats)]))];
}

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
