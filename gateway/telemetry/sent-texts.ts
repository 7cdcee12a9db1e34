import { Lexer, Source, TokenKind } from 'graphql';

/**
 * The beginning of a document, without what clients wrote as texts, numbers or comments, which may be about somebody and
 * is no matter of the log. It ends where the document is no GraphQL any more: who knows what is between quotes there.
 */
export function withoutTexts(document: string, longest = Infinity): string {
  const lexer = new Lexer(new Source(document));
  let shown = '';
  try {
    while (shown.length < longest) {
      const before = lexer.token;
      const { kind, start, end } = lexer.advance();
      if (kind === TokenKind.EOF) break;
      if (shown !== '' && start > before.end) shown += ' ';
      shown += blanks[kind] ?? document.slice(start, end);
    }
  } catch {
    // What came before is all that can be shown.
  }
  return shown.slice(0, longest);
}

const blanks: { readonly [kind in TokenKind]?: string } = {
  [TokenKind.STRING]: '""',
  [TokenKind.BLOCK_STRING]: '""',
  [TokenKind.INT]: '0',
  [TokenKind.FLOAT]: '0',
};

/** What a client has sent: variables, the document of its operation, and headers. */
export interface Sent {
  readonly document: string;
  readonly variables: unknown;
  /** As subgraphs have got them. */
  readonly headers: readonly Readonly<Record<string, string>>[];
}

/**
 * Leaves out of a text what a client has sent: a subgraph may quote it in an error. Texts of fewer than eight characters
 * stay. Takes time in proportion to what was sent and to the text.
 */
export function compileWithoutSent(sent: Sent): (text: string) => string {
  /** By how they begin: of those that begin so the length of the longest. */
  const lengths = new Map<string, number>();
  const note = (text: string): void => {
    if (text.length < shortest) return;
    const beginning = text.slice(0, shortest);
    lengths.set(beginning, Math.max(lengths.get(beginning) ?? 0, text.length));
  };
  for (const value of sent.headers.flatMap(Object.values<string>))
    for (const text of [value, ...value.split(/[\s;,=]/)]) note(text);
  for (const text of textsIn(sent.variables)) note(text);
  for (const text of textsOfDocument(sent.document)) note(text);
  return (text) => {
    let shown = '';
    for (let i = 0; i < text.length;) {
      const length = lengths.get(text.slice(i, i + shortest));
      shown += length === undefined ? text[i]! : '[redacted]';
      i += length ?? 1;
    }
    return shown;
  };
}

const shortest = 8;

/** The texts in a value, however deep. What is nested is not followed by recursion: clients choose how deep it is. */
function* textsIn(value: unknown): Iterable<string> {
  const left = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string') yield next;
    else if (typeof next === 'number') yield String(next);
    else if (typeof next === 'object' && next !== null)
      for (const member of Object.values(next)) left.push(member);
  }
}

function* textsOfDocument(document: string): Iterable<string> {
  const lexer = new Lexer(new Source(document));
  while (lexer.advance().kind !== TokenKind.EOF) {
    const { kind, value } = lexer.token;
    if (kind in blanks) yield value;
  }
}
