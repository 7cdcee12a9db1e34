/** Cuts a failing case down: whatever can go while it still fails, goes. */
import {
  Kind,
  parse,
  print,
  validate,
  visit,
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  type NameNode,
  type SelectionNode,
} from 'graphql';
import { type RandomOperation } from './random-operation';
import { type SubgraphSource } from './random-world';

/** @param fails whether what is left still fails in the same way. It is only asked of valid operations. */
export async function shrinkOperation(
  schema: GraphQLSchema,
  operation: RandomOperation,
  fails: (operation: RandomOperation) => Promise<boolean>,
): Promise<RandomOperation> {
  let best = operation;
  for (let position = 0, kept = 0; ;) {
    const candidate = operationWithout(best, position);
    if (!candidate) {
      // What was needed at first may not be in the end.
      if (kept === 0) return best;
      position = kept = 0;
    } else if (validate(schema, candidate.document).length === 0 && (await fails(candidate))) {
      best = candidate;
      kept++;
    } else {
      position++;
    }
  }
}

/** @param fails whether the subgraphs still compose and fail in the same way. */
export async function shrinkSubgraphs(
  subgraphs: readonly SubgraphSource[],
  fails: (subgraphs: readonly SubgraphSource[]) => Promise<boolean>,
): Promise<readonly SubgraphSource[]> {
  let best = subgraphs;
  for (const [i] of subgraphs.entries()) {
    const without = best.filter(({ name }) => name !== subgraphs[i]!.name);
    if (without.length > 0 && (await fails(without))) best = without;
  }
  for (const kinds of [typeKinds, fieldKinds, typeKinds, smallKinds, fieldKinds, typeKinds]) {
    for (const { name } of best) {
      let position = 0;
      for (;;) {
        const typeDefs = withoutNode(best.find((one) => one.name === name)!.typeDefs, kinds, position);
        if (typeDefs === undefined) break;
        const candidate = best.map((one) => (one.name === name ? { name, typeDefs } : one));
        if (await fails(candidate)) best = candidate;
        else position++;
      }
    }
  }
  return best;
}

const typeKinds = new Set<string>([
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.INTERFACE_TYPE_DEFINITION,
  Kind.UNION_TYPE_DEFINITION,
  Kind.ENUM_TYPE_DEFINITION,
  Kind.INPUT_OBJECT_TYPE_DEFINITION,
  Kind.SCALAR_TYPE_DEFINITION,
]);
const fieldKinds = new Set<string>([Kind.FIELD_DEFINITION]);
const smallKinds = new Set<string>([
  Kind.DIRECTIVE,
  Kind.INPUT_VALUE_DEFINITION,
  Kind.NAMED_TYPE,
  Kind.ENUM_VALUE_DEFINITION,
  Kind.NON_NULL_TYPE,
  Kind.LIST_TYPE,
]);

/** The text without the node of these kinds at this position; undefined when there are no more. */
function withoutNode(text: string, kinds: ReadonlySet<string>, position: number): string | undefined {
  let count = -1;
  const document = visit(parse(text, { noLocation: true }), {
    enter(node, _key, parent): ASTNode | null | undefined {
      if (node.kind === Kind.SCHEMA_EXTENSION) return undefined;
      // A type's name can only go from a list of them.
      const isFixed = node.kind === Kind.NAMED_TYPE && !Array.isArray(parent);
      if (isFixed || !kinds.has(node.kind) || ++count !== position) return undefined;
      return node.kind === Kind.NON_NULL_TYPE || node.kind === Kind.LIST_TYPE ? node.type : null;
    },
  });
  return count < position ? undefined : print(document);
}

/** The operation without its part at this position, or with it written plainer; undefined when there are no more. */
function operationWithout(operation: RandomOperation, position: number): RandomOperation | undefined {
  let count = -1;
  const take = () => ++count === position;
  const fragments = new Map(
    operation.document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [],
    ),
  );
  const document = visit(operation.document, {
    SelectionSet: {
      leave(node) {
        for (const [i, selection] of node.selections.entries()) {
          const withInstead = (insteadOf: readonly SelectionNode[]) => ({
            ...node,
            selections: node.selections.flatMap((one, j) => (i === j ? insteadOf : [one])),
          });
          if (node.selections.length > 1 && take()) return withInstead([]);
          if (selection.kind === Kind.INLINE_FRAGMENT && take())
            return withInstead(selection.selectionSet.selections);
          if (selection.kind === Kind.FRAGMENT_SPREAD && take()) {
            const { typeCondition, selectionSet } = fragments.get(selection.name.value)!;
            return withInstead([
              {
                kind: Kind.INLINE_FRAGMENT,
                typeCondition,
                directives: selection.directives ?? [],
                selectionSet,
              },
            ]);
          }
          if (selection.kind === Kind.FIELD && selection.alias && take()) {
            const plain = { ...selection };
            delete (plain as { alias?: NameNode }).alias;
            return withInstead([plain]);
          }
        }
        return undefined;
      },
    },
    Directive: { leave: () => (take() ? null : undefined) },
    Argument: { leave: () => (take() ? null : undefined) },
    ObjectField: { leave: () => (take() ? null : undefined) },
  });
  if (count >= position) return pruned(document, operation);
  const dropped = Object.keys(operation.variables)[position - count - 1];
  if (dropped === undefined) return undefined;
  return {
    ...operation,
    variables: Object.fromEntries(Object.entries(operation.variables).filter(([name]) => name !== dropped)),
  };
}

/** Without fragments and variables that nothing uses any more. */
function pruned(document: DocumentNode, { variables, operationName }: RandomOperation): RandomOperation {
  let result = document;
  for (;;) {
    const used = new Set<string>();
    visit(result, {
      FragmentSpread: (node) => void used.add(`...${node.name.value}`),
      VariableDefinition: () => false,
      Variable: (node) => void used.add(node.name.value),
    });
    const next = visit(result, {
      FragmentDefinition: (node) => (used.has(`...${node.name.value}`) ? undefined : null),
      VariableDefinition: (node) => (used.has(node.variable.name.value) ? false : null),
    });
    if (next === result)
      return {
        document: result,
        source: print(result),
        variables: Object.fromEntries(Object.entries(variables).filter(([name]) => used.has(name))),
        operationName,
      };
    result = next;
  }
}
