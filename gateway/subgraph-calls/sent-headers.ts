import { isHeaderValue } from './header-rules';
import type { Caller } from './contract/transport';

/** Headers of the client, without those that a subgraph gets from elsewhere. */
class ForwardedHeaders {
  readonly all: Caller['headers'];
  /** Names and values in turn. */
  readonly list: readonly string[];
  /** Undefined until they are read. */
  #lines: { readonly text: string | undefined } | undefined;

  constructor(all: Caller['headers'], replaced: ReplacedNames) {
    const list: string[] = [];
    for (const name in all) if (!replaced.has(name)) list.push(name, all[name]!);
    this.all = all;
    this.list = list;
  }

  /** As lines of HTTP/1.1; undefined if one of them must not be sent. */
  get lines(): string | undefined {
    return (this.#lines ??= { text: linesOf(this.list) }).text;
  }
}

/** The headers that one caller sends with its calls to subgraphs. A forwarded header replaces one of the tracing headers. */
class SentHeaders {
  readonly #forwarded: ForwardedHeaders;
  readonly #tracing: Caller['tracing'];
  /** Undefined until they are read. */
  #lines: { readonly text: string | undefined } | undefined;

  constructor(forwarded: ForwardedHeaders, tracing: Caller['tracing']) {
    this.#forwarded = forwarded;
    this.#tracing = tracing;
  }

  /** Names and values in turn. */
  get list(): readonly string[] {
    const list = [...this.#forwarded.list];
    for (const name in this.#tracing)
      if (!(name in this.#forwarded.all)) list.push(name, this.#tracing[name]!);
    return list;
  }

  /** As lines of HTTP/1.1; undefined if one of them must not be sent. */
  get lines(): string | undefined {
    return (this.#lines ??= { text: this.#writeLines() }).text;
  }

  #writeLines(): string | undefined {
    let { lines } = this.#forwarded;
    if (lines === undefined) return undefined;
    for (const name in this.#tracing)
      if (!(name in this.#forwarded.all)) lines += `${name}: ${this.#tracing[name]!}\r\n`;
    return lines;
  }
}

/**
 * Picks the headers of callers. Calls of one client request come one after the other and mostly have the same, so the last
 * ones are kept; where each call has a span of its own, those of the client are.
 */
export class CallerHeaders {
  #headers: Caller['headers'] | undefined;
  #replaced: ReplacedNames | undefined;
  #forwarded: ForwardedHeaders | undefined;
  #tracing: Caller['tracing'] | undefined;
  #last: SentHeaders | undefined;

  /** @param replaced names that are left out, as the subgraph gets them from elsewhere */
  of({ headers, tracing }: Pick<Caller, 'headers' | 'tracing'>, replaced: ReplacedNames): SentHeaders {
    if (headers !== this.#headers || replaced.key !== this.#replaced?.key) {
      this.#headers = headers;
      this.#replaced = replaced;
      this.#forwarded = new ForwardedHeaders(headers, replaced);
    } else if (tracing === this.#tracing) return this.#last!;
    this.#tracing = tracing;
    return (this.#last = new SentHeaders(this.#forwarded!, tracing));
  }
}

/** Names of headers, in lower case. */
export class ReplacedNames {
  /** Equal for equal names. */
  readonly key: string;
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
    this.key = [...this.#names].sort().join();
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}

/** Headers, names and values in turn, as lines of HTTP/1.1. Undefined if one of them must not be sent. */
export function linesOf(list: readonly string[]): string | undefined {
  let lines = '';
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    if (!isSendable(name, value)) return undefined;
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** Whether a header may be sent with a call: its name is a token, its value has no line break, and it frames no message. */
export const isSendable = (name: string, value: string): boolean =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && !framing.has(name.toLowerCase()) && isHeaderValue(value);

/** These headers would let one request be read as two, as a line break would. */
const framing = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
  'upgrade',
  'expect',
  'te',
]);
