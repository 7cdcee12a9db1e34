/** What is compiled of a source once: its types, lookups, maps and requests. */
import { Kind, type TypeNode } from 'graphql';
import {
  compileSelectionMap,
  type Evaluate,
  firstFieldsOf,
  type SelectionMap,
} from '../../../../schema/supergraph/sources/selection-map';
import type {
  Lookup,
  SourceField,
  SourceSchema,
  SourceType,
} from '../../../../schema/supergraph/sources/source-schema';
import {
  type ExactJson,
  type ExactObject,
  exactString,
  numberText,
  stringText,
  typeOf,
} from '../../../replay/exact-json';
import type { OpenedSource } from '../source-executor';
import { compileRequest, type ToRequest } from './compile-request';
import { jsonNameOf } from '../inputs';

/** Whether the names in a value are those of the source's JSON, or those of the graph. */
export type Names = 'json' | 'graph';

export interface EntityLookup extends Omit<Lookup, 'field'> {
  readonly field: SourceField;
  /** The fields of an entity that its arguments are made of. */
  readonly needs: readonly string[];
}

export class RestSource {
  readonly opened: OpenedSource;
  readonly schema: SourceSchema;
  readonly #requests = new Map<SourceField, ToRequest>();
  readonly #evaluates = new Map<SelectionMap, Evaluate>();
  readonly #lookups = new Map<unknown, readonly EntityLookup[]>();
  /** The names of enum values by those of the JSON. */
  readonly #enums: ReadonlyMap<string, ReadonlyMap<string, string>>;

  constructor(opened: OpenedSource) {
    const { schema } = opened;
    this.opened = opened;
    this.schema = schema;
    this.#enums = new Map(
      Array.from(schema.enums, ([name, { values = [] }]) => [
        name,
        new Map(values.map((value) => [jsonNameOf(value), value.name.value])),
      ]),
    );
    for (const [entity, lookups] of schema.lookups)
      this.#lookups.set(entity, lookups.map((each) => this.#lookup(each)).sort(byWorth));
    /** Those first that give the whole entity, and many at once. */
    function byWorth(one: EntityLookup, other: EntityLookup): number {
      const worth = ({ entity, isList, field }: EntityLookup): number =>
        Number(isList) + 2 * Number(schema.types.get(field.namedType)!.possibleTypes.includes(entity));
      return worth(other) - worth(one);
    }
  }

  toRequest(field: SourceField): ToRequest {
    let request = this.#requests.get(field);
    if (request === undefined) this.#requests.set(field, (request = compileRequest(field, this.schema)));
    return request;
  }

  /** What a map makes of a value with names of the graph. */
  evaluate(map: SelectionMap, value: ExactJson): ExactJson | undefined {
    let evaluate = this.#evaluates.get(map);
    if (evaluate === undefined)
      this.#evaluates.set(
        map,
        (evaluate = compileSelectionMap(map, (typename, name) => this.isOf(typename, name))),
      );
    return evaluate(value) as ExactJson | undefined;
  }

  /** The lookups of an entity by its name in the graph, in the order in which they are tried. */
  lookupsOf(entity: unknown): readonly EntityLookup[] {
    return this.#lookups.get(entity) ?? [];
  }

  #lookup(lookup: Lookup): EntityLookup {
    const needs = lookup.arguments.flatMap(({ map }) => firstFieldsOf(map));
    return { ...lookup, field: this.rootField(lookup.field), needs };
  }

  /** Whether objects with this `__typename` are of a type. */
  isOf(typename: unknown, name: string): boolean {
    return (
      typename === name || this.schema.types.get(name)?.possibleTypes.includes(typename as string) === true
    );
  }

  /** A field of the query type. */
  rootField(name: string): SourceField {
    return this.schema.types.get(this.schema.roots.query!)!.fields.get(name)!;
  }

  /** The type of an entity by its name in the graph. */
  entity(name: unknown): SourceType | undefined {
    const type = this.schema.types.get(name as string);
    if (type?.graphName === name) return type;
    return Array.from(this.schema.types.values()).find(({ graphName }) => graphName === name);
  }

  /** The type of an object; undefined where it may be several. */
  typeOf(object: ExactObject, name: string, names: Names): SourceType | undefined {
    const { types } = this.schema;
    const type = types.get(name);
    if (type === undefined || type.kind === 'object') return type;
    if (names === 'graph') return this.entity(object['__typename']);
    const { property, of = [] } = type.variants ?? {};
    const variant =
      property === undefined
        ? of.find(({ required = [] }) => required.every((each) => Object.hasOwn(object, each)))
        : of.find(({ values = [] }) => values.includes(textAt(object, property) ?? ''));
    return types.get(variant?.type ?? '');
  }

  /** Of an enum, its names in the graph by those in a value. */
  enumValues(name: string, names: Names): ReadonlyMap<string, string> | undefined {
    const values = this.#enums.get(name);
    return names === 'json' ? values : values && new Map(Array.from(values.values(), (own) => [own, own]));
  }

  /** Those of these fields that the type has, with names of the graph. */
  toGraph(object: ExactObject, { graphName, fields }: SourceType, names: Iterable<string>): ExactObject {
    const made: Record<string, ExactJson> = { __typename: graphName };
    for (const name of names) {
      const field = fields.get(name);
      if (field === undefined) continue;
      const { jsonName, type } = field;
      made[name] = Object.hasOwn(object, jsonName) ? this.#valueToGraph(object[jsonName]!, type) : null;
    }
    return made;
  }

  #valueToGraph(value: ExactJson, type: TypeNode): ExactJson {
    if (value === null) return null;
    if (type.kind === Kind.NON_NULL_TYPE) return this.#valueToGraph(value, type.type);
    if (Array.isArray(value))
      return value.map((each: ExactJson) =>
        this.#valueToGraph(each, type.kind === Kind.LIST_TYPE ? type.type : type),
      );
    if (type.kind === Kind.LIST_TYPE) return null;
    const name = type.name.value;
    const kind = typeOf(value);
    if (kind === 'object') {
      const of = this.typeOf(value as ExactObject, name, 'json');
      return of === undefined ? value : this.toGraph(value as ExactObject, of, of.fields.keys());
    }
    if (name === 'ID' && kind === 'number') return exactString(numberText(value));
    const values = this.#enums.get(name);
    return values === undefined || kind !== 'string'
      ? value
      : (values.get(stringText(value as string)) ?? value);
  }
}

/** A discriminator may be a number or a boolean, too. */
function textAt(object: ExactObject, property: string): string | undefined {
  const value = Object.hasOwn(object, property) ? object[property]! : null;
  if (typeOf(value) === 'number') return numberText(value);
  if (typeof value === 'string') return stringText(value);
  return typeof value === 'boolean' ? String(value) : undefined;
}
