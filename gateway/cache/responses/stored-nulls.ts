import type { ObservedNull } from '../../execution';
import type { StoredAnswer } from './stored-answer';

/**
 * Why values of a cached answer are null, as JSON beside the answer, so that it counts as memory of the cache and is found
 * by nobody who may not have the answer. Keeps the first nulls alone if all would be longer than 16 KiB.
 *
 * @returns nothing where nobody has looked
 */
export function writeNulls(nulls: readonly ObservedNull[] | undefined): Buffer {
  if (nulls === undefined) return nothing;
  if (nulls.length === 0) return none;
  const texts = [];
  let length = 2;
  for (const each of nulls) {
    const text = JSON.stringify(each);
    length += text.length + 1;
    if (length > longest) break;
    texts.push(text);
  }
  return Buffer.from(`[${texts.join(',')}]`);
}

/** Why values of a cached answer are null; undefined where that is not known. */
export function nullsOf({ nulls }: Pick<StoredAnswer, 'nulls'>): readonly ObservedNull[] | undefined {
  if (nulls.length === 0) return undefined;
  try {
    return JSON.parse(nulls.toString()) as ObservedNull[];
  } catch {
    return undefined;
  }
}

const nothing: Buffer = Buffer.alloc(0);
const none: Buffer = Buffer.from('[]');
/** In UTF-16 code units. */
const longest = 16 * 1024;
