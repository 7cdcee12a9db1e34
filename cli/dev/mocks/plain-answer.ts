import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  type GraphQLObjectType,
  isAbstractType,
  isObjectType,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql';
import type { Fields } from './mock-objects';

/**
 * Reads an answer of a subgraph by its operation: calls `onObject` with each object whose type is known, its fields by
 * their own names. Fields with arguments are left out, as their values are not those of the field alone.
 */
export function readAnswer(
  schema: GraphQLSchema,
  document: string,
  data: unknown,
  onObject: (type: GraphQLObjectType, fields: Fields) => void,
): void {
  const parsed = parse(document, { noLocation: true });
  const operation = getOperationAST(parsed);
  const root = operation && schema.getRootType(operation.operation);
  if (root == null) return;
  const fragments = new Map(
    parsed.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [],
    ),
  );
  read(data, root, [operation!.selectionSet]);

  function read(value: unknown, type: GraphQLOutputType, selections: readonly SelectionSetNode[]): unknown {
    if (Array.isArray(value)) return value.map((item) => read(item, type, selections));
    if (typeof value !== 'object' || value === null) return value;
    const given = value as Fields;
    const object = objectTypeOf(given, type);
    if (object === undefined) return value;
    const fields: Record<string, unknown> = {};
    for (const [key, nodes] of selectedFields(selections, object)) {
      const [{ name, arguments: args = [] }] = nodes as [FieldNode];
      const field = object.getFields()[name.value];
      if (field === undefined || !Object.hasOwn(given, key)) continue;
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      const plain = inner.length === 0 ? given[key] : read(given[key], field.type, inner);
      if (args.length === 0) fields[name.value] = plain;
    }
    onObject(object, fields);
    return fields;
  }

  function objectTypeOf(
    { __typename: name }: Fields,
    type: GraphQLOutputType,
  ): GraphQLObjectType | undefined {
    const named = typeof name === 'string' ? schema.getType(name) : getNamedType(type);
    return isObjectType(named) ? named : undefined;
  }

  /** By response name. */
  function selectedFields(
    selections: readonly SelectionSetNode[],
    type: GraphQLObjectType,
    found = new Map<string, FieldNode[]>(),
  ): Map<string, FieldNode[]> {
    for (const selection of selections.flatMap((set) => set.selections)) {
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        found.set(key, [...(found.get(key) ?? []), selection]);
        continue;
      }
      const fragment:
        | (Pick<FragmentDefinitionNode, 'selectionSet'> & {
            typeCondition?: FragmentDefinitionNode['typeCondition'] | undefined;
          })
        | undefined =
        selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (fragment !== undefined && applies(fragment.typeCondition?.name.value, type))
        selectedFields([fragment.selectionSet], type, found);
    }
    return found;
  }

  function applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const conditioned = schema.getType(condition);
    return isAbstractType(conditioned) && schema.isSubType(conditioned, type);
  }
}
