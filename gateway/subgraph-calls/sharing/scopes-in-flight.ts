/**
 * Counts the client requests in flight by scope. A call waits for others to join it only while another request has its
 * scope. If every client has its own scope, no call waits.
 */
export class ScopesInFlight {
  readonly #requests = new Map<string, number>();
  #all = 0;

  enter(scope: string): void {
    this.#all++;
    this.#requests.set(scope, (this.#requests.get(scope) ?? 0) + 1);
  }

  leave(scope: string): void {
    this.#all--;
    const others = this.#requests.get(scope)! - 1;
    if (others === 0) this.#requests.delete(scope);
    else this.#requests.set(scope, others);
  }

  /**
   * Whether several requests of this scope are in flight. Two scopes count every request: the empty one, of subgraphs that
   * get no headers, and a scope that no request has, of subgraphs with header rules of their own.
   */
  isShared(scope: string): boolean {
    return (scope === '' ? this.#all : (this.#requests.get(scope) ?? this.#all)) > 1;
  }
}
