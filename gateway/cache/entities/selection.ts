/** The selections of a subgraph's operation, in which a cache finds the entities of an answer. */
import {
  type ArgumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { fragmentsOf } from '../../execution/compile/conditions';
import type { EntityFacts } from '../../planning';

export interface PositionSelection {
  /** The declared type of the position. */
  readonly type: string;
  /** By response name. Several fields if they are selected on different types. */
  readonly fields: ReadonlyMap<string, readonly PositionField[]>;
}

export interface PositionField {
  readonly name: string;
  /** The type condition under which it is selected. */
  readonly on: string;
  readonly arguments: readonly ArgumentNode[];
  /** Undefined for a leaf. */
  readonly selection: PositionSelection | undefined;
}

/** Reads an operation: its root selection, and the defaults of its variables. */
export function readOperation(
  text: string,
  facts: EntityFacts,
): { readonly root: PositionSelection; readonly defaults: ReadonlyMap<string, ValueNode> } {
  const document = parse(text, { noLocation: true });
  const operation = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const { operation: kind, selectionSet, variableDefinitions = [] } = operation as OperationDefinitionNode;
  const defaults = variableDefinitions.flatMap(({ variable, defaultValue }) =>
    defaultValue === undefined ? [] : [[variable.name.value, defaultValue] as const],
  );
  const root = kind === OperationTypeNode.MUTATION ? facts.mutationType : facts.queryType;
  return { root: read(root, [selectionSet], facts, fragmentsOf(document)), defaults: new Map(defaults) };
}

/** All types that objects in a selection may have, with their interfaces and unions. */
export function typesIn(
  selection: PositionSelection,
  facts: EntityFacts,
  types = new Set<string>(),
): Set<string> {
  for (const each of relativesOf(selection.type, facts)) types.add(each);
  for (const fields of selection.fields.values()) {
    for (const { on, selection: child } of fields) {
      for (const each of relativesOf(on, facts)) types.add(each);
      if (child !== undefined) typesIn(child, facts, types);
    }
  }
  return types;
}

/** The type itself, its possible object types, and its interfaces and unions. */
export function relativesOf(type: string, facts: EntityFacts): string[] {
  return [type, ...(facts.objects.get(type) ?? []), ...(facts.abstract.get(type) ?? [])];
}

const entitiesField = '_entities';
/** The type of `_entities`, which is in no supergraph. */
export const anyEntity = '_Entity';

function read(
  type: string,
  selectionSets: readonly SelectionSetNode[],
  facts: EntityFacts,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): PositionSelection {
  const gathered = new Map<string, Map<string, GatheredField>>();
  const gather = (on: string, { selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const { name, alias, arguments: given = [], selectionSet } = selection;
        const responseName = (alias ?? name).value;
        const byType = gathered.get(responseName) ?? new Map<string, GatheredField>();
        gathered.set(responseName, byType);
        const key = `${on}.${name.value}`;
        const field = byType.get(key) ?? { name: name.value, on, arguments: given, selectionSets: [] };
        byType.set(key, field);
        if (selectionSet !== undefined) field.selectionSets.push(selectionSet);
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)!;
        gather(fragment.typeCondition?.name.value ?? on, fragment.selectionSet);
      }
    }
  };
  for (const selectionSet of selectionSets) gather(type, selectionSet);
  const fields = [...gathered].map(
    ([responseName, byType]) =>
      [
        responseName,
        [...byType.values()].map(({ selectionSets: below, ...field }): PositionField => {
          const named =
            field.name === entitiesField ? anyEntity : facts.fields.get(field.on)?.get(field.name);
          return {
            ...field,
            selection: named === undefined ? undefined : read(named, below, facts, fragments),
          };
        }),
      ] as const,
  );
  return { type, fields: new Map(fields) };
}

interface GatheredField {
  readonly name: string;
  readonly on: string;
  readonly arguments: readonly ArgumentNode[];
  readonly selectionSets: SelectionSetNode[];
}
