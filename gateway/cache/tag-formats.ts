/** The formats of `@cacheTag`. */
import { matchesParts } from '../options/wildcards';

/**
 * Replaces the placeholders in the format of a `@cacheTag`, such as `product-{$key.upc}`. If a value is not known, the
 * format itself is returned, which stands for all its tags.
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

export function formatsOf(tag: string, formats: Iterable<string>): string[] {
  return [...formats].filter((format) => {
    const parts = format.split(/\{\s*\$[\w.]+\s*\}/);
    return parts.length > 1 && matchesParts(tag, parts);
  });
}
