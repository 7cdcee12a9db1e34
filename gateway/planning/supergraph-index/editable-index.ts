import { remembered } from '../maps';
import {
  type FieldJoin,
  type IndexedField,
  type IndexedKey,
  type IndexedSubgraph,
  type IndexedType,
  type SupergraphIndex,
  type TypeJoin,
} from '.';

/** An index while it is built. */
export interface EditableIndex extends SupergraphIndex {
  readonly subgraphs: IndexedSubgraph[];
  readonly types: ReadonlyMap<string, MutableType>;
}

export interface MutableType extends IndexedType {
  readonly joins: Map<number, MutableJoin>;
  readonly fields: Map<string, MutableField>;
  readonly interfaces: Set<string>;
  readonly implementedIn: Map<string, Set<number>>;
  readonly objects: Map<string, Set<number>>;
  readonly contexts: string[];
}

interface MutableJoin extends TypeJoin {
  readonly keys: IndexedKey[];
  readonly keyFields: Set<string>;
  isInterfaceObject: boolean;
}

export interface MutableField extends IndexedField {
  /** Shared with fields of the same declaration: to change it is to replace it. */
  joins: Map<number, FieldJoin>;
}

export const joinIn = ({ joins }: MutableType, subgraph: number): MutableJoin =>
  remembered(joins, subgraph, () => ({ keys: [], keyFields: new Set(), isInterfaceObject: false }));

export function addKey({ keys, keyFields }: MutableJoin, key: IndexedKey): void {
  keys.push(key);
  for (const item of key.selection) if (item.kind === 'field') keyFields.add(item.name);
}
