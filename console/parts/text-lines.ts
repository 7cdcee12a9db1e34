import type { ExplainedDocument } from '../../gateway/console/api';

export type Part = ExplainedDocument['parts'][number];

/** A line of an operation: text, and between it the names of fields. */
export interface TextLine {
  readonly pieces: readonly (
    | string
    | { readonly part: Part; readonly index: number; readonly text: string }
  )[];
  /** The subgraphs of its fields, if they are others than those of the line with fields before it. */
  readonly owners: readonly string[];
}

/** The path of a value in the response without the indexes of lists: that of its field. */
export const fieldOf = (path: readonly (string | number)[]): string =>
  path.filter((step) => typeof step === 'string').join('.');

/**
 * Cuts an operation into lines, and each line at the names of fields. A part that overlaps another, lies outside the text or
 * goes over the end of a line stays plain text.
 */
export function linesOf({ text, parts }: ExplainedDocument): TextLine[] {
  const lines: TextLine[] = [];
  let next = 0;
  let start = 0;
  let before = '';
  for (const line of text.split('\n')) {
    const end = start + line.length;
    const pieces: TextLine['pieces'][number][] = [];
    const owners = new Set<string>();
    let at = start;
    while (next < parts.length && parts[next]!.from < end) {
      const part = parts[next]!;
      if (part.from >= at && part.to <= end && part.to > part.from) {
        if (part.from > at) pieces.push(text.slice(at, part.from));
        pieces.push({ part, index: next, text: text.slice(part.from, part.to) });
        for (const name of part.subgraphs) owners.add(name);
        at = part.to;
      }
      next++;
    }
    if (at < end || pieces.length === 0) pieces.push(text.slice(at, end));
    const named = [...owners];
    const isNews = named.length > 0 && named.join() !== before;
    if (isNews) before = named.join();
    lines.push({ pieces, owners: isNews ? named : [] });
    start = end + 1;
  }
  return lines;
}
