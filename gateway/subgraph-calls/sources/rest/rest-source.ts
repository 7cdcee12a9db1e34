/** What is compiled of a source once: its types, and what its maps and operations do. */
import { Kind, type TypeNode } from 'graphql';
import {
  compileSelectionMap,
  type Evaluate,
  type SelectionMap,
} from '../../../../schema/supergraph/sources/selection-map';
import type {
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
import { compileRequest, type ToRequest } from './compile-request';
import { jsonNameOf } from './inputs';

/** Whether the names in a value are those of the source's JSON, or those of the graph. */
export type Names = 'json' | 'graph';

export class RestSource {
  readonly schema: SourceSchema;
  readonly #requests = new Map<SourceField, ToRequest>();
  readonly #evaluates = new Map<SelectionMap, Evaluate>();
  /** The names of enum values by those of the JSON. */
  readonly #enums: ReadonlyMap<string, ReadonlyMap<string, string>>;

  constructor(schema: SourceSchema) {
    this.schema = schema;
    this.#enums = new Map(
      Array.from(schema.enums, ([name, { values = [] }]) => [
        name,
        new Map(values.map((value) => [jsonNameOf(value), value.name.value])),
      ]),
    );
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

  /** Whether objects with this `__typename` are of a type. */
  isOf(typename: unknown, name: string): boolean {
    return (
      typename === name || this.schema.types.get(name)?.possibleTypes.includes(typename as string) === true
    );
  }

  rootField(root: 'query' | 'mutation', name: string): SourceField {
    return this.schema.types.get(this.schema.roots[root]!)!.fields.get(name)!;
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

  /** The name of an enum's value, undefined for an unknown one. `name` is of no enum: null. */
  enumValue(name: string, value: ExactJson, names: Names): string | undefined | null {
    const values = this.#enums.get(name);
    if (values === undefined) return null;
    if (typeof value !== 'string') return undefined;
    if (names === 'json') return values.get(stringText(value));
    return [...values.values()].includes(value) ? value : undefined;
  }

  /** An object with names of the graph. @param fields those that are needed */
  toGraph(object: ExactObject, type: SourceType, fields?: ReadonlySet<string>): ExactObject {
    const entries: (readonly [string, ExactJson])[] = [['__typename', type.graphName]];
    for (const { name, jsonName, type: own } of type.fields.values())
      if ((fields === undefined || fields.has(name)) && Object.hasOwn(object, jsonName))
        entries.push([name, this.#valueToGraph(object[jsonName]!, own)]);
    return Object.fromEntries(entries);
  }

  #valueToGraph(value: ExactJson, type: TypeNode): ExactJson {
    if (type.kind === Kind.NON_NULL_TYPE) return this.#valueToGraph(value, type.type);
    if (Array.isArray(value))
      return value.map((each: ExactJson) =>
        this.#valueToGraph(each, type.kind === Kind.LIST_TYPE ? type.type : type),
      );
    if (type.kind === Kind.LIST_TYPE) return null;
    const name = type.name.value;
    if (typeOf(value) === 'object') {
      const of = this.typeOf(value as ExactObject, name, 'json');
      return of === undefined ? value : this.toGraph(value as ExactObject, of);
    }
    if (name === 'ID' && typeOf(value) === 'number') return exactString(numberText(value));
    return this.enumValue(name, value, 'json') ?? value;
  }
}

/** A discriminator may be a number or a boolean, too. */
function textAt(object: ExactObject, property: string): string | undefined {
  const value = Object.hasOwn(object, property) ? object[property]! : null;
  if (typeOf(value) === 'number') return numberText(value);
  if (typeof value === 'string') return stringText(value);
  return typeof value === 'boolean' ? String(value) : undefined;
}
