import {
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { fetchesOf, type FetchNode, type QueryPlan, type RequiredSelection } from '../../execution';
import type { Visibility } from './visibility';

/**
 * The fields, as `Type.field`, that a plan fetches only by means of something that the caller may not see: a key, or
 * fields that an interface object needs of all its implementations. Empty for a plan that fetches nothing refused.
 *
 * These fields must be refused, too, and the rest planned again, until no plan fetches anything refused.
 */
export function outOfReach(plan: QueryPlan, document: DocumentNode, visibility: Visibility): Set<string> {
  const fetches = fetchesOf(plan).map(({ node }) => ({ node, operation: operationOf(node) }));
  const requested = new Set<string>();
  for (const { node, operation } of fetches)
    for (const field of refusedOf(operation, node, visibility)) requested.add(field);
  const found = new Set<string>();
  let names: ReadonlySet<string> | undefined;
  for (const { node, operation } of fetches) {
    if (!requiresRefused(node.requires ?? [], undefined, visibility)) continue;
    names ??= fieldNamesIn(document);
    const all = entityFields(operation);
    const selected = all.filter(({ name }) => names!.has(name));
    for (const { type, name } of selected.length > 0 ? selected : all) found.add(`${type}.${name}`);
  }
  return found.size > 0 ? found : requested;
}

function operationOf({ operation }: FetchNode): OperationDefinitionNode {
  return parse(operation, { noLocation: true }).definitions.find(
    (one) => one.kind === Kind.OPERATION_DEFINITION,
  )!;
}

/** The refused fields that a subgraph would get, of at least some objects. */
function* refusedOf(
  operation: OperationDefinitionNode,
  { requires }: FetchNode,
  visibility: Visibility,
): Iterable<string> {
  const { schema } = visibility.protection;
  if (requires === undefined) {
    yield* refusedIn(operation.selectionSet, schema.getRootType(operation.operation)?.name, visibility);
    return;
  }
  // The types of entities are those in the required fields, whatever a subgraph calls them.
  const entities = requires.flatMap((one) => {
    const type = one.kind === 'InlineFragment' ? one.typeCondition : undefined;
    return type === undefined ? [] : objectsOf(type, visibility);
  });
  for (const { type, name, below } of entityFields(operation)) {
    const objects = objectsOf(type, visibility).filter((object) => entities.includes(object));
    if (objects.some((object) => visibility.isForbidden(object) || visibility.isRefused(object, name)))
      yield `${type}.${name}`;
    if (below !== undefined) yield* refusedIn(below, visibility.protection.typeOf(type, name), visibility);
  }
}

function objectsOf(type: string, { protection }: Visibility): readonly string[] {
  const objects = protection.objectsOf(type);
  return objects.length === 0 ? [type] : objects;
}

function* refusedIn(
  { selections }: SelectionSetNode,
  type: string | undefined,
  visibility: Visibility,
): Iterable<string> {
  for (const selection of selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      yield* refusedIn(selection.selectionSet, selection.typeCondition?.name.value ?? type, visibility);
      continue;
    }
    const name = selection.name.value;
    if (type !== undefined && isPartlyRefused(type, name, visibility)) yield `${type}.${name}`;
    if (selection.selectionSet === undefined) continue;
    const below = type === undefined ? undefined : visibility.protection.typeOf(type, name);
    yield* refusedIn(selection.selectionSet, below, visibility);
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

interface EntityField {
  readonly type: string;
  readonly name: string;
  readonly below: SelectionSetNode | undefined;
}

/** The fields that an operation selects on entities. */
function entityFields({ selectionSet }: OperationDefinitionNode): EntityField[] {
  const fields: EntityField[] = [];
  const gather = ({ selections }: SelectionSetNode, type: string | undefined): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT)
        gather(selection.selectionSet, selection.typeCondition?.name.value ?? type);
      else if (selection.kind === Kind.FIELD && type !== undefined && selection.name.value !== '__typename')
        fields.push({ type, name: selection.name.value, below: selection.selectionSet });
    }
  };
  for (const selection of selectionSet.selections)
    if (selection.kind === Kind.FIELD && selection.selectionSet !== undefined)
      gather(selection.selectionSet, undefined);
  return fields;
}

function fieldNamesIn(document: DocumentNode): Set<string> {
  const found = new Set<string>();
  visit(document, { Field: ({ name }) => void found.add(name.value) });
  return found;
}
