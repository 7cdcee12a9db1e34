import { isHeaderValue } from '../header-rules';
import type { SubgraphResponse } from '../contract/transport';

/**
 * Which values of a response header the client gets if several subgraph responses have it: all in the order of arrival
 * (`append`), those of the first response, or those of the last.
 */
export type ResponseHeaderRule = 'append' | 'first' | 'last';

/** By the name of the header, in lower case. */
export type ResponseHeaderRules = ReadonlyMap<string, ResponseHeaderRule>;

/** The response headers of subgraphs that one client gets. */
export class CollectedHeaders {
  readonly #values = new Map<string, readonly string[]>();
  /** Responses whose headers are collected: one response may answer several calls of a request. */
  readonly #known = new WeakSet<SubgraphResponse['headers']>();

  /** Values that are not valid in a header are left out. */
  add(headers: SubgraphResponse['headers'], rules: ResponseHeaderRules): void {
    if (this.#known.has(headers)) return;
    this.#known.add(headers);
    for (const [name, rule] of rules) {
      const values = [headers[name] ?? []].flat().filter(isHeaderValue);
      if (values.length === 0) continue;
      const before = this.#values.get(name) ?? [];
      if (rule === 'append') this.#values.set(name, [...before, ...values]);
      else if (rule === 'last' || before.length === 0) this.#values.set(name, values);
    }
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Names and values in turn. Each cookie stands alone (RFC 6265, section 3); of other headers all values are joined. */
  get list(): readonly string[] {
    return [...this.#values].flatMap(([name, values]) =>
      name === 'set-cookie' ? values.flatMap((value) => [name, value]) : [name, values.join(', ')],
    );
  }
}
