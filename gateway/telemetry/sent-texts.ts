import { Lexer, Source, TokenKind } from 'graphql';

/**
 * The beginning of a document, without texts, numbers and comments, which may be personal data and must not be logged.
 * It ends at a syntax error, as the rest cannot be tokenised safely.
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
    // A syntax error ends the text.
  }
  return shown.slice(0, longest);
}

const blanks: { readonly [kind in TokenKind]?: string } = {
  [TokenKind.STRING]: '""',
  [TokenKind.BLOCK_STRING]: '""',
  [TokenKind.INT]: '0',
  [TokenKind.FLOAT]: '0',
};

/** The values that a client has sent: variables, the document, and headers. */
export interface ClientValues {
  readonly document: string;
  readonly variables: unknown;
  /** The headers that subgraphs got. */
  readonly headers: readonly Readonly<Record<string, string>>[];
}

/**
 * Compiles a function that removes values of a client from a text, as a subgraph may quote them in an error. Values of
 * fewer than eight characters are kept. The time is linear in the size of the values and of the text.
 */
export function compileWithoutSent(sent: ClientValues): (text: string) => string {
  /** By prefix, the length of the longest value with that prefix. */
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

/** The texts in a value at any depth. Without recursion, as clients choose the depth. */
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
