import {
  type FieldNode,
  getOperationAST,
  Kind,
  parse,
  type SelectionNode,
  valueFromASTUntyped,
} from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/** What an audit trail says of a mutation, whatever its variables. */
export interface MutationFacts {
  readonly coordinates: readonly string[];
  /** The arguments of the root fields, by response key. */
  argumentsWith(variables: Variables): Readonly<Record<string, unknown>>;
}

/** Reads a document whose operation is a mutation. It has been validated: its fragments are there, and not circular. */
export function factsOfMutation(text: string, operationName: string | undefined): MutationFacts {
  const document = parse(text, { noLocation: true });
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  const fields: FieldNode[] = [];
  const collect = (selections: readonly SelectionNode[]): void => {
    for (const selection of selections) {
      if (fields.length >= mostFields) return;
      if (selection.kind === Kind.FIELD) fields.push(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet.selections);
      else collect(fragments.get(selection.name.value)!.selectionSet.selections);
    }
  };
  collect(getOperationAST(document, operationName)!.selectionSet.selections);
  return {
    coordinates: [...new Set(fields.map(({ name }) => `Mutation.${name.value}`))],
    argumentsWith: (variables) =>
      Object.fromEntries(
        fields
          .filter(({ arguments: given = [] }) => given.length > 0)
          .map(({ alias, name, arguments: given }) => [
            (alias ?? name).value,
            Object.fromEntries(
              given!.map((argument) => [argument.name.value, valueFromASTUntyped(argument.value, variables)]),
            ),
          ]),
      ),
  };
}

const mostFields = 100;
