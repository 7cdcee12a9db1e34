import { Kind, type OperationDefinitionNode, parse, type SelectionSetNode } from 'graphql';

/** The fields of a key, each as a path. */
export type KeyPaths = readonly (readonly string[])[];

/** Reads the field set of a key. */
export function readKey(fieldSet: string): KeyPaths {
  const [operation] = parse(`{${fieldSet}}`, { noLocation: true }).definitions;
  return pathsOf((operation as OperationDefinitionNode).selectionSet);
}

/** Whether a text is the field set of a key. */
export function isKey(fieldSet: unknown): fieldSet is string {
  try {
    return typeof fieldSet === 'string' && readKey(fieldSet).length > 0;
  } catch {
    return false;
  }
}

const pathsOf = ({ selections }: SelectionSetNode): string[][] =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
    const below = selection.selectionSet === undefined ? [[]] : pathsOf(selection.selectionSet);
    return selection.kind === Kind.FIELD ? below.map((path) => [selection.name.value, ...path]) : below;
  });
