import {
  type FieldNode,
  type FragmentDefinitionNode,
  getNullableType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { RegisteredTool } from './registered-tools';
import { type JsonSchema, nullable, scalarSchema } from './json-schema';

/** What each answer of a tool is: a GraphQL response to its operation, which must be valid. */
export function outputSchemaOf(
  { document, operation }: Pick<RegisteredTool, 'document' | 'operation'>,
  schema: GraphQLSchema,
): JsonSchema {
  const fragments = new Map(
    document.definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [],
    ),
  );
  const root = schema.getRootType(operation.operation)!;
  const all: Selections = [{ set: operation.selectionSet, isConditional: false }];
  return {
    type: 'object',
    properties: {
      data: new Shapes(schema, fragments).of(root, all),
      errors: {
        type: 'array',
        items: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
      },
    },
  };
}

/** Selection sets of one field. Of a conditional one fields may be missing. */
type Selections = readonly { readonly set: SelectionSetNode; readonly isConditional: boolean }[];

/** The occurrences of a response key. */
interface Occurrence {
  readonly field: FieldNode;
  readonly isConditional: boolean;
}

class Shapes {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#schema = schema;
    this.#fragments = fragments;
  }

  of(type: GraphQLOutputType, selections: Selections): JsonSchema {
    const own = this.#ofNullable(getNullableType(type), selections);
    return isNonNullType(type) ? own : nullable(own);
  }

  #ofNullable(type: GraphQLOutputType, selections: Selections): JsonSchema {
    if (isListType(type)) return { type: 'array', items: this.of(type.ofType, selections) };
    if (isEnumType(type)) return { type: 'string', enum: type.getValues().map(({ name }) => name) };
    if (isLeafType(type)) return scalarSchema(type.name, 'output');
    const objects = isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [type as GraphQLObjectType];
    return this.#ofObjects(objects, selections);
  }

  /** Objects of which the same is selected share a schema. */
  #ofObjects(objects: readonly GraphQLObjectType[], selections: Selections): JsonSchema {
    const alike = new Map<string, { readonly names: string[]; readonly schema: JsonSchema }>();
    for (const object of objects) {
      const names: string[] = [];
      const schema = this.#ofObject(object, selections, names);
      // Written without the names, which are added then.
      const key = JSON.stringify(schema);
      const known = alike.get(key) ?? { names, schema };
      known.names.push(object.name);
      alike.set(key, known);
    }
    const schemas = [...alike.values()].map(({ schema }) => schema);
    return schemas.length === 1 ? schemas[0]! : { anyOf: schemas };
  }

  /** @param names that `__typename` may be */
  #ofObject(object: GraphQLObjectType, selections: Selections, names: readonly string[]): JsonSchema {
    const found = new Map<string, Occurrence[]>();
    for (const { set, isConditional } of selections)
      this.#collect(object, set.selections, isConditional, found);
    const fields = object.getFields();
    const properties = [...found].map(([key, occurrences]) => {
      const name = occurrences[0]!.field.name.value;
      if (name === '__typename') return [key, { type: 'string', enum: names }];
      const below = occurrences.flatMap(({ field: { selectionSet }, isConditional }) =>
        selectionSet === undefined
          ? []
          : // The only occurrence is there if the field is.
            [{ set: selectionSet, isConditional: isConditional && occurrences.length > 1 }],
      );
      return [key, this.of(fields[name]!.type, below)];
    });
    const required = [...found]
      .filter(([, all]) => all.some((each) => !each.isConditional))
      .map(([key]) => key);
    return {
      type: 'object',
      properties: Object.fromEntries(properties) as JsonSchema,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    };
  }

  #collect(
    object: GraphQLObjectType,
    selections: readonly SelectionNode[],
    isConditional: boolean,
    found: Map<string, Occurrence[]>,
  ): void {
    for (const selection of selections) {
      const isOwn =
        isConditional ||
        (selection.directives ?? []).some(({ name }) => name.value === 'skip' || name.value === 'include');
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        found.set(key, [...(found.get(key) ?? []), { field: selection, isConditional: isOwn }]);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value)!;
      const condition = fragment.typeCondition?.name.value;
      if (condition === undefined || this.#isOf(object, condition))
        this.#collect(object, fragment.selectionSet.selections, isOwn, found);
    }
  }

  #isOf(object: GraphQLObjectType, condition: string): boolean {
    const type = this.#schema.getType(condition);
    return object === type || (isAbstractType(type) && this.#schema.isSubType(type, object));
  }
}
