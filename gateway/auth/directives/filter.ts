import {
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type InlineFragmentNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { requestError } from '../../errors';
import type { Visibility } from './visibility';

export interface FilteredOperation {
  /** The operation and its fragments without refused fields. This document is planned. */
  readonly document: DocumentNode;
  /** `Type.field` of every removed field. */
  readonly refused: ReadonlySet<string>;
}

/**
 * Removes the fields of an operation that the caller may not see. A field that is visible only on some objects of an
 * interface is selected on these.
 */
export function withoutRefused(
  { definitions }: DocumentNode,
  operation: OperationDefinitionNode,
  visibility: Visibility,
): FilteredOperation {
  const { protection } = visibility;
  const refused = new Set<string>();
  let expanded = 0;
  const conditions = new Map(
    definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one.typeCondition.name.value] as const] : [],
    ),
  );
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: definitions.flatMap((definition): DefinitionNode[] => {
      if (definition === operation) {
        const root = protection.schema.getRootType(operation.operation)!.name;
        return [{ ...operation, selectionSet: select(operation.selectionSet, root) }];
      }
      if (definition.kind !== Kind.FRAGMENT_DEFINITION) return [];
      const condition = definition.typeCondition.name.value;
      if (showsNothing(condition)) return [];
      return [{ ...definition, selectionSet: select(definition.selectionSet, condition) }];
    }),
  };
  return { document, refused };

  /** An interface may be refused because of some implementations, while selections on others are visible. */
  function showsNothing(condition: string): boolean {
    return visibility.isForbidden(condition) && protection.objectsOf(condition).length === 0;
  }

  function select({ selections }: SelectionSetNode, type: string): SelectionSetNode {
    const kept = selections.flatMap((selection) => filter(selection, type));
    const names = selections.flatMap((one) => (one.kind === Kind.FIELD ? [one.name.value] : []));
    // `__typename` shows which objects are visible.
    const isTypeNeeded = kept.length === 0 || visibility.dependsOnType(type, names);
    const isTaken = kept.some((one) => one.kind === Kind.FIELD && keyOf(one) === typename.name.value);
    return { kind: Kind.SELECTION_SET, selections: isTypeNeeded && !isTaken ? [typename, ...kept] : kept };
  }

  function filter(selection: SelectionNode, type: string): readonly SelectionNode[] {
    switch (selection.kind) {
      case Kind.FIELD:
        return filterField(selection, type);
      case Kind.FRAGMENT_SPREAD:
        return showsNothing(conditions.get(selection.name.value)!) ? [] : [selection];
      case Kind.INLINE_FRAGMENT: {
        const condition = selection.typeCondition?.name.value;
        if (condition !== undefined && showsNothing(condition)) return [];
        return [{ ...selection, selectionSet: select(selection.selectionSet, condition ?? type) }];
      }
      default:
        return selection satisfies never;
    }
  }

  function filterField(field: FieldNode, type: string): readonly SelectionNode[] {
    const name = field.name.value;
    if (protection.typeOf(type, name) === undefined) return [field];
    if (visibility.isRefused(type, name)) {
      refused.add(`${type}.${name}`);
      return [];
    }
    if (!visibility.dependsOnType(type, [name])) return [below(field, type)];
    return protection.objectsOf(type).flatMap((object): InlineFragmentNode[] => {
      if (visibility.isForbidden(object) || visibility.isRefused(object, name)) {
        refused.add(`${object}.${name}`);
        return [];
      }
      if (++expanded > mostExpanded)
        throw requestError('QUERY_TOO_COMPLEX', { what: 'fragments', limit: mostExpanded });
      return [
        {
          kind: Kind.INLINE_FRAGMENT,
          typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: object } },
          selectionSet: { kind: Kind.SELECTION_SET, selections: [below(field, object)] },
        },
      ];
    });
  }

  /** The field with its visible selections. */
  function below(field: FieldNode, parent: string): FieldNode {
    if (field.selectionSet === undefined) return field;
    const type = protection.typeOf(parent, field.name.value)!;
    return { ...field, selectionSet: select(field.selectionSet, type) };
  }
}

/** The most selections after expansion, as interfaces within interfaces multiply. */
const mostExpanded = 10_000;

const keyOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
