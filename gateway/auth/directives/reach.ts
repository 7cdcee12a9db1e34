import {
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { fetchesOf, type FetchNode, type QueryPlan, type RequiredSelection } from '../../execution';
import type { Visibility } from './visibility';

/**
 * The fields, `Type.field`, that a plan fetches only by way of something that the caller may not see: a key, or what an
 * interface object is told of all of its implementations. None for a plan that asks for nothing that is refused.
 *
 * To be refused, too; what is left is planned again. It may still go such a way, until nothing goes one.
 */
export function outOfReach(plan: QueryPlan, document: DocumentNode, visibility: Visibility): Set<string> {
  const fetches = fetchesOf(plan).map(({ node }) => ({ node, operation: operationOf(node) }));
  const asked = new Set<string>();
  for (const { operation } of fetches)
    for (const field of refusedOf(operation.selectionSet, rootOf(operation, visibility), visibility))
      asked.add(field);
  const found = new Set<string>();
  for (const { node, operation } of fetches) {
    if (!requiresRefused(node.requires ?? [], undefined, visibility)) continue;
    const all = entityFields(operation);
    const selected = all.filter((field) => names(document).has(field.split('.')[1]!));
    for (const field of selected.length > 0 ? selected : all) found.add(field);
  }
  return found.size > 0 ? found : asked;
}

function operationOf({ operation }: FetchNode): OperationDefinitionNode {
  return parse(operation, { noLocation: true }).definitions.find(
    (one) => one.kind === Kind.OPERATION_DEFINITION,
  )!;
}

const rootOf = ({ operation }: OperationDefinitionNode, { protection }: Visibility): string =>
  protection.schema.getRootType(operation)?.name ?? protection.schema.getRootType(OperationTypeNode.QUERY)!.name;

/** What a subgraph would be asked for that is refused, of some objects at least. */
function* refusedOf(
  { selections }: SelectionSetNode,
  type: string | undefined,
  visibility: Visibility,
): Iterable<string> {
  for (const selection of selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      yield* refusedOf(selection.selectionSet, selection.typeCondition?.name.value ?? type, visibility);
      continue;
    }
    const name = selection.name.value;
    if (type !== undefined && isPartlyRefused(type, name, visibility)) yield `${type}.${name}`;
    if (selection.selectionSet === undefined) continue;
    const below = type === undefined ? undefined : visibility.protection.typeOf(type, name);
    yield* refusedOf(selection.selectionSet, below, visibility);
  }
}

function requiresRefused(
  selections: readonly RequiredSelection[],
  type: string | undefined,
  visibility: Visibility,
): boolean {
  return selections.some((selection) => {
    if (selection.kind === 'InlineFragment')
      return requiresRefused(selection.selections, selection.typeCondition ?? type, visibility);
    const { name, selections: below = [] } = selection;
    if (type === undefined) return false;
    return (
      isPartlyRefused(type, name, visibility) ||
      requiresRefused(below, visibility.protection.typeOf(type, name), visibility)
    );
  });
}

const isPartlyRefused = (type: string, name: string, visibility: Visibility): boolean =>
  name !== '__typename' && (visibility.isRefused(type, name) || visibility.dependsOnType(type, [name]));

/** The fields of entities that an operation asks for. */
function entityFields({ selectionSet }: OperationDefinitionNode): string[] {
  const fields: string[] = [];
  const gather = ({ selections }: SelectionSetNode, type: string | undefined): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT)
        gather(selection.selectionSet, selection.typeCondition?.name.value ?? type);
      else if (selection.kind === Kind.FIELD && type !== undefined && selection.name.value !== '__typename')
        fields.push(`${type}.${selection.name.value}`);
    }
  };
  for (const selection of selectionSet.selections)
    if (selection.kind === Kind.FIELD && selection.selectionSet !== undefined)
      gather(selection.selectionSet, undefined);
  return fields;
}

function names(document: DocumentNode): Set<string> {
  const found = new Set<string>();
  visit(document, { Field: ({ name }) => void found.add(name.value) });
  return found;
}
