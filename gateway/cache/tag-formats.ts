/** The texts of the supergraph that tags are made by: keys, and the formats of `@cacheTag`. */
import { Kind, type OperationDefinitionNode, parse, type SelectionSetNode } from 'graphql';
import { matchesParts } from '../options/wildcards';

/** A key's fields, each by its path. */
export type Key = readonly (readonly string[])[];

/** Reads a key's field set. */
export function readKey(fieldSet: string): Key {
  const [operation] = parse(`{${fieldSet}}`, { noLocation: true }).definitions;
  return pathsOf((operation as OperationDefinitionNode).selectionSet);
}

const pathsOf = ({ selections }: SelectionSetNode): string[][] =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
    const below = selection.selectionSet === undefined ? [[]] : pathsOf(selection.selectionSet);
    return selection.kind === Kind.FIELD ? below.map((path) => [selection.name.value, ...path]) : below;
  });

/**
 * A `@cacheTag` with the values that its format names: `product-{$key.upc}`. Where one is not known it is the format
 * itself, which stands for all tags that it can become.
 */
export function interpolate(
  format: string,
  of: 'key' | 'args',
  find: (path: readonly string[]) => unknown,
): string {
  let isKnown = true as boolean;
  const tag = format.replaceAll(placeholder, (_, source: string, path: string) => {
    const value = source === of ? find(path.split('.')) : undefined;
    isKnown &&= value !== undefined && value !== null;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  return isKnown ? tag : format;
}

const placeholder = /\{\s*\$(key|args)\.([\w.]+)\s*\}/g;

/** The formats of tags that a tag may come from, some value in each placeholder. */
export function formatsOf(tag: string, formats: Iterable<string>): string[] {
  return [...formats].filter((format) => {
    const parts = format.split(/\{\s*\$[\w.]+\s*\}/);
    return parts.length > 1 && matchesParts(tag, parts);
  });
}
