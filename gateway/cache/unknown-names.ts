import { suggestionList } from 'graphql/jsutils/suggestionList';
import type { EntityFacts } from '../planning';
import type { Invalidation } from '../options/invalidation';
import { readKey } from './tag-formats';
import { fieldsOf } from './tags';

/**
 * The names in an invalidation that are not in the supergraph, as sentences: no answer has such a tag, so nothing would be
 * dropped. Tags and operation names cannot be checked, as subgraphs and clients choose them.
 */
export function unknownNames(
  { types = [], entities = [], subgraphs = [] }: Invalidation,
  facts: EntityFacts,
): string[] {
  const sentences: string[] = [];
  const isKnown = (path: string, what: string, name: string, known: Names): boolean => {
    if (known.has(name)) return true;
    // The nearest of many names takes a while to find.
    const [nearest] = sentences.length < mostSentences ? suggestionList(name, [...known.keys()]) : [];
    const hint = nearest === undefined ? '.' : `; did you mean ${JSON.stringify(nearest)}?`;
    sentences.push(`\`${path}\` must be ${what} of the supergraph, but got: ${JSON.stringify(name)}${hint}`);
    return false;
  };

  const objectTypes = new Set([...facts.fields.keys(), ...facts.objects.keys()]);
  // Every answer is of these: they are no tag.
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
