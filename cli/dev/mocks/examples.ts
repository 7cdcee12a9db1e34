/**
 * The examples in a description, such as "Readable, such as `cookware`." or "Example: 12.50". They follow `such as`,
 * `for example`, `e.g.` or `Example:`, in backticks or quotes, until the sentence ends; `Example:` also takes the rest of
 * its line as it is.
 */
export function examplesIn(description: string | null | undefined): string[] {
  return (description ?? '').split('\n').flatMap((line) => {
    const lower = line.toLowerCase();
    const found = markers
      .map((marker) => ({ marker, at: lower.indexOf(marker) }))
      .find(({ at }) => at >= 0 && !isLetter(lower[at - 1]));
    if (found === undefined) return [];
    const rest = line.slice(found.at + found.marker.length);
    const quoted = quotedIn(rest);
    if (quoted.length > 0 || !found.marker.startsWith('example')) return quoted;
    const plain = rest.trim().replace(/\.$/, '');
    return plain === '' ? [] : [plain];
  });
}

const markers = ['such as ', 'for example', 'e.g.', 'examples:', 'example:'];

const isLetter = (character: string | undefined): boolean =>
  character !== undefined && /[a-z]/.test(character);

/** What is in backticks or double quotes in the first sentence. */
function quotedIn(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '.' && (text[at + 1] ?? ' ') === ' ') break;
    if (character !== '`' && character !== '"') continue;
    const end = text.indexOf(character, at + 1);
    if (end < 0) break;
    if (end > at + 1) found.push(text.slice(at + 1, end));
    at = end;
  }
  return found;
}
