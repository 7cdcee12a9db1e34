/**
 * Classes of object types that behave alike: for what is selected of them, all subgraphs declare the same of their fields and
 * keys. One type of a class is solved for all of it, so that an interface of many types costs as much as one of few.
 */
import { mapIn, remembered } from '../maps';
import { conditionsKey, type SelectedField, type Selection } from '../selections';
import { type IndexedType, knownAs, type SupergraphIndex } from '../supergraph-index';
import { type Search } from './search';
import { type SourceList } from './sources';

export interface TypeClass {
  readonly types: readonly IndexedType[];
  readonly fields: readonly SelectedField[];
  readonly sources: SourceList;
}

/** The classes of which something is selected. */
export function classesOf(
  search: Search,
  type: IndexedType,
  possible: readonly IndexedType[],
  selection: Selection,
  sources: SourceList,
): TypeClass[] {
  const classes = new Map<string, TypeClass & { types: IndexedType[] }>();
  const keys = new Map<readonly SelectedField[], ReturnType<typeof keyOf>>();
  const numbers = new Map<object, number>();
  for (const object of possible) {
    const fields = search.flattening.fieldsOf(selection, object.name);
    if (fields.length === 0) continue;
    const subgraphs = type.objects.get(object.name)!;
    const holding = sources.list.filter(({ subgraph }) => subgraphs.has(subgraph));
    const { text, names } = remembered(keys, fields, () => keyOf(fields, numbers));
    let key = `${text}|${search.typeFacts.numberOf(object, names)}|`;
    for (const { subgraph } of holding) key += `${subgraph},`;
    // What is provided may be of some types alone.
    const isOwn = holding.some(({ provided }) => provided !== undefined);
    const known = classes.get(key);
    if (known !== undefined && !isOwn) {
      known.types.push(object);
      continue;
    }
    const held = holding.map((source) => (source.as === object ? source : { ...source, as: object }));
    classes.set(isOwn ? `${key}|${object.name}` : key, {
      types: [object],
      fields,
      sources: search.sourceLists.of(held, sources.contexts),
    });
  }
  return [...classes.values()];
}

/** A text that is equal for fields that are selected alike, and their names, each with a comma. */
function keyOf(fields: readonly SelectedField[], numbers: Map<object, number>) {
  let [text, names] = ['', ''];
  for (const field of fields) {
    const { name, selection, responseName, signature, when } = field;
    const number = remembered(numbers, selection ?? field, () => numbers.size);
    text += `${number}:${responseName}:${signature}:${conditionsKey(when)},`;
    names += `${name},`;
  }
  return { text, names };
}

/** What subgraphs declare of types and some of their fields, as numbers that are equal for equal facts. */
export class TypeFacts {
  readonly #known = new Map<string, Map<IndexedType, number>>();
  readonly #numbers = new Map<string, number>();

  constructor(readonly index: SupergraphIndex) {}

  /** @param names of fields, each with a comma */
  numberOf(type: IndexedType, names: string): number {
    return remembered(mapIn(this.#known, names), type, () => {
      const facts = this.#factsOf(type, new Set(names.split(',')));
      return remembered(this.#numbers, facts, () => this.#numbers.size);
    });
  }

  #factsOf(type: IndexedType, names: Set<string>): string {
    // What a context takes of it may require more.
    let facts = type.contexts.length > 0 ? type.name : '';
    for (const [subgraph, { keys }] of type.joins) {
      facts += `|${subgraph}`;
      for (const { text, isResolvable } of keys) facts += `${isResolvable ? '' : '!'}{${text}}`;
    }
    for (const [subgraph, as] of knownAs(this.index, type)) {
      if (as !== type) facts += `|${as.name}@${subgraph}`;
      for (const name of as.joins.get(subgraph)!.keyFields) names.add(name);
    }
    // What a field requires is one of the names, too: the loop also visits those that it adds.
    for (const name of names) {
      const field = type.fields.get(name);
      facts += `|${name}:${field?.type ?? ''}`;
      for (const join of field?.joins.values() ?? []) {
        facts += join.text;
        for (const item of join.requires ?? [])
          if (item.kind === 'field') names.add(item.name);
          else facts += type.name;
      }
    }
    return facts;
  }
}
