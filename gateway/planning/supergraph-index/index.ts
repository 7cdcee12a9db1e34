/** What planning needs to know of a supergraph, by numbers of subgraphs. */
import { type Selection } from '../selections';

export interface SupergraphIndex {
  readonly subgraphs: readonly IndexedSubgraph[];
  readonly types: ReadonlyMap<string, IndexedType>;
  readonly roots: Readonly<Record<'query' | 'mutation' | 'subscription', string>>;
  /** The arguments from a context, by the names of their fields. */
  readonly contextual: ReadonlyMap<string, readonly ContextArgument[]>;
  /** The labels of progressive `@override`s. */
  readonly overrideLabels: ReadonlySet<string>;
  /** The names of the directives that may stand on inline fragments, and of those on queries. */
  readonly onFragments: ReadonlySet<string>;
  readonly onQueries: ReadonlySet<string>;
}

export interface IndexedSubgraph {
  /** Its value of `join__Graph`. */
  readonly graph: string;
  readonly name: string;
  readonly url: string;
}

export interface IndexedType {
  readonly name: string;
  readonly kind: 'object' | 'interface' | 'union';
  /** What each subgraph that has the type declares of it. */
  readonly joins: ReadonlyMap<number, TypeJoin>;
  readonly fields: ReadonlyMap<string, IndexedField>;
  readonly interfaces: ReadonlySet<string>;
  /** Of an interface or union: its object types, with the subgraphs in which they are. */
  readonly objects: ReadonlyMap<string, ReadonlySet<number>>;
  /** The contexts that its objects set. */
  readonly contexts: readonly string[];
}

export interface TypeJoin {
  readonly keys: readonly IndexedKey[];
  /** The first fields of its keys. */
  readonly keyFields: ReadonlySet<string>;
  readonly isInterfaceObject: boolean;
}

export interface IndexedKey {
  readonly selection: Selection;
  readonly text: string;
  readonly isResolvable: boolean;
}

export interface IndexedField {
  readonly name: string;
  readonly type: string;
  readonly namedType: string;
  /** What each subgraph that has the field declares of it. */
  readonly joins: ReadonlyMap<number, FieldJoin>;
}

export interface FieldJoin {
  /** Its type in the subgraph, as text. */
  readonly type: string;
  readonly namedType: string;
  readonly isExternal: boolean;
  /** Whether another subgraph resolves it: always, never, or while a label (of a progressive override) is on, or off. */
  readonly overridden: boolean | { readonly label: string; readonly whenOn: boolean };
  readonly requires: Selection | undefined;
  readonly provides: Selection | undefined;
  readonly contextArguments: readonly ContextArgument[];
  readonly text: string;
}

export interface ContextArgument {
  readonly name: string;
  readonly type: string;
  readonly context: string;
  readonly selection: Selection;
  /** The selection as it is written. */
  readonly text: string;
}

/** Whether an object of the type is one of `name`: the same type, or an interface or union of it. */
export function isOfType(index: SupergraphIndex, object: string, name: string): boolean {
  return object === name || index.types.get(name)?.objects.has(object) === true;
}

export const isInterfaceObject = ({ kind, joins }: IndexedType, subgraph: number): boolean =>
  kind === 'interface' && joins.get(subgraph)?.isInterfaceObject === true;

/** As what each subgraph that knows objects of a type knows them: as itself, or as an interface object. */
export function knownAs({ types }: SupergraphIndex, type: IndexedType): ReadonlyMap<number, IndexedType> {
  const known = new Map(Array.from(type.joins.keys(), (subgraph) => [subgraph, type]));
  for (const name of type.kind === 'object' ? type.interfaces : []) {
    const implemented = types.get(name);
    for (const subgraph of implemented?.joins.keys() ?? [])
      if (!known.has(subgraph) && isInterfaceObject(implemented!, subgraph))
        known.set(subgraph, implemented!);
  }
  return known;
}
