/** Operations that give all arguments of a source's field and select all that it returns, and what they must answer. */
import { Kind, type TypeNode } from 'graphql';
import {
  type ExactJson,
  type ExactObject,
  exactString,
  numberText,
  typeOf,
} from '../../../gateway/replay/exact-json';
import { jsonNameOf } from '../../../gateway/subgraph-calls/sources/inputs';
import { namedTypeOf } from '../../../schema/supergraph/sdl';
import type { SourceSchema } from '../../../schema/supergraph/sources/source-schema';

export class WholeOperation {
  readonly text: string;
  readonly #source: SourceSchema;
  readonly #type: TypeNode;
  readonly #depth: number;

  /** @param depth how many objects within objects are selected */
  constructor(source: SourceSchema, root: 'query' | 'mutation', name: string, depth: number) {
    const field = source.types.get(source.roots[root]!)!.fields.get(name)!;
    this.#source = source;
    this.#type = field.type;
    this.#depth = depth;
    const args = Array.from(
      field.arguments.values(),
      (each) => `${each.name}: ${this.#literal(each.type, 0)}`,
    );
    const given = args.length === 0 ? '' : `(${args.join(' ')})`;
    this.text = `${root} { field: ${name}${given} ${this.#selection(field.namedType, depth)} }`;
  }

  /** What the field must be. @param answer what it is: of a union it decides which type is expected */
  expected(json: ExactJson, answer: ExactJson): ExactJson {
    return this.#expected(json, this.#type, answer, this.#depth);
  }

  /** Each field has an alias with its type's name, as types of a union may have fields of one name that differ. */
  #selection(name: string, depth: number): string {
    const types = this.#source.types.get(name)?.possibleTypes;
    if (types === undefined) return '';
    const parts = types.map((type) => {
      const fields = this.#fieldsOf(type, depth).map(
        (field) => `${type}_${field.name}: ${field.name} ${this.#selection(field.namedType, depth - 1)}`,
      );
      return fields.length === 0 ? '' : `... on ${type} { ${fields.join(' ')} }`;
    });
    return `{ __typename ${parts.join(' ')} }`;
  }

  #fieldsOf(type: string, depth: number) {
    const { types } = this.#source;
    return [...types.get(type)!.fields.values()].filter(
      ({ namedType }) => depth > 0 || !types.has(namedType),
    );
  }

  #expected(json: ExactJson, type: TypeNode, answer: ExactJson, depth: number): ExactJson {
    if (json === null) return null;
    if (type.kind === Kind.NON_NULL_TYPE) return this.#expected(json, type.type, answer, depth);
    if (type.kind === Kind.LIST_TYPE)
      return (json as ExactJson[]).map((each, i) =>
        this.#expected(each, type.type, (answer as ExactJson[] | null)?.[i] ?? null, depth),
      );
    const name = type.name.value;
    const { types, enums } = this.#source;
    if (types.has(name)) {
      const found = (answer as ExactObject | null)?.['__typename'] as string | undefined;
      const own = types.get(name)!.possibleTypes.find((each) => each === found);
      if (own === undefined) return { __typename: name };
      const fields = this.#fieldsOf(own, depth).map((field) => {
        const alias = `${own}_${field.name}`;
        const value = (json as ExactObject)[field.jsonName] ?? null;
        return [alias, this.#expected(value, field.type, (answer as ExactObject)[alias] ?? null, depth - 1)];
      });
      return { __typename: own, ...(Object.fromEntries(fields) as ExactObject) };
    }
    const value = enums.get(name)?.values?.find((each) => jsonNameOf(each) === json);
    if (value !== undefined) return value.name.value;
    return name === 'ID' && typeOf(json) === 'number' ? exactString(numberText(json)) : json;
  }

  /** A value of an argument. */
  #literal(type: TypeNode, depth: number): string {
    if (type.kind === Kind.NON_NULL_TYPE) return this.#literal(type.type, depth);
    if (type.kind === Kind.LIST_TYPE)
      return `[${this.#literal(type.type, depth)}, ${this.#literal(type.type, depth)}]`;
    const name = namedTypeOf(type);
    const [value] = this.#source.enums.get(name)?.values ?? [];
    if (value !== undefined) return value.name.value;
    const fields = this.#source.inputs.get(name)?.fields;
    if (fields === undefined) return literals[name] ?? '"a b/c"';
    const given = fields.filter(
      (each) => each.type.kind === Kind.NON_NULL_TYPE || (depth < 2 && namedTypeOf(each.type) !== name),
    );
    return `{ ${given.map((each) => `${each.name.value}: ${this.#literal(each.type, depth + 1)}`).join(' ')} }`;
  }
}

const literals: Readonly<Record<string, string>> = {
  ...{ Int: '7', Long: '9007199254740993', Float: '1.5', Boolean: 'true' },
};
