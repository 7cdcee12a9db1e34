import { Lexer, Source, TokenKind } from 'graphql';

/** Measures of a document from its tokens, before anything recursive reads it. */
export interface Outline {
  /** The number of tokens. If counting stopped at the bound, one more than the bound. */
  readonly tokens: number;
  /** The deepest nesting of braces within one definition, or of brackets in a value. */
  readonly levels: number;
  readonly valueLevels: number;
  readonly aliases: number;
  readonly directives: number;
  /** Whether a field introspects the schema. */
  readonly introspects: boolean;
  /** Operations and fragments. A fragment comes before the definitions that spread it, unless it is part of a cycle. */
  readonly definitions: readonly Definition[];
}

export interface Definition {
  /** The name of a fragment; undefined for an operation. */
  readonly fragment: string | undefined;
  levels: number;
  fields: number;
  /** Fields that are selected on the root type, or on the type of the fragment itself. */
  rootFields: number;
  readonly spreads: Spread[];
}

export interface Spread {
  readonly fragment: string;
  readonly level: number;
  readonly isAtRoot: boolean;
}

/** Where the lexer stops. Documents beyond these bounds are refused for all clients. */
export interface OutlineBounds {
  readonly tokens: number;
  readonly levels: number;
}

/** Reads tokens, so that no document exhausts the stack. The parser reports syntax errors later. */
export function outlineOf(document: string, bounds: OutlineBounds): Outline {
  const reader = new OutlineReader(bounds);
  try {
    reader.read(new Lexer(new Source(document)));
  } catch {
    // Invalid characters, which the parser reports later.
  }
  return { ...reader.counts, definitions: inOrder(reader.definitions) };
}

class OutlineReader {
  readonly counts = { tokens: 0, levels: 0, valueLevels: 0, aliases: 0, directives: 0, introspects: false };
  readonly definitions: Definition[] = [];
  readonly #bounds: OutlineBounds;
  /** The fragment whose head is being read. */
  #fragment: string | undefined;
  #definition: Definition | undefined;
  /** For each open brace, whether its fields are selected on the root type. */
  readonly #isRoot: boolean[] = [];
  /** Open parentheses of arguments and variable definitions, and open brackets in these. */
  #parentheses = 0;
  #valueLevel = 0;
  /** `...` without the name of a fragment: the next brace is that of an inline fragment. */
  #isInline = false;

  constructor(bounds: OutlineBounds) {
    this.#bounds = bounds;
  }

  read(lexer: Lexer): void {
    const { counts } = this;
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
      if (++counts.tokens > this.#bounds.tokens || counts.levels > this.#bounds.levels) return;
      switch (token.kind) {
        case TokenKind.AT:
          counts.directives++;
          lexer.advance();
          counts.tokens++;
          break;
        case TokenKind.PAREN_L:
          this.#parentheses++;
          break;
        case TokenKind.PAREN_R:
          this.#parentheses--;
          this.#valueLevel = 0;
          break;
        case TokenKind.BRACKET_L:
          this.#openValue();
          break;
        case TokenKind.BRACKET_R:
          this.#valueLevel--;
          break;
        case TokenKind.BRACE_L:
          if (this.#parentheses > 0) this.#openValue();
          else this.#open();
          break;
        case TokenKind.BRACE_R:
          if (this.#parentheses > 0) this.#valueLevel--;
          else this.#close();
          break;
        case TokenKind.NAME:
          if (this.#parentheses === 0) this.#name(lexer);
          break;
        case TokenKind.SPREAD:
          this.#spread(lexer);
          break;
        default:
      }
    }
  }

  #openValue(): void {
    this.counts.valueLevels = Math.max(this.counts.valueLevels, ++this.#valueLevel);
  }

  #open(): void {
    const outer = this.#isRoot.at(-1);
    if (outer === undefined) {
      this.#definition = { fragment: this.#fragment, levels: 0, fields: 0, rootFields: 0, spreads: [] };
      this.definitions.push(this.#definition);
      this.#fragment = undefined;
    }
    this.#isRoot.push(outer === undefined || (outer && this.#isInline));
    this.#isInline = false;
    const level = this.#isRoot.length;
    this.#definition!.levels = Math.max(this.#definition!.levels, level);
    this.counts.levels = Math.max(this.counts.levels, level);
  }

  #close(): void {
    this.#isRoot.pop();
    this.#isInline = false;
  }

  /** Reads a field or its alias, or outside of braces the keyword or name of a definition. */
  #name(lexer: Lexer): void {
    const isRoot = this.#isRoot.at(-1);
    if (isRoot === undefined) {
      if (lexer.token.value === 'fragment' && lexer.lookahead().kind === TokenKind.NAME)
        this.#fragment = this.#next(lexer);
      return;
    }
    let name = lexer.token.value;
    if (lexer.lookahead().kind === TokenKind.COLON) {
      this.counts.aliases++;
      this.#next(lexer);
      name = this.#next(lexer);
    }
    const definition = this.#definition!;
    definition.fields++;
    if (isRoot) definition.rootFields++;
    this.#isInline = false;
    if (name === '__schema' || name === '__type') this.counts.introspects = true;
  }

  #spread(lexer: Lexer): void {
    const isAtRoot = this.#isRoot.at(-1);
    if (isAtRoot === undefined) return;
    this.#isInline = lexer.lookahead().kind !== TokenKind.NAME;
    if (this.#isInline) return;
    const name = this.#next(lexer);
    if (name === 'on') {
      this.#isInline = true;
      if (lexer.lookahead().kind === TokenKind.NAME) this.#next(lexer);
      return;
    }
    this.#definition!.spreads.push({ fragment: name, level: this.#isRoot.length, isAtRoot });
  }

  #next(lexer: Lexer): string {
    this.counts.tokens++;
    return lexer.advance().value;
  }
}

/** Sorts fragments before the definitions that spread them. No recursion: chains of fragments may be long. */
function inOrder(definitions: readonly Definition[]): Definition[] {
  const named = new Map(definitions.map((definition) => [definition.fragment, definition]));
  const seen = new Set<Definition>();
  const ordered: Definition[] = [];
  for (const definition of definitions) {
    if (seen.has(definition)) continue;
    seen.add(definition);
    const open = [{ definition, next: 0 }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const spread = top.definition.spreads[top.next++];
      if (spread === undefined) {
        ordered.push(top.definition);
        open.pop();
        continue;
      }
      const fragment = named.get(spread.fragment);
      if (fragment === undefined || seen.has(fragment)) continue;
      seen.add(fragment);
      open.push({ definition: fragment, next: 0 });
    }
  }
  return ordered;
}
