import { isHeaderValue } from './headers';
import type { Caller } from './transport';

/** The headers that one caller sends with its calls to subgraphs. */
class SentHeaders {
  /** Names and values in turn. */
  readonly list: readonly string[];
  /** Undefined until they are asked for. */
  #lines: { readonly text: string | undefined } | undefined;

  constructor(list: readonly string[]) {
    this.list = list;
  }

  /** As lines of HTTP/1.1; undefined if one of them must not be sent. */
  get lines(): string | undefined {
    return (this.#lines ??= { text: linesOf(this.list) }).text;
  }
}

/**
 * Picks the headers of callers. Calls of one client request come one after the other and mostly have the same, so the last
 * ones are kept.
 */
export class CallerHeaders {
  #headers: Caller['headers'] | undefined;
  #tracing: Caller['tracing'] | undefined;
  #replaced: ReplacedNames | undefined;
  #last: SentHeaders | undefined;

  /** @param replaced names that are left out, as the subgraph gets them from elsewhere */
  of({ headers, tracing }: Caller, replaced: ReplacedNames): SentHeaders {
    if (headers === this.#headers && tracing === this.#tracing && replaced.key === this.#replaced?.key)
      return this.#last!;
    const list: string[] = [];
    for (const name in headers) if (!replaced.has(name)) list.push(name, headers[name]!);
    for (const name in tracing) list.push(name, tracing[name]!);
    this.#headers = headers;
    this.#tracing = tracing;
    this.#replaced = replaced;
    return (this.#last = new SentHeaders(list));
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
