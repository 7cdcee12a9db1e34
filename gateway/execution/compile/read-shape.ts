import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { type Conjunction, conjunctionOf, fragmentsOf } from './conditions';
import { type Rewrite } from './plan';
import { renamedKey } from './rewrites';
import { Shape } from './shape';
import { type TypeTable } from './type-table';

/** The shape of `data`. Rewrites are relative to it, or to each entity where `_entities` is selected. */
export function shapeOfOperation(
  document: DocumentNode,
  getsEntities: boolean,
  outputRewrites: readonly Rewrite[] | undefined,
  types: TypeTable,
): Shape {
  const operation = getOperationAST(document);
  if (!operation) throw new Error('A fetch of the query plan holds no operation');
  const type = types.rootTypeOf(operation.operation);
  const part: SelectionPart = { selectionSet: operation.selectionSet, type, path: [], when: [] };
  return new ShapeReader(fragmentsOf(document), outputRewrites, types).shapeOf([part], getsEntities);
}

class ShapeReader {
  constructor(
    readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    readonly outputRewrites: readonly Rewrite[] | undefined,
    readonly types: TypeTable,
  ) {}

  shapeOf(parts: readonly SelectionPart[], isEntities: boolean): Shape {
    const found: CollectedFields = { fields: new Map(), spreads: new Set() };
    for (const part of parts) this.#gather(isEntities ? { ...part, path: undefined } : part, found);
    // Keys that are merged under one name share one shape, with the fields of all.
    const partsByName = new Map<string, SelectionPart[]>();
    for (const { name, parts: below } of found.fields.values())
      partsByName.set(name, [...(partsByName.get(name) ?? []), ...below]);
    const children = new Map<string, Shape | null>();
    for (const [name, below] of partsByName)
      children.set(name, below.length === 0 ? null : this.shapeOf(below, false));
    const shape = new Shape(this.types);
    const sure = parts.map((part) => this.#sureKeys(part.selectionSet, part.type));
    for (const [key, { name, isTypename, alternatives, types }] of found.fields) {
      shape.addField(name, key, isTypename, children.get(name)!, alternatives, types);
      if (sure.every((keys) => keys.has(key))) shape.sure.add(name);
    }
    return shape.seal();
  }

  /** The keys that a selection on a type asks for on all objects, and whose values cannot be null. */
  #sureKeys(
    { selections }: SelectionSetNode,
    type: string | undefined,
    keys = new Set<string>(),
  ): ReadonlySet<string> {
    if (type === undefined) return keys;
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD || selection.directives?.length !== 0) continue;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition: string = selection.typeCondition?.name.value ?? type;
        if (condition === type) this.#sureKeys(selection.selectionSet, type, keys);
        continue;
      }
      const { alias, name } = selection;
      const isSure =
        name.value === '__typename'
          ? this.types.isObject(this.types.idOf(type))
          : this.types.fieldOf(type, name.value)?.isNonNull === true;
      if (isSure) keys.add((alias ?? name).value);
    }
    return keys;
  }

  #gather({ selectionSet, type, path, when }: SelectionPart, found: CollectedFields): void {
    for (const selection of selectionSet.selections) {
      const own = conjunctionOf(selection.directives);
      const here = own.length === 0 ? when : [...when, ...own];
      if (selection.kind === Kind.FIELD) this.#addField(selection, { type, path, when: here }, found);
      else {
        const isSpread = selection.kind === Kind.FRAGMENT_SPREAD;
        const id = isSpread && JSON.stringify([selection.name.value, path, here]);
        if (id !== false && found.spreads.size === found.spreads.add(id).size) continue;
        const fragment = isSpread ? this.fragments.get(selection.name.value)! : selection;
        const on = fragment.typeCondition?.name.value ?? type;
        this.#gather({ selectionSet: fragment.selectionSet, type: on, path, when: here }, found);
      }
    }
  }

  #addField(
    { alias, name, selectionSet }: FieldNode,
    { type, path, when }: Omit<SelectionPart, 'selectionSet'>,
    { fields }: CollectedFields,
  ): void {
    const key = (alias ?? name).value;
    const at = path === undefined ? [] : [...path, key];
    let field = fields.get(key);
    if (field === undefined) {
      const merged = path === undefined ? key : renamedKey(this.outputRewrites, at);
      field = { name: merged, isTypename: true, parts: [], alternatives: [], types: new Set() };
      fields.set(key, field);
    }
    // A fetch from a root type may extend objects of another name.
    field.types.add(path?.length === 0 ? undefined : type);
    // Of some types it may be another field.
    if (name.value !== '__typename') field.isTypename = false;
    if (selectionSet !== undefined) {
      const own = type === undefined ? undefined : this.types.fieldOf(type, name.value);
      field.parts.push({ selectionSet, type: own?.type, path: at, when });
    }
    if (when.length === 0) field.alternatives = [when];
    else if (field.alternatives[0]?.length !== 0) field.alternatives.push(when);
  }
}

/** A selection set, the keys that lead to it in the subgraph's answer, and the conditions around it. */
interface SelectionPart {
  readonly selectionSet: SelectionSetNode;
  /** The type that it selects on; undefined for entities, which can be of any type. */
  readonly type: string | undefined;
  /** Undefined at the root of an `_entities` operation: rewrites do not apply there. */
  readonly path: readonly string[] | undefined;
  readonly when: Conjunction;
}

interface CollectedFields {
  readonly fields: Map<string, CollectedField>;
  /** Spread fragments: each is read once, as nested ones would multiply. */
  readonly spreads: Set<string>;
}

interface CollectedField {
  readonly name: string;
  isTypename: boolean;
  readonly parts: SelectionPart[];
  alternatives: Conjunction[];
  readonly types: Set<string | undefined>;
}
