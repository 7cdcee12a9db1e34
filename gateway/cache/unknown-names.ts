import { suggestionList } from 'graphql/jsutils/suggestionList';
import type { EntityFacts } from '../planning';
import type { Invalidation } from '../options/invalidation';
import { readKey } from '../../schema/supergraph/key-paths';
import { fieldsOf } from './tags';

/** A name in an invalidation that is not in the supergraph. */
export interface UnknownName {
  /** Where it is in the invalidation. Empty for a message about several names. */
  readonly path: readonly PropertyKey[];
  /** The sentence, without its subject. */
  readonly message: string;
}

/** The sentence about a name. @param within where the invalidation is */
export const sentenceOf = ({ path, message }: UnknownName, within: readonly PropertyKey[] = []): string =>
  path.length === 0 ? message : `\`${[...within, ...path].join('.')}\` ${message}`;

/**
 * Describes the names in an invalidation that are not in the supergraph. Such a name would invalidate nothing. Tags and
 * operation names are not checked, as subgraphs and clients choose them.
 */
export function unknownNames(
  { types = [], entities = [], subgraphs = [] }: Invalidation,
  facts: EntityFacts,
): UnknownName[] {
  const found: UnknownName[] = [];
  const isKnown = (path: UnknownName['path'], what: string, name: string, known: NameSet): boolean => {
    if (known.has(name)) return true;
    // Finding the nearest of many names is slow, so only the first sentences have a suggestion.
    const [nearest] = found.length < mostSentences ? suggestionList(name, [...known.keys()]) : [];
    const hint = nearest === undefined ? '.' : `; did you mean ${JSON.stringify(nearest)}?`;
    const message = `must be ${what} of the supergraph, but got: ${JSON.stringify(name)}${hint}`;
    found.push({ path, message });
    return false;
  };

  const objectTypes = new Set([...facts.fields.keys(), ...facts.objects.keys()]);
  // Root types are in every answer, so they are no tags.
  for (const root of [facts.queryType, facts.mutationType]) objectTypes.delete(root);
  types.forEach((type, i) =>
    isKnown(['types', i], 'an object type (not a root), an interface or a union', type, objectTypes),
  );
  entities.forEach(({ type, key }, i) => {
    if (!isKnown(['entities', i, 'type'], 'a type with a key', type, facts.keys)) return;
    const keys = facts.keys.get(type)!.map((fieldSet) => readKey(fieldSet).map((path) => path.join('.')));
    const given = fieldsOf(key).map(([field]) => field);
    if (keys.some((fields) => sameFields(fields, given))) return;
    const all = keys.map((fields) => fields.join(' and ')).join(', or ');
    const message = `must have ${all}, as keys of ${type} do, but has: ${given.join(', ') || 'nothing'}.`;
    found.push({ path: ['entities', i, 'key'], message });
  });
  subgraphs.forEach((name, i) => isKnown(['subgraphs', i], 'a subgraph', name, facts.subgraphs));

  const more = found.length - mostSentences;
  return more > 0 ? [...found.slice(0, mostSentences), { path: [], message: `And ${more} more.` }] : found;
}

const mostSentences = 10;

type NameSet = Pick<ReadonlyMap<string, unknown>, 'has' | 'keys'>;

const sameFields = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((field) => other.includes(field));
