import {
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  stripIgnoredCharacters,
} from 'graphql';
import type { EntityFacts } from '../../planning';
import type { SubgraphOperation } from '../../subgraph-calls/contract/transport';

/** The same mutation with the keys of returned entities; the engine ignores fields that it did not select. */
export function withEntityKeys(operation: SubgraphOperation, facts: EntityFacts): SubgraphOperation {
  const { subgraph, document: text, name } = operation;
  const keys = facts.subgraphs.get(subgraph)?.keys;
  if (keys === undefined || keys.size === 0) return operation;
  const document = parse(text, { noLocation: true });

  const extend = (type: string, { selections, ...set }: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: [...selections.map((selection) => extendBelow(type, selection)), ...keyFields(type)],
  });

  function extendBelow(type: string, selection: SelectionNode): SelectionNode {
    if (selection.kind === Kind.FRAGMENT_SPREAD || selection.selectionSet === undefined) return selection;
    const below =
      selection.kind === Kind.FIELD
        ? facts.fields.get(type)?.get(selection.name.value)
        : (selection.typeCondition?.name.value ?? type);
    if (below === undefined) return selection;
    return { ...selection, selectionSet: extend(below, selection.selectionSet) };
  }

  function keyFields(type: string): SelectionNode[] {
    const objects = facts.objects.get(type);
    if (objects === undefined) return ownKeyFields(type);
    const known = objects.filter((object) => keys!.has(object)).slice(0, mostTypes);
    return [
      aliased({ kind: Kind.FIELD, name: nameOf('__typename') }, type),
      ...known.map((object): SelectionNode => ({
        kind: Kind.INLINE_FRAGMENT,
        typeCondition: { kind: Kind.NAMED_TYPE, name: nameOf(object) },
        selectionSet: { kind: Kind.SELECTION_SET, selections: ownKeyFields(object) },
      })),
    ];
  }

  function ownKeyFields(type: string): SelectionNode[] {
    const [key] = keys!.get(type) ?? [];
    if (key === undefined) return [];
    const [definition] = parse(`{${key}}`, { noLocation: true }).definitions as [OperationDefinitionNode];
    return definition.selectionSet.selections.map((selection) =>
      selection.kind === Kind.FIELD ? aliased(selection, type) : selection,
    );
  }

  const definitions = document.definitions.map((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? { ...definition, selectionSet: extend(facts.mutationType, definition.selectionSet) }
      : definition,
  );
  const extended = stripIgnoredCharacters(print({ ...document, definitions }));
  const operationName = name === undefined ? '' : `,"operationName":${JSON.stringify(name)}`;
  const bodyPrefix = Buffer.from(`{"query":${JSON.stringify(extended)}${operationName},"variables":`);
  return { ...operation, document: extended, bodyPrefix };
}

/** The most types of an interface or union whose keys are selected. */
const mostTypes = 20;

const nameOf = (value: string) => ({ kind: Kind.NAME, value }) as const;

/** Gives the field an alias that no field of a client has. */
const aliased = (field: FieldNode, type: string): FieldNode => ({
  ...field,
  alias: nameOf(`weir_${type}_${field.name.value}`),
});
