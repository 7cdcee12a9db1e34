import { type FieldNode, type OperationDefinitionNode, parse } from 'graphql';
import type { SubgraphOperation } from '../contract/transport';

/** The field of a subscription: the planner writes it as the only one, and no fragment around it. */
export function rootFieldOf(operation: SubgraphOperation): FieldNode {
  let field = rootFields.get(operation);
  if (field === undefined) {
    const [definition] = parse(operation.document, { noLocation: true }).definitions;
    field = (definition as OperationDefinitionNode).selectionSet.selections[0] as FieldNode;
    rootFields.set(operation, field);
  }
  return field;
}

const rootFields = new WeakMap<SubgraphOperation, FieldNode>();

/** The variables of a request. */
export const variablesOf = ({
  variables,
}: {
  readonly variables: Buffer;
}): Readonly<Record<string, unknown>> =>
  variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Record<string, unknown>);
