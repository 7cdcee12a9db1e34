import { readKey } from '../../schema/supergraph/key-paths';
import type { EntityFacts } from '../planning';
import { subgraphTag, typeTag } from './tags';

/** A tag without values of keys and arguments; undefined where anything may stand in it. */
export type TagWithoutValues = (tag: string) => string | undefined;

/**
 * Tags of subgraphs and types of the supergraph are shown as they are, those of entities without the values of their keys.
 * What looks like one of these and names nothing of the supergraph is of `@cacheTag` or of a response header: these may have
 * any form, also with values of clients.
 */
export function tagsWithoutValues(facts: EntityFacts): TagWithoutValues {
  const { queryType, mutationType, fields, objects, keys, subgraphs } = facts;
  const plain = new Set([
    ...[...subgraphs.keys()].map(subgraphTag),
    ...[queryType, mutationType, ...fields.keys(), ...objects.keys(), ...keys.keys()].map(typeTag),
  ]);
  /** Such as `User:id`, of the fields of keys. */
  const entities = new Set(
    [...keys].flatMap(([type, sets]) =>
      sets.flatMap((set) => readKey(set).map((path) => `${type}:${path.join('.')}`)),
    ),
  );
  return (tag) => {
    if (plain.has(tag)) return tag;
    const equals = tag.indexOf('=');
    const entity = tag.slice(0, Math.max(0, equals));
    if (!entities.has(entity)) return undefined;
    return tag.length === equals + 2 && tag.endsWith('?') ? tag : `${entity}=…`;
  };
}
