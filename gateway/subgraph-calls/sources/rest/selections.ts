/** What operations select, compiled once for each text and each set of conditions that hold. */
import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  type TypeNode,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { firstFieldsOf } from '../../../../schema/supergraph/sources/selection-map';
import type { SourceField, SourceType } from '../../../../schema/supergraph/sources/source-schema';
import { type ExactJson, type ExactObject, typeOf } from '../../../replay/exact-json';
import { type LeafText, leafOf } from './answer';
import { valueOf } from '../inputs';
import type { Names, RestSource } from './rest-source';

/** An operation with its variables. */
export interface Operation {
  readonly kind: OperationDefinitionNode['operation'];
  readonly variables: ExactObject;
  readonly selection: Selection;
}

/** How values of a type are written. */
export type ValueShape =
  | { readonly kind: 'leaf'; readonly name: string; readonly text: LeafText }
  | { readonly kind: 'list'; readonly item: ValueShape }
  | { readonly kind: 'object'; readonly name: string; readonly names: Names; readonly selection: Selection };

/** How objects of one type are written. */
export interface Shape {
  readonly selection: Selection;
  readonly type: SourceType | undefined;
  readonly names: Names;
  readonly fields: readonly ShapeField[];
  /** Fields of which is made what is selected, and what it is looked up by. */
  readonly needs: readonly string[];
  /** Whether objects may lack what is selected, and can be looked up. */
  readonly mayLack: boolean;
}

export interface ShapeField {
  readonly key: string;
  /** What precedes its value. */
  readonly start: string;
  readonly node: FieldNode;
  readonly selection: Selection;
  /** Undefined for `__typename`, and for what the type lacks. */
  readonly field: SourceField | undefined;
  /** Its name in the object. */
  readonly member: string;
  readonly value: ValueShape | undefined;
  /** The fields that a link or a call is made of. @default undefined: it is neither */
  readonly needs: readonly string[] | undefined;
}

/** Whether an object has what is selected of a field, or what that is made of. */
export function isGiven(
  object: ExactObject,
  { type, names, selection }: Omit<Shape, 'mayLack' | 'needs'>,
  { node: { name }, needs, value }: ShapeField,
): boolean {
  if (name.value === '__typename') return true;
  const members = needs ?? [name.value];
  if (names === 'json') return members.every((each) => type!.fields.has(each));
  if (!members.every((each) => Object.hasOwn(object, each))) return false;
  return (
    needs !== undefined || (value !== undefined && isWhole(object[name.value]!, value, selection.source))
  );
}

/** Whether a value with names of the graph has all that is selected. */
function isWhole(json: ExactJson, shape: ValueShape, source: RestSource): boolean {
  if (json === null || shape.kind === 'leaf') return true;
  if (shape.kind === 'list')
    return Array.isArray(json) && json.every((each) => isWhole(each as ExactJson, shape.item, source));
  const type =
    typeOf(json) === 'object' ? source.typeOf(json as ExactObject, shape.name, 'graph') : undefined;
  return type !== undefined && isComplete(json as ExactObject, shape.selection.shapeOf(type, 'graph'));
}

export const isComplete = (object: ExactObject, shape: Shape): boolean =>
  shape.fields.every((field) => isGiven(object, shape, field));

interface ReadOperation extends Pick<Operation, 'kind'> {
  readonly defaults: ExactObject;
  /** The variables of conditions. */
  readonly conditions: ReadonlySet<string>;
  readonly select: (holding: ReadonlySet<string>) => Selection;
  /** By the conditions that hold. */
  readonly selections: Map<string, Selection>;
}

const mostSelections = 64;

export class Operations {
  readonly #source: RestSource;
  readonly #known = new LRUCache<string, ReadOperation>({ max: 2_000 });

  constructor(source: RestSource) {
    this.#source = source;
  }

  of(text: string, given: ExactObject): Operation {
    let read = this.#known.get(text);
    if (read === undefined) this.#known.set(text, (read = this.#read(text)));
    const { kind, defaults, conditions, selections, select } = read;
    const variables = { ...defaults, ...given };
    const holding = new Set([...conditions].filter((name) => variables[name] === true));
    const key = [...holding].join();
    let selection = selections.get(key);
    if (selection === undefined) {
      if (selections.size === mostSelections) selections.clear();
      selections.set(key, (selection = select(holding)));
    }
    return { kind, variables, selection };
  }

  #read(text: string): ReadOperation {
    const document = parse(text, { noLocation: true });
    const defaults: Record<string, ExactJson> = {};
    const conditions = new Set<string>();
    visit(document, {
      Directive({ arguments: [condition] = [] }) {
        if (condition?.value.kind === Kind.VARIABLE) conditions.add(condition.value.name.value);
      },
      VariableDefinition({ variable, defaultValue }) {
        if (defaultValue !== undefined) defaults[variable.name.value] = valueOf(defaultValue, {})!;
      },
    });
    const [operation, ...others] = document.definitions as [
      OperationDefinitionNode,
      ...FragmentDefinitionNode[],
    ];
    const fragments = new Map(others.map((each) => [each.name.value, each]));
    const { operation: kind, selectionSet } = operation;
    const select = (holding: ReadonlySet<string>) =>
      new Selection({ source: this.#source, fragments, holding }, [selectionSet]);
    return { kind, defaults, conditions, select, selections: new Map() };
  }
}

interface Scope {
  readonly source: RestSource;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The variables of conditions that are true. */
  readonly holding: ReadonlySet<string>;
}

/** What is selected of the objects at one position. */
export class Selection {
  readonly source: RestSource;
  readonly #scope: Scope;
  readonly #sets: readonly SelectionSetNode[];
  readonly #shapes = { json: new Map<unknown, Shape>(), graph: new Map<unknown, Shape>() };

  constructor(scope: Scope, sets: readonly SelectionSetNode[]) {
    this.source = scope.source;
    this.#scope = scope;
    this.#sets = sets;
  }

  /** @param type undefined for what no source has: `_entities` */
  shapeOf(type: SourceType | undefined, names: Names): Shape {
    let shape = this.#shapes[names].get(type);
    if (shape === undefined) this.#shapes[names].set(type, (shape = this.#compile(type, names)));
    return shape;
  }

  #compile(type: SourceType | undefined, names: Names): Shape {
    const byKey = new Map<string, FieldNode[]>();
    for (const set of this.#sets) this.#gather(set, type?.graphName, byKey);
    const fields = Array.from(byKey, ([key, nodes], i) => {
      const start = `${i === 0 ? '{' : ','}"${key}":`;
      return { key, start, ...this.#field(nodes, type, names) };
    });
    const lookups = this.source.lookupsOf(type?.graphName);
    const shape = { selection: this, type, names, fields };
    const mayLack =
      lookups.length > 0 &&
      (names === 'graph' ||
        (type!.name !== type!.graphName && fields.some((each) => !isGiven({}, shape, each))));
    return { ...shape, needs: [...fields, ...lookups].flatMap(({ needs = [] }) => needs), mayLack };
  }

  #field(
    nodes: readonly FieldNode[],
    type: SourceType | undefined,
    names: Names,
  ): Omit<ShapeField, 'key' | 'start'> {
    const node = nodes[0]!;
    const name = node.name.value;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const selection = new Selection(this.#scope, sets);
    // What is made of a summary's values may be declared at its entity.
    const field =
      type?.fields.get(name) ?? this.source.schema.types.get(type?.graphName ?? '')?.fields.get(name);
    const from = field?.from === undefined ? undefined : this.source.rootField(field.from);
    const isMade = from !== undefined || field?.derived !== undefined;
    const maps = Array.from(field?.arguments.values() ?? [], ({ require }) => require ?? []).flat();
    return {
      ...{ node, selection, field },
      member: field && names === 'json' ? field.jsonName : name,
      value:
        field &&
        this.#value((from ?? field).type, selection, from ? 'json' : field.derived ? 'graph' : names),
      needs: isMade ? (field?.derived ? [field.derived] : maps).flatMap(firstFieldsOf) : undefined,
    };
  }

  #value(type: TypeNode, selection: Selection, names: Names): ValueShape {
    if (type.kind === Kind.NON_NULL_TYPE) return this.#value(type.type, selection, names);
    if (type.kind === Kind.LIST_TYPE) return { kind: 'list', item: this.#value(type.type, selection, names) };
    const name = type.name.value;
    if (this.source.schema.types.has(name)) return { kind: 'object', name, names, selection };
    return { kind: 'leaf', name, text: leafOf(name, this.source.enumValues(name, names)) };
  }

  /** Conditions on types have names of the graph. */
  #gather(
    { selections }: SelectionSetNode,
    typename: string | undefined,
    to: Map<string, FieldNode[]>,
  ): void {
    for (const each of selections) {
      if (!this.#isIncluded(each.directives)) continue;
      if (each.kind === Kind.FIELD) {
        const key = each.alias?.value ?? each.name.value;
        to.set(key, [...(to.get(key) ?? []), each]);
        continue;
      }
      const fragment =
        each.kind === Kind.FRAGMENT_SPREAD ? this.#scope.fragments.get(each.name.value)! : each;
      const condition = fragment.typeCondition?.name.value;
      if (condition === undefined || this.source.isOf(typename, condition))
        this.#gather(fragment.selectionSet, typename, to);
    }
  }

  #isIncluded(directives: readonly DirectiveNode[] = []): boolean {
    return directives.every(({ name, arguments: [condition] = [] }) => {
      if (condition === undefined || (name.value !== 'include' && name.value !== 'skip')) return true;
      const { value } = condition;
      const holds =
        value.kind === Kind.VARIABLE
          ? this.#scope.holding.has(value.name.value)
          : value.kind === Kind.BOOLEAN && value.value;
      return holds === (name.value === 'include');
    });
  }
}
