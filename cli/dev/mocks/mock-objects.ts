import {
  type GraphQLAbstractType,
  type GraphQLCompositeType,
  type GraphQLInterfaceType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
} from 'graphql';
import type { EntityKey, ExecutableSubgraph } from '../../../schema';
import { hashOf, inTurn, isValueOf, type LeafValues } from './leaf-values';

/** An object that a mock made up, or was asked for. */
export interface MockObject {
  readonly typename: string;
  /** What its values depend on: for an entity its type and key, for other objects where they stand. */
  readonly identity: string;
  /** Counts on from object to object in a list, for what comes in turn. */
  readonly ordinal: number;
  /** The fields whose values are known: keys, and what else a representation has. */
  readonly given: Fields;
  readonly isEntity: boolean;
  readonly echo: Echo;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Arguments, by name. An object, up to the first entity, repeats those that have the name of one of its fields. */
export interface Echo {
  readonly values: Fields;
  /** Whether there is but one such object, so that they may be its key. */
  readonly isOfOne: boolean;
}

export const noEcho: Echo = { values: {}, isOfOne: true };

/** Where an object stands that is made up. */
export interface ObjectSite {
  readonly identity: string;
  readonly ordinal: number;
  readonly echo: Echo;
}

export interface MockObjectsOptions extends ExecutableSubgraph {
  readonly leaves: LeafValues;
  /** The schema for clients: objects of other types are not made up. */
  readonly apiSchema: GraphQLSchema;
  /** The keys of a type that real subgraphs have answered. */
  readonly seenKeys: (type: string) => readonly Fields[];
}

/** How many entities of a type are made up. All mocks make up the same ones, so that their answers join. */
const entities = 9;

/** Makes up objects. An entity is known by its key, whoever asks for it. */
export class MockObjects {
  readonly #options: MockObjectsOptions;

  constructor(options: MockObjectsOptions) {
    this.#options = options;
  }

  invent(type: GraphQLCompositeType, site: ObjectSite): MockObject {
    if (isAbstractType(type) && this.#keysOf(type.name).length === 0) {
      const chosen = inTurn(this.#possibleTypes(type), site.ordinal);
      return this.#inventOf(chosen, site);
    }
    return this.#inventOf(type as GraphQLObjectType | GraphQLInterfaceType, site);
  }

  /** An object of which some fields are known, as of a representation. */
  known(type: GraphQLCompositeType, given: Fields, echo: Echo): MockObject {
    const { __typename: name } = given;
    const named = typeof name === 'string' ? this.#options.schema.getType(name) : undefined;
    const actual = (named ?? type) as GraphQLCompositeType;
    const canonical = this.#canonical(actual);
    const keys = this.#keysOf(canonical.name);
    const number = this.#numberOf(canonical, keys, given);
    const identity =
      number === undefined ? identityOf(canonical, keys, given) : `${canonical.name}#${number}`;
    const ordinal = number ?? hashOf(identity);
    return {
      ...{ typename: this.#typename(actual, ordinal), identity, ordinal, echo },
      given: number === undefined ? given : { ...this.#keyFields(canonical, keys, number), ...given },
      isEntity: keys.length > 0,
    };
  }

  /** The single field that is a key of the type; undefined if there is none. */
  plainKey(type: GraphQLCompositeType): string | undefined {
    return this.#keysOf(this.#canonical(type).name).find(
      (key) => key.length === 1 && key[0]!.length === 1,
    )?.[0]![0];
  }

  #inventOf(type: GraphQLObjectType | GraphQLInterfaceType, site: ObjectSite): MockObject {
    const { identity, ordinal, echo } = site;
    const canonical = this.#canonical(type);
    const keys = this.#keysOf(canonical.name);
    if (keys.length === 0)
      return { typename: type.name, identity, ordinal, given: {}, isEntity: false, echo };
    const given =
      this.#named(keys, echo) ??
      inTurnOrNone(this.#seen(type, keys), ordinal) ??
      this.#keyFields(canonical, keys, this.#numberFor(type, canonical, ordinal));
    return this.known(type, given, echo);
  }

  /** The key that arguments give. */
  #named(keys: readonly EntityKey[], { values, isOfOne }: Echo): Fields | undefined {
    if (!isOfOne) return undefined;
    const named = keys.find((key) =>
      key.every(([name, ...rest]) => rest.length === 0 && isText(at(values, [name!]))),
    );
    return named && Object.fromEntries(named.map(([name]) => [name!, values[name!]]));
  }

  #seen(type: GraphQLCompositeType, keys: readonly EntityKey[]): Fields[] {
    const types = isAbstractType(type) ? [type, ...this.#possibleTypes(type)] : [type];
    return types
      .flatMap(({ name }) => this.#options.seenKeys(name))
      .flatMap((fields) => keyIn(fields, type, keys));
  }

  /** The number of an entity that is made up. An interface with a key decides by it which type its entities have. */
  #numberFor(type: GraphQLCompositeType, canonical: GraphQLCompositeType, ordinal: number): number {
    let number = 1 + (ordinal % entities);
    if (isAbstractType(type)) return number;
    for (let tries = 1; tries < entities && this.#typename(canonical, number) !== type.name; tries++)
      number = 1 + (number % entities);
    return number;
  }

  /** An entity is that of an interface with a key, where it implements one. */
  #canonical(type: GraphQLCompositeType): GraphQLCompositeType {
    if (!isObjectType(type)) return type;
    return type.getInterfaces().find(({ name }) => this.#options.keys.has(name)) ?? type;
  }

  #typename(type: GraphQLCompositeType, ordinal: number): string {
    return isAbstractType(type) ? inTurn(this.#possibleTypes(type), ordinal).name : type.name;
  }

  #possibleTypes(type: GraphQLAbstractType): readonly GraphQLObjectType[] {
    const { schema, apiSchema } = this.#options;
    const all = schema.getPossibleTypes(type);
    const visible = all.filter(({ name }) => apiSchema.getType(name) !== undefined);
    return visible.length > 0 ? visible : all;
  }

  #keysOf(name: string): readonly EntityKey[] {
    return this.#options.keys.get(name) ?? [];
  }

  /** Of an entity that a mock made up, by whichever of its keys; undefined for another one. */
  #numberOf(type: GraphQLCompositeType, keys: readonly EntityKey[], given: Fields): number | undefined {
    const key = completeKey(keys, given);
    if (key === undefined) return undefined;
    const number = Number(/\d{1,9}$/.exec(String(at(given, key[0]!)))?.[0]);
    const isInvented =
      number > 0 && key.every((path) => this.#keyValue(type, path, number) === at(given, path));
    return isInvented ? number : undefined;
  }

  #keyFields(type: GraphQLCompositeType, keys: readonly EntityKey[], number: number): Fields {
    const fields = {};
    for (const path of keys.flat()) put(fields, path, this.#keyValue(type, path, number));
    return fields;
  }

  /** The value of a leaf of the key of the entity with this number. */
  #keyValue(entity: GraphQLCompositeType, path: readonly string[], number: number): unknown {
    let type = entity;
    let owner = entity;
    for (const name of path.slice(0, -1)) {
      const inner = fieldOf(type, name);
      if (inner === undefined || isLeafType(inner)) return undefined;
      type = inner;
      if (this.#keysOf(this.#canonical(type).name).length > 0) owner = type;
    }
    const field = path.at(-1)!;
    const leaf = fieldOf(type, field);
    if (leaf === undefined || !isLeafType(leaf)) return undefined;
    if (leaf.name === 'ID' || leaf.name === 'String')
      return `${lowerFirst(this.#canonical(owner).name)}-${number}`;
    if (leaf.name === 'Int' || leaf.name === 'Float') return number;
    const identity = `${entity.name}#${number}.${path.join('.')}`;
    return this.#options.leaves.of(leaf, { identity, field, description: undefined, ordinal: number });
  }
}

const completeKey = (keys: readonly EntityKey[], given: Fields): EntityKey | undefined =>
  keys.find((key) => key.length > 0 && key.every((path) => at(given, path) !== undefined));

/** By the first key that is complete. */
function identityOf({ name }: GraphQLCompositeType, keys: readonly EntityKey[], given: Fields): string {
  const key = completeKey(keys, given);
  return `${name}:${JSON.stringify(key?.map((path) => at(given, path)) ?? given)}`;
}

/** What a file has of the keys of a type; nothing without a whole key, as somebody may have edited it. */
function keyIn(fields: Fields, type: GraphQLCompositeType, keys: readonly EntityKey[]): Fields[] {
  const complete = keys.filter((key) =>
    key.every((path) => {
      const leaf = leafAt(type, path);
      return leaf !== undefined && isValueOf(leaf, at(fields, path));
    }),
  );
  if (complete.length === 0) return [];
  const found = {};
  for (const path of complete.flat()) put(found, path, at(fields, path));
  return [found];
}

function leafAt(type: GraphQLCompositeType, path: readonly string[]): GraphQLLeafType | undefined {
  let inner: GraphQLCompositeType | GraphQLLeafType | undefined = type;
  for (const name of path)
    inner = inner === undefined || isLeafType(inner) ? undefined : fieldOf(inner, name);
  return inner !== undefined && isLeafType(inner) ? inner : undefined;
}

function fieldOf(
  type: GraphQLCompositeType,
  name: string,
): GraphQLLeafType | GraphQLCompositeType | undefined {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  const field = type.getFields()[name];
  return field && (getNamedType(field.type) as GraphQLLeafType | GraphQLCompositeType);
}

const inTurnOrNone = (values: readonly Fields[], ordinal: number): Fields | undefined =>
  values.length === 0 ? undefined : inTurn(values, ordinal);

const isText = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';

/** Whether a key has the form of those that are made up. */
export function isInventedKey(type: GraphQLObjectType, key: Fields): boolean {
  const prefixes = [type, ...type.getInterfaces()].map(({ name }) => `${lowerFirst(name)}-`);
  return Object.values(key).every(
    (value) =>
      typeof value === 'string' &&
      prefixes.some((prefix) => value.startsWith(prefix) && /^\d$/.test(value.slice(prefix.length))),
  );
}

const lowerFirst = (name: string): string => `${name[0]!.toLowerCase()}${name.slice(1)}`;

/** The value at a path of fields; undefined if there is none. */
export function at(fields: unknown, path: readonly string[]): unknown {
  let value = fields;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Fields)[name];
  }
  return value;
}

/** Sets the value at a path of fields. */
export function put(fields: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = fields;
  for (const name of path.slice(0, -1)) {
    // Not `??=`: a field may be named as what every object inherits, such as `constructor`.
    if (!Object.hasOwn(inner, name)) inner[name] = {};
    inner = inner[name] as Record<string, unknown>;
  }
  inner[path.at(-1)!] = value;
}
