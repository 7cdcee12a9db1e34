import type { Options } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { DomainEvent } from './domain-event';
import { beginningOf, compileScalars, compileTemplate, type Scalar } from './event-path';

type DropOptions = Options['events']['types'][string]['drop'];

/** What an event drops from the caches; undefined for nothing. Throws a `BadEvent` where a value of a key is missing. */
export type DropsOf = (event: DomainEvent) => Invalidation | undefined;

/** The most entities, or tags, that one event drops one by one. */
const most = 1000;

/** Compiles what the events of a type drop. */
export function compileDrops({ entities, tags, types, subgraphs }: DropOptions): DropsOf {
  const keys = entities.map(({ type, key }) => ({ type, keysOf: compileKey(type, key) }));
  const templates = tags.map((template) => ({ template, textsOf: compileTemplate(template) }));
  return (event) => {
    const dropped = { entities: [] as Entity[], tags: [] as string[], types: [...types] };
    for (const { type, keysOf } of keys) {
      const found = keysOf(event);
      if (dropped.entities.length + found.length > most) dropped.types.push(type);
      else dropped.entities.push(...found.map((key) => ({ type, key: { ...key } })));
    }
    for (const { template, textsOf } of templates) {
      const found = textsOf(event);
      if (dropped.tags.length + found.length > most) dropped.tags.push(`${beginningOf(template)}*`);
      else dropped.tags.push(...found);
    }
    return asInvalidation({ ...dropped, subgraphs });
  };
}

type Entity = NonNullable<Invalidation['entities']>[number];

/** What events of a type may have dropped while none was heard; undefined for nothing. */
export function dropsOfMissed({ entities, tags, types, subgraphs }: DropOptions): Invalidation | undefined {
  return asInvalidation({
    entities: [],
    tags: tags.map((tag) => (tag.includes('{') ? `${beginningOf(tag)}*` : tag)),
    types: [...types, ...entities.map(({ type }) => type)],
    subgraphs,
  });
}

function asInvalidation(all: {
  readonly entities: Entity[];
  readonly tags: readonly string[];
  readonly types: readonly string[];
  readonly subgraphs: readonly string[];
}): Invalidation | undefined {
  const { entities, tags, types, subgraphs } = all;
  if (entities.length + tags.length + types.length + subgraphs.length === 0) return undefined;
  const unique = (names: readonly string[]): string[] => [...new Set(names)];
  return { entities, tags: unique(tags), types: unique(types), subgraphs: unique(subgraphs) };
}

/** The fields of a key, by their paths (`org.id`). */
export type EntityKey = Readonly<Record<string, Scalar>>;

/**
 * Compiles the key of an entity, with `[*]` in at most one field: a key for each item of the list.
 * What it returns throws a `BadEvent` where a value is missing.
 */
export function compileKey(
  type: string,
  key: Readonly<Record<string, string>>,
): (event: DomainEvent) => EntityKey[] {
  const fields = Object.entries(key).map(([field, path]) => ({
    field,
    read: compileScalars(path, `the key of ${type}`),
  }));
  return (event) =>
    fields.reduce<EntityKey[]>(
      (keys, { field, read }) => {
        const values = read(event);
        return keys.flatMap((known) => values.map((value) => ({ ...known, [field]: value })));
      },
      [{}],
    );
}

/** All of them in one; undefined for nothing. */
export function mergeDrops(drops: readonly (Invalidation | undefined)[]): Invalidation | undefined {
  const [first, ...others] = drops.filter((each) => each !== undefined);
  if (others.length === 0) return first;
  const all = [first!, ...others];
  return asInvalidation({
    entities: all.flatMap(({ entities = [] }) => entities),
    tags: all.flatMap(({ tags = [] }) => tags),
    types: all.flatMap(({ types = [] }) => types),
    subgraphs: all.flatMap(({ subgraphs = [] }) => subgraphs),
  });
}
