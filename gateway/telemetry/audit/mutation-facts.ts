import {
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
  valueFromASTUntyped,
} from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/** The facts of a mutation for audit trails that do not depend on its variables. */
export interface MutationFacts {
  readonly coordinates: readonly string[];
  /** The arguments of the root fields, by response key. */
  argumentsWith(variables: Variables): Readonly<Record<string, unknown>>;
}

/** Reads a document whose operation is a mutation. The document must be valid. */
export function factsOfMutation(text: string, operationName: string | undefined): MutationFacts {
  const document = parse(text, { noLocation: true });
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const operation = getOperationAST(document, operationName)!;

  // By response key. Fields with the same response key have the same arguments.
  const fields = new Map<string, FieldNode>();
  const collect = (selections: readonly SelectionNode[]): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        fields.set((selection.alias ?? selection.name).value, selection);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet.selections);
      } else {
        const fragment = fragments.get(selection.name.value);
        // Each fragment is read once: another spread adds nothing, and the work could double with each level of
        // fragments.
        fragments.delete(selection.name.value);
        if (fragment !== undefined) collect(fragment.selectionSet.selections);
      }
    }
  };
  collect(operation.selectionSet.selections);

  const defaults = defaultsOf(operation);
  return {
    coordinates: [...new Set([...fields.values()].map(({ name }) => `Mutation.${name.value}`))],
    argumentsWith: (given) => {
      // Without a prototype, as a variable may be named `constructor`.
      const variables = Object.assign(Object.create(null), defaults, given) as Variables;
      return Object.fromEntries(
        [...fields]
          .filter(([, field]) => field.arguments!.length > 0)
          .map(([key, field]) => [
            key,
            Object.fromEntries(
              field.arguments!.map(({ name, value }) => [name.value, valueFromASTUntyped(value, variables)]),
            ),
          ]),
      );
    },
  };
}

const defaultsOf = ({ variableDefinitions = [] }: OperationDefinitionNode): Variables =>
  Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );
