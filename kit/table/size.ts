import {
  GraphQLError,
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  type GraphQLType,
  Kind,
  type OperationDefinitionNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
  getArgumentValues,
  getNamedType,
  getNullableType,
  getVariableValues,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';

/**
 * Objects that one operation may ask for. A page of 100 of everything is far below; connections nested five deep, with
 * their defaults, come to millions, and would keep the process busy for everybody else.
 */
const mostObjects = 100_000;

/** Assumed length of a list without a size argument. */
const assumedItems = 10;

/**
 * Why a valid operation is not run: it may ask for more objects than one operation may. What it requests is known from
 * `first` and, for `_entities`, from the representations; a list of which nothing is known counts ten.
 */
export function refuseSize(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | undefined {
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  // Execution reports invalid values.
  if (coerced === undefined) return undefined;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  const counted = new Map<string, number>();
  const root = schema.getRootType(operation.operation);
  const objects = root ? objectsIn(operation.selectionSet, root, false) : 0;
  if (objects <= mostObjects) return undefined;
  return new GraphQLError(
    `The operation asks for up to ${objects} objects; at most ${mostObjects} are allowed. Ask for shorter lists, or nest fewer.`,
    { extensions: { code: 'TOO_LARGE', http: { status: 400 } } },
  );

  /** `isCounted`: the lists of a page were counted with the field that says how long it is. */
  function objectsIn({ selections }: SelectionSetNode, type: GraphQLType, isCounted: boolean): number {
    let sum = 0;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        sum += objectsOf(selection, fieldOf(type, selection.name.value), isCounted);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (fragment === undefined) continue;
      const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
      // Nested fragments can grow exponentially, so each fragment is counted once.
      const key = fragment.kind === Kind.FRAGMENT_DEFINITION ? `${fragment.name.value} ${isCounted}` : '';
      const known = counted.get(key);
      const count = known ?? objectsIn(fragment.selectionSet, condition ?? type, isCounted);
      if (key !== '') counted.set(key, count);
      sum += count;
    }
    return sum;
  }

  function objectsOf(
    node: FieldNode,
    field: GraphQLField<unknown, unknown> | undefined,
    isCounted: boolean,
  ): number {
    if (field === undefined || node.selectionSet === undefined) return 0;
    const type = getNamedType(field.type);
    if (!isCompositeType(type)) return 0;
    const requested = requestedItems(node, field);
    const isList = isListType(getNullableType(field.type));
    const items = requested ?? (isList && !isCounted ? assumedItems : 1);
    return items * (1 + objectsIn(node.selectionSet, type, requested !== undefined && !isList));
  }

  /** The number of items that a field's arguments request, of a list or of a page. */
  function requestedItems(node: FieldNode, field: GraphQLField<unknown, unknown>): number | undefined {
    let given: Record<string, unknown>;
    try {
      given = getArgumentValues(field, node, coerced);
    } catch {
      return undefined;
    }
    const { first, representations } = given;
    if (Array.isArray(representations)) return representations.length;
    // 0 or -1 may mean "all".
    return typeof first === 'number' && first >= 1 ? first : undefined;
  }
}

const fieldOf = (type: GraphQLType, name: string): GraphQLField<unknown, unknown> | undefined =>
  isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
