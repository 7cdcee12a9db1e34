import {
  BREAK,
  type ConstDirectiveNode,
  type DocumentNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  visit,
} from 'graphql';

/** The facts of a supergraph that decide which names must be kept apart. */
export interface AbstractTypes {
  /** The names of interfaces and unions, and of their types. */
  readonly names: ReadonlySet<string>;
  /** Coordinates of fields of interfaces that some subgraph defines as `@interfaceObject`, without key fields. */
  readonly interfaceObjectFields: ReadonlySet<string>;
  /** Coordinates of the key fields of these interfaces. */
  readonly interfaceObjectKeys: ReadonlySet<string>;
}

export function abstractTypesOf(supergraph: DocumentNode): AbstractTypes {
  const names = new Set<string>();
  const interfaceObjectFields = new Set<string>();
  const interfaceObjectKeys = new Set<string>();
  for (const node of supergraph.definitions) {
    const { kind } = node;
    if (kind === Kind.UNION_TYPE_DEFINITION)
      for (const { name } of [node, ...(node.types ?? [])]) names.add(name.value);
    if (kind !== Kind.INTERFACE_TYPE_DEFINITION && kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    const isInterface = kind === Kind.INTERFACE_TYPE_DEFINITION;
    if (isInterface || (node.interfaces ?? []).length > 0) names.add(node.name.value);
    if (!isInterface) continue;
    const graphs = graphsOf(node.directives, 'join__type', 'isInterfaceObject');
    const keys = keyFieldsOf(node);
    for (const { name, directives } of graphs.length === 0 ? [] : (node.fields ?? [])) {
      const own = graphsOf(directives, 'join__field');
      if (own.length > 0 && !own.some((graph) => graphs.includes(graph))) continue;
      const fields = keys.has(name.value) ? interfaceObjectKeys : interfaceObjectFields;
      fields.add(`${node.name.value}.${name.value}`);
    }
  }
  return { names, interfaceObjectFields, interfaceObjectKeys };
}

/** The top-level fields of keys. A fetch of other fields includes these anyway. */
function keyFieldsOf(node: InterfaceTypeDefinitionNode): ReadonlySet<string> {
  const keys = (node.directives ?? []).flatMap(({ arguments: args = [] }) =>
    args.flatMap(({ name, value }) =>
      name.value === 'key' && value.kind === Kind.STRING ? [value.value] : [],
    ),
  );
  const documents = keys.map((key) => parse(`{${key}}`, { noLocation: true }));
  return new Set(
    documents.flatMap(({ definitions }) =>
      (definitions[0] as OperationDefinitionNode).selectionSet.selections.map((selection) =>
        selection.kind === Kind.FIELD ? selection.name.value : '',
      ),
    ),
  );
}

/** The `graph`s of the directives with this name and this argument. */
const graphsOf = (
  directives: readonly ConstDirectiveNode[] = [],
  name: string,
  argument = 'graph',
): string[] =>
  directives.flatMap((directive) => {
    const args = new Map(directive.arguments?.map((one) => [one.name.value, one.value]));
    const graph = args.get('graph');
    return directive.name.value === name && args.has(argument) && graph?.kind === Kind.ENUM
      ? [graph.value]
      : [];
  });

/** Whether a document has conditions on types that may differ between the objects of one position. */
export function hasConditionsOn({ names }: AbstractTypes, document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    NamedType({ name }) {
      found ||= names.has(name.value);
      return found ? BREAK : undefined;
    },
  });
  return found;
}
