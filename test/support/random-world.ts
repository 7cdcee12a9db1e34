/**
 * One consistent world of data behind a federated graph: what a field of an object is, is a function of the
 * seed, the object, the field and its arguments, whoever asks: the resolvers of the merged schema or those of
 * any subgraph. It is derived from the subgraphs' texts alone, so that a failing graph can be cut down line by
 * line and a regression test needs no data.
 *
 * Fields are null, fail or break their non-null promise at random, but only where federation lets this be seen
 * as in one schema. Never: fields that make up keys (they are unique per entity) or that others require, nor what
 * would take these with it, as one fetch asks for both; and fields whose nullability the subgraphs state differently,
 * because the stricter subgraph would widen a null.
 *
 * Over 300 lines: what holds a world together is read best in one place.
 */
import {
  GraphQLError,
  isTypeDefinitionNode,
  Kind,
  parse,
  print,
  valueFromASTUntyped,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type SelectionSetNode,
  type TypeDefinitionNode,
  type TypeNode,
} from 'graphql';
import { hashOf } from './random-source';

/** A subgraph as it is composed: its name and its schema. */
export interface SubgraphSource {
  readonly name: string;
  readonly typeDefs: string;
}

/** An object of the world. Entities are the same object wherever they are met, values belong to their place. */
export interface WorldObject {
  readonly type: string;
  readonly id: string;
  /** Entities only: which of its type it is. */
  readonly index?: number;
  /** The object that it was reached from, where contexts matter. */
  readonly parent?: WorldObject;
}

/** What changes while one operation runs. */
export interface WorldRun {
  /** Mutation fields executed so far: each sees its place in the order. */
  mutations: number;
  /** Of a subscription: the event that is answered. */
  readonly event?: string | undefined;
}

interface TypeFacts {
  readonly kind: Kind;
  /** Names of `@context`s that the type sets. */
  readonly contexts: Set<string>;
  readonly keys: SelectionSetNode[];
  /** Keys that the subgraph does not resolve. */
  readonly otherKeys: SelectionSetNode[];
  isInterfaceObject: boolean;
  readonly implements: Set<string>;
  readonly members: Set<string>;
  readonly values: Set<string>;
  readonly fields: Map<string, { readonly node: FieldDefinitionNode; readonly directives: Directives }>;
}

type Directives = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

interface FieldFacts {
  readonly type: TypeNode;
  /** Arguments that all these subgraphs know. */
  args: string[];
  /** Where the field is declared, `@external` or not. */
  readonly subgraphs: string[];
  /** The subgraphs agree on the type, so that nulls mean the same everywhere. */
  agreed: boolean;
  /** Part of a key: unique per entity. */
  unique: boolean;
  /** Required by another field: never fails. */
  calm: boolean;
  /** Beside a part of an object that a key or another field requires: never fails where that would null the object. */
  beside: boolean;
  requires: SelectionSetNode | undefined;
  /** Arguments that are fields of an object around. */
  readonly fromContext: ReadonlyMap<
    string,
    { readonly context: string; readonly selection: SelectionSetNode }
  >;
}

export const entitiesPerType = 4;

/** The code of a field that fails. */
export const worldErrorCode = 'WORLD_FAILS';

export class RandomWorld {
  readonly #subgraphs = new Map<string, Map<string, TypeFacts>>();
  readonly #fields = new Map<string, FieldFacts>();
  readonly #entityTypes = new Set<string>();
  /** Object types of each interface and union over all subgraphs. */
  readonly #objectTypesOf = new Map<string, Set<string>>();
  readonly #leavable = new Map<string, boolean>();
  readonly #counts = new Map<string, number>();
  /** Is told which fields of which objects are resolved, but for those that plans need for themselves: keys, and what is required. */
  notes: Set<string> | undefined;

  constructor(
    readonly seed: number,
    subgraphs: readonly SubgraphSource[],
    /** How often fields fail and entities are missing, as a factor; 0: a world where all is well. */
    readonly trouble = 1,
  ) {
    for (const { name, typeDefs } of subgraphs) this.#subgraphs.set(name, readTypes(typeDefs));
    this.#collectTypes();
    this.#collectFields();
  }

  /** Whether the subgraph knows nothing of the entity: it answers null for it, and its own fields are null. */
  isMissing(subgraph: string, object: WorldObject): boolean {
    if (object.index === undefined || !this.#maybeMissing(subgraph, object.type)) return false;
    return this.#chance(0.08 * this.trouble, `missing ${subgraph} ${object.id}`);
  }

  /**
   * The value of a field: as resolvers return it, Errors in it included. Throws where the field fails.
   *
   * @param required what the fields that this one requires are, when a representation told it; undefined: look.
   */
  field(object: WorldObject, name: string, args: object, run: WorldRun, required?: unknown): unknown {
    const facts = this.#factsOf(object.type, name);
    if (!facts.unique && !facts.calm)
      this.notes?.add(`${object.id}.${name}${facts.fromContext.size > 0 ? '' : canonical(args)}`);
    // An argument that not every subgraph knows is nobody's.
    const known = Object.fromEntries(
      Object.entries(args).filter(([argument]) => facts.args.includes(argument)),
    );
    if (facts.subgraphs.length === 1 && this.isMissing(facts.subgraphs[0]!, object) && !facts.unique)
      return null;
    for (const [name, { context, selection }] of facts.fromContext)
      known[name] =
        name in args ? args[name as keyof typeof args] : this.#inContext(object, context, selection, run);
    let place = `${object.id}.${name}${canonical(known)}`;
    if (object.type === 'Mutation') place += `#${run.mutations++}`;
    if (facts.requires) place += canonical(required ?? this.select(object, facts.requires, run));
    if (!facts.agreed && !facts.unique)
      return this.#value(facts, facts.type, object, place, { nulls: 0, errors: 0, broken: 0 });
    const quiet = facts.calm || facts.unique || facts.beside;
    return this.#value(facts, facts.type, object, place, {
      nulls: facts.unique ? 0 : 0.12,
      errors: quiet ? 0 : 0.04 * this.trouble,
      broken: quiet ? 0 : 0.015 * this.trouble,
    });
  }

  /** Whether there are arguments that clients do not give: then objects have to know their parents. */
  get hasContexts(): boolean {
    return [...this.#fields.values()].some((facts) => facts.fromContext.size > 0);
  }

  #inContext(object: WorldObject, context: string, selection: SelectionSetNode, run: WorldRun): unknown {
    for (let around = object.parent; around; around = around.parent)
      for (const types of this.#subgraphs.values())
        if (types.get(around.type)?.contexts.has(context))
          return onlyLeaf(this.select(around, selection, run));
    return null;
  }

  /** The fields of an object as plain data: what a representation holds of them. */
  select(value: unknown, selections: SelectionSetNode, run: WorldRun): unknown {
    if (Array.isArray(value)) return value.map((item) => this.select(item, selections, run));
    if (!isWorldObject(value)) return value;
    const result: Record<string, unknown> = {};
    for (const selection of selections.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        if (condition !== undefined && !this.isOfType(value, condition)) continue;
        Object.assign(result, this.select(value, selection.selectionSet, run));
      } else if (selection.kind === Kind.FIELD && selection.name.value === '__typename') {
        result['__typename'] = value.type;
      } else if (selection.kind === Kind.FIELD) {
        const args = Object.fromEntries(
          (selection.arguments ?? []).map((argument) => [
            argument.name.value,
            valueFromASTUntyped(argument.value),
          ]),
        );
        const field = this.field(
          value,
          selection.name.value,
          this.#withDefaults(value.type, selection.name.value, args),
          run,
        );
        result[selection.name.value] = selection.selectionSet
          ? this.select(field, selection.selectionSet, run)
          : field;
      }
    }
    return result;
  }

  isOfType(object: WorldObject, type: string): boolean {
    return object.type === type || (this.#objectTypesOf.get(type)?.has(object.type) ?? false);
  }

  /** What the subgraph calls the type of an object: an interface's name where it knows only the interface object. */
  typeNameIn(subgraph: string, object: WorldObject): string {
    const types = this.#subgraphs.get(subgraph)!;
    if (types.has(object.type)) return object.type;
    for (const [name, type] of types) if (type.isInterfaceObject && this.isOfType(object, name)) return name;
    return object.type;
  }

  /** The entity that a representation stands for; undefined when no key of it matches one. */
  find(
    subgraph: string,
    representation: Readonly<Record<string, unknown>>,
    run: WorldRun,
  ): WorldObject | undefined {
    const name = String(representation['__typename']);
    const keys = this.#subgraphs.get(subgraph)?.get(name)?.keys ?? [];
    for (const type of this.#objectTypesOf.get(name) ?? [name]) {
      for (let index = 0; index < this.#countOf(type); index++) {
        const entity = entityOf(type, index);
        for (const key of keys) {
          const wanted = project(representation, key);
          if (wanted !== undefined && canonical(wanted) === canonical(this.select(entity, key, run)))
            return entity;
        }
      }
    }
    return undefined;
  }

  /** What the field requires, taken from a representation; undefined: it requires nothing. */
  requiredOf(subgraph: string, type: string, field: string, representation: object | undefined): unknown {
    const requires = requiresOf(this.#subgraphs.get(subgraph)?.get(type)?.fields.get(field)?.directives);
    if (!requires) return undefined;
    return representation ? (project(representation, requires) ?? 'incomplete') : 'not asked';
  }

  /** Object, interface and union types of the subgraph's schema, with the names of their possible types. */
  #possibleTypes(subgraph: string, name: string): string[] {
    const types = this.#subgraphs.get(subgraph)!;
    const type = types.get(name);
    if (!type) return [];
    if (type.isInterfaceObject) return [...(this.#objectTypesOf.get(name) ?? [])];
    if (type.kind === Kind.UNION_TYPE_DEFINITION) return [...type.members];
    if (type.kind === Kind.INTERFACE_TYPE_DEFINITION)
      return [...types].flatMap(([object, facts]) =>
        facts.kind === Kind.OBJECT_TYPE_DEFINITION && facts.implements.has(name) ? [object] : [],
      );
    return [name];
  }

  #value(facts: FieldFacts, type: TypeNode, parent: WorldObject, place: string, odds: Odds): unknown {
    if (this.#chance(odds.errors, `${place} fails`))
      return new GraphQLError(`Nothing can be told of ${parent.type}`, {
        extensions: { code: worldErrorCode },
      });
    if (type.kind === Kind.NON_NULL_TYPE) {
      if (this.#chance(odds.broken, `${place} breaks its promise`)) return null;
      return this.#value(facts, type.type, parent, place, { ...odds, nulls: 0, errors: 0 });
    }
    if (this.#chance(odds.nulls, `${place} is null`)) return null;
    // Within a list, a null is likelier to be seen than a list that is null.
    const below = {
      ...odds,
      nulls: odds.nulls === 0 && facts.unique ? 0 : facts.agreed ? 0.12 : 0,
      errors: odds.errors / 2,
    };
    if (type.kind === Kind.LIST_TYPE) {
      const length = this.#hash(`${place} length`) % 4;
      return Array.from({ length }, (_, i) => this.#value(facts, type.type, parent, `${place}[${i}]`, below));
    }
    return this.#named(facts, type.name.value, parent, place);
  }

  #named(facts: FieldFacts, name: string, parent: WorldObject, place: string): unknown {
    const hash = this.#hash(place);
    if (facts.unique && name === 'Int')
      return parent.index === undefined ? hash % 2 ** 31 : parent.index * 1_000_003;
    if (facts.unique && leaves.has(name)) return `${place}✓`;
    const leaf = leaves.get(name);
    if (leaf) return leaf(hash, place);
    const kinds = facts.subgraphs.map((subgraph) => this.#subgraphs.get(subgraph)!.get(name));
    if (kinds[0]?.kind === Kind.ENUM_TYPE_DEFINITION) {
      const values = common(kinds.map((kind) => [...(kind?.values ?? [])]));
      return values.length > 0 ? values[hash % values.length] : null;
    }
    if (kinds[0]?.kind === Kind.SCALAR_TYPE_DEFINITION) return anyJson[hash % anyJson.length];
    const types = common(facts.subgraphs.map((subgraph) => this.#possibleTypes(subgraph, name)));
    if (types.length === 0) return null;
    const type = types[hash % types.length]!;
    if (!this.#entityTypes.has(type)) return { type, id: `${type}:${hashOf(place).toString(36)}` };
    return entityOf(type, facts.unique ? (parent.index ?? 0) : (hash >>> 8) % this.#countOf(type));
  }

  /** How many entities of a type there are: one, where its key is its type. */
  #countOf(type: string): number {
    let count = this.#counts.get(type);
    if (count === undefined) {
      const keys = [...this.#subgraphs.values()].flatMap((types) => types.get(type)?.keys ?? []);
      count = keys.some((key) => print(key).includes('__typename')) ? 1 : entitiesPerType;
      this.#counts.set(type, count);
    }
    return count;
  }

  #chance(probability: number, what: string): boolean {
    return probability > 0 && this.#hash(what) / 2 ** 32 < probability;
  }

  #hash(what: string): number {
    return hashOf(`${this.seed} ${what}`);
  }

  #factsOf(type: string, field: string): FieldFacts {
    const own = this.#fields.get(`${type}.${field}`);
    if (own) return own;
    for (const [name, types] of this.#objectTypesOf) {
      const facts = types.has(type) ? this.#fields.get(`${name}.${field}`) : undefined;
      if (facts) return facts;
    }
    throw new Error(`No subgraph has a field ${type}.${field}`);
  }

  #withDefaults(type: string, field: string, args: Record<string, unknown>): Record<string, unknown> {
    for (const types of this.#subgraphs.values())
      for (const argument of types.get(type)?.fields.get(field)?.node.arguments ?? [])
        if (argument.defaultValue && !(argument.name.value in args))
          args[argument.name.value] = valueFromASTUntyped(argument.defaultValue);
    return args;
  }

  /**
   * An entity may be missing in a subgraph where that has the same meaning whichever way a plan takes: nobody else
   * resolves, requires or provides the subgraph's fields, it is no bridge between keys, and types do not depend on it.
   */
  #maybeMissing(subgraph: string, type: string): boolean {
    const id = `${subgraph}:${type}`;
    let answer = this.#leavable.get(id);
    if (answer === undefined) this.#leavable.set(id, (answer = this.#isLeaf(subgraph, type)));
    return answer;
  }

  #isLeaf(subgraph: string, typeName: string): boolean {
    const types = this.#subgraphs.get(subgraph)!;
    const type =
      types.get(typeName) ??
      [...types].find(
        ([name, facts]) => facts.isInterfaceObject && this.#objectTypesOf.get(name)?.has(typeName),
      )?.[1];
    // An interface object may be asked again for the key itself.
    if (type?.keys.length !== 1 || type.otherKeys.length > 0 || type.isInterfaceObject) return false;
    const isAbstractElsewhere = [...type.implements].some((name) =>
      [...this.#subgraphs.values()].some((other) => other.get(name)?.isInterfaceObject),
    );
    if (isAbstractElsewhere) return false;
    const key = new Set(
      type.keys[0]!.selections.map((selection) =>
        selection.kind === Kind.FIELD ? selection.name.value : '',
      ),
    );
    // The entity that a key goes through is reached in this subgraph, too.
    for (const name of key)
      if (name !== '__typename' && this.#entityTypes.has(namedType(this.#factsOf(typeName, name).type)))
        return false;
    for (const [name, field] of type.fields) {
      if (key.has(name)) continue;
      const facts = this.#factsOf(typeName, name);
      if (facts.subgraphs.length > 1 || facts.calm || facts.unique || facts.requires) return false;
      if (field.directives.has('external') || field.directives.has('override')) return false;
    }
    return true;
  }

  #collectTypes(): void {
    for (const types of this.#subgraphs.values()) {
      for (const [name, type] of types) {
        const isObject = type.kind === Kind.OBJECT_TYPE_DEFINITION && !type.isInterfaceObject;
        if (isObject && type.keys.length + type.otherKeys.length > 0) this.#entityTypes.add(name);
        if (isObject)
          for (const interfaceName of type.implements) add(this.#objectTypesOf, interfaceName, name);
        for (const member of type.members) add(this.#objectTypesOf, name, member);
      }
    }
  }

  #collectFields(): void {
    for (const [subgraph, types] of this.#subgraphs) {
      for (const [typeName, type] of types) {
        for (const [name, { node, directives }] of type.fields) {
          const coordinate = `${typeName}.${name}`;
          const known = this.#fields.get(coordinate);
          // An interface's own declaration says nothing of its objects' fields, unless it is an object here.
          const requires = requiresOf(directives);
          if (!known) {
            this.#fields.set(coordinate, {
              type: node.type,
              args: argumentsOf(node),
              subgraphs: [subgraph],
              agreed: true,
              unique: false,
              calm: false,
              beside: false,
              requires,
              fromContext: contextArgumentsOf(node),
            });
            continue;
          }
          known.subgraphs.push(subgraph);
          known.args = common([known.args, argumentsOf(node)]);
          known.agreed &&= print(known.type) === print(node.type);
          known.requires ??= requires;
        }
      }
    }
    for (const facts of [...this.#fields.values()])
      for (const { context, selection } of facts.fromContext.values())
        for (const types of this.#subgraphs.values())
          for (const [name, type] of types)
            if (type.contexts.has(context)) this.#mark(name, selection, 'calm');
    for (const types of this.#subgraphs.values()) {
      for (const [typeName, type] of types) {
        for (const key of [...type.keys, ...type.otherKeys]) this.#mark(typeName, key, 'unique');
        for (const { directives } of type.fields.values()) {
          const requires = requiresOf(directives);
          if (requires) this.#mark(typeName, requires, 'calm');
        }
      }
    }
  }

  #mark(typeName: string, selections: SelectionSetNode, what: 'unique' | 'calm'): void {
    for (const selection of selections.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.#mark(selection.typeCondition?.name.value ?? typeName, selection.selectionSet, what);
      } else if (selection.kind === Kind.FIELD) {
        for (const type of new Set([typeName, ...(this.#objectTypesOf.get(typeName) ?? [])])) {
          const facts = this.#fields.get(`${type}.${selection.name.value}`);
          if (!facts) continue;
          facts[what] = true;
          if (!selection.selectionSet) continue;
          this.#mark(namedType(facts.type), selection.selectionSet, what);
          this.#markBeside(namedType(facts.type));
        }
      }
    }
  }

  #markBeside(typeName: string): void {
    for (const type of [typeName, ...(this.#objectTypesOf.get(typeName) ?? [])]) {
      for (const [coordinate, facts] of this.#fields) {
        if (!coordinate.startsWith(`${type}.`) || facts.beside || facts.type.kind !== Kind.NON_NULL_TYPE)
          continue;
        facts.beside = true;
        this.#markBeside(namedType(facts.type));
      }
    }
  }
}

interface Odds {
  readonly nulls: number;
  readonly errors: number;
  readonly broken: number;
}

/** The value with every object in it reached from `parent`. */
export function reachedFrom(parent: WorldObject, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => reachedFrom(parent, item));
  return isWorldObject(value) ? { ...value, parent } : value;
}

export const entityOf = (type: string, index: number): WorldObject => ({
  type,
  id: `${type}:${index}`,
  index,
});

/** Object literals of custom scalars have no identity of their own. */
const isWorldObject = (value: unknown): value is WorldObject =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as WorldObject).id === 'string' &&
  typeof (value as WorldObject).type === 'string';

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null)
    return value === undefined ? 'undefined' : JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join()}}`;
}

/** The selected part of plain data; undefined when something selected is not there. */
function project(value: unknown, selections: SelectionSetNode): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => project(item, selections));
    return items.includes(undefined) ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const selection of selections.selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const type = (value as Record<string, unknown>)['__typename'];
      if (type === undefined || type === selection.typeCondition?.name.value)
        Object.assign(result, project(value, selection.selectionSet));
    } else if (selection.kind === Kind.FIELD) {
      const own = (value as Record<string, unknown>)[selection.name.value];
      const item = selection.selectionSet ? project(own, selection.selectionSet) : own;
      if (item === undefined) return undefined;
      result[selection.name.value] = item;
    }
  }
  return result;
}

const strings = [
  '',
  'plain',
  'Zoë — “naïve”',
  '日本語',
  '👩‍👩‍👧',
  '\ud800 alone',
  'quote " back \\ slash / tab \t nul \u0000',
  '\u2028\u2029',
  '__typename',
];

const leaves = new Map<string, (hash: number, place: string) => unknown>([
  ['ID', (hash) => `id-${hash.toString(36)}`],
  [
    'String',
    (hash) => `${strings[hash % strings.length]!}${hash % 7 === 0 ? '' : (hash >>> 8).toString(36)}`,
  ],
  ['Int', (hash) => [0, -1, 2147483647, -2147483648, hash % 1000][hash % 5]],
  ['Float', (hash) => [0, -0.5, 1e21, 5e-324, 12345678901234, hash / 7][hash % 6]],
  ['Boolean', (hash) => hash % 2 === 0],
]);

const anyJson: readonly unknown[] = [
  'text',
  '',
  0,
  false,
  9007199254740991,
  [],
  {},
  [1, [2, [null]], { deep: { deeper: ['é'] } }],
  { __proto: 1, constructor: null, 'strange key "': [true] },
  '2026-02-29T00:00:00Z',
];

function readTypes(typeDefs: string): Map<string, TypeFacts> {
  const types = new Map<string, TypeFacts>();
  for (const node of parse(typeDefs, { noLocation: true }).definitions) {
    if (!isTypeDefinitionNode(node)) continue;
    const definition: TypeDefinitionNode = node;
    const { value: name } = definition.name;
    let type = types.get(name);
    if (!type) {
      type = {
        kind: definition.kind,
        contexts: new Set(),
        keys: [],
        otherKeys: [],
        isInterfaceObject: false,
        implements: new Set(),
        members: new Set(),
        values: new Set(),
        fields: new Map(),
      };
      types.set(name, type);
    }
    for (const directive of definition.directives ?? []) {
      if (directive.name.value === 'key') {
        const { resolvable } = readDirectives([directive]).get('key')!;
        (resolvable === false ? type.otherKeys : type.keys).push(selectionsOf(directive));
      }
      if (directive.name.value === 'context')
        type.contexts.add(String(readDirectives([directive]).get('context')!['name']));
      if (directive.name.value === 'interfaceObject') type.isInterfaceObject = true;
    }
    if ('interfaces' in definition)
      for (const { name: one } of definition.interfaces ?? []) type.implements.add(one.value);
    if ('types' in definition)
      for (const { name: one } of definition.types ?? []) type.members.add(one.value);
    if ('values' in definition)
      for (const { name: one } of definition.values ?? []) type.values.add(one.value);
    if ('fields' in definition)
      for (const field of definition.fields ?? [])
        if (field.kind === Kind.FIELD_DEFINITION)
          type.fields.set(field.name.value, { node: field, directives: readDirectives(field.directives) });
  }
  return types;
}

const readDirectives = (nodes: readonly ConstDirectiveNode[] = []): Directives =>
  new Map(
    nodes.map((node) => [
      node.name.value,
      Object.fromEntries(
        (node.arguments ?? []).map((argument) => [argument.name.value, valueFromASTUntyped(argument.value)]),
      ),
    ]),
  );

const selectionsOf = (directive: ConstDirectiveNode): SelectionSetNode =>
  parseSelections(String(readDirectives([directive]).get(directive.name.value)!['fields']));

const requiresOf = (directives: Directives | undefined): SelectionSetNode | undefined => {
  const requires = directives?.get('requires');
  return requires && parseSelections(String(requires['fields']));
};

const parsedSelections = new Map<string, SelectionSetNode>();

export function parseSelections(text: string): SelectionSetNode {
  let parsed = parsedSelections.get(text);
  if (!parsed) {
    const definition = parse(`{${text}}`, { noLocation: true }).definitions[0]!;
    if (definition.kind !== Kind.OPERATION_DEFINITION) throw new Error(`Not a selection: ${text}`);
    parsedSelections.set(text, (parsed = definition.selectionSet));
  }
  return parsed;
}

const argumentsOf = (node: FieldDefinitionNode): string[] =>
  (node.arguments ?? []).map((argument) => argument.name.value);

/** Of `@fromContext(field: "$context { field }")` or with a field below: the only forms that are drawn. */
const contextArgumentsOf = (node: FieldDefinitionNode): FieldFacts['fromContext'] =>
  new Map(
    (node.arguments ?? []).flatMap((argument) => {
      const text = readDirectives(argument.directives).get('fromContext')?.['field'];
      const match = /^\$(\w+) \{ (.+) \}$/.exec(String(text));
      return match
        ? [[argument.name.value, { context: match[1]!, selection: parseSelections(match[2]!) }]]
        : [];
    }),
  );

/** The value of objects with one field each. */
const onlyLeaf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? onlyLeaf(Object.values(value)[0])
    : value;

const namedType = (type: TypeNode): string =>
  type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);

const common = (lists: readonly (readonly string[])[]): string[] =>
  (lists[0] ?? []).filter((item) => lists.every((list) => list.includes(item)));

function add(map: Map<string, Set<string>>, key: string, item: string): void {
  const items = map.get(key);
  if (items) items.add(item);
  else map.set(key, new Set([item]));
}
