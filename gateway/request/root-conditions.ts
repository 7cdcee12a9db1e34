import {
  type DocumentNode,
  type GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  type SelectionSetNode,
} from 'graphql';
import { requestError } from '../errors';
import { fragmentsOf } from '../execution/compile/conditions';

/**
 * Why a document may not be validated: `@skip` or `@include` on root fields of a subscription, or on fragments around them
 * (GraphQL, September 2025, section 5.2.4.1, "Single Root Field"). graphql-js's rule, and the planner, throw for these.
 * Undefined for all other documents, also for those that do not parse.
 */
export function refuseRootConditions(source: string): GraphQLError | undefined {
  if (!source.includes('subscription') || !(source.includes('@skip') || source.includes('@include')))
    return undefined;
  let document: DocumentNode;
  try {
    document = parse(source, { noLocation: true });
  } catch {
    return undefined;
  }
  const directive = rootCondition(document);
  if (directive === undefined) return undefined;
  const reason = `The root field of a subscription must not depend on "@${directive}".`;
  return requestError('GRAPHQL_VALIDATION_FAILED', { reason });
}

/** The first such directive. */
function rootCondition(document: DocumentNode): string | undefined {
  const fragments = fragmentsOf(document);
  const seen = new Set<string>();
  for (const one of document.definitions) {
    if (one.kind !== Kind.OPERATION_DEFINITION || one.operation !== OperationTypeNode.SUBSCRIPTION) continue;
    const found = conditionIn(one.selectionSet);
    if (found !== undefined) return found;
  }
  return undefined;

  function conditionIn({ selections }: SelectionSetNode): string | undefined {
    for (const selection of selections) {
      const own = selection.directives?.find(({ name }) => name.value === 'skip' || name.value === 'include');
      if (own !== undefined) return own.name.value;
      if (selection.kind === Kind.FIELD) continue;
      let inner: { readonly selectionSet: SelectionSetNode } | undefined;
      if (selection.kind === Kind.INLINE_FRAGMENT) inner = selection;
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        inner = fragments.get(selection.name.value);
      }
      const found = inner && conditionIn(inner.selectionSet);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
