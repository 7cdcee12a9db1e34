import { suggestionList } from 'graphql/jsutils/suggestionList';
import type { EntityFacts } from '../planning';
import type { Invalidation } from '../options/invalidation';
import { readKey } from './tag-formats';
import { fieldsOf } from './tags';

/**
 * Describes the names in an invalidation that are not in the supergraph, one sentence each. Such a name would
 * invalidate nothing. Tags and operation names are not checked, as subgraphs and clients choose them.
 */
export function unknownNames(
  { types = [], entities = [], subgraphs = [] }: Invalidation,
  facts: EntityFacts,
): string[] {
  const sentences: string[] = [];
  const isKnown = (path: string, what: string, name: string, known: Names): boolean => {
    if (known.has(name)) return true;
    // Finding the nearest of many names is slow, so only the first sentences have a suggestion.
    const [nearest] = sentences.length < mostSentences ? suggestionList(name, [...known.keys()]) : [];
    const hint = nearest === undefined ? '.' : `; did you mean ${JSON.stringify(nearest)}?`;
    sentences.push(`\`${path}\` must be ${what} of the supergraph, but got: ${JSON.stringify(name)}${hint}`);
    return false;
  };

  const objectTypes = new Set([...facts.fields.keys(), ...facts.objects.keys()]);
  // Root types are in every answer, so they are no tags.
  for (const root of [facts.queryType, facts.mutationType]) objectTypes.delete(root);
  types.forEach((type, i) =>
    isKnown(`types.${i}`, 'an object type (not a root), an interface or a union', type, objectTypes),
  );
  entities.forEach(({ type, key }, i) => {
    if (!isKnown(`entities.${i}.type`, 'a type with a key', type, facts.keys)) return;
    const keys = facts.keys.get(type)!.map((fieldSet) => readKey(fieldSet).map((path) => path.join('.')));
    const given = fieldsOf(key).map(([field]) => field);
    if (keys.some((fields) => sameFields(fields, given))) return;
    const all = keys.map((fields) => fields.join(' and ')).join(', or ');
    sentences.push(
      `\`entities.${i}.key\` must have ${all}, as keys of ${type} do, but has: ${given.join(', ') || 'nothing'}.`,
    );
  });
  subgraphs.forEach((name, i) => isKnown(`subgraphs.${i}`, 'a subgraph', name, facts.subgraphs));

  const more = sentences.length - mostSentences;
  return more > 0 ? [...sentences.slice(0, mostSentences), `And ${more} more.`] : sentences;
}

const mostSentences = 10;

type Names = Pick<ReadonlyMap<string, unknown>, 'has' | 'keys'>;

const sameFields = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((field) => other.includes(field));
