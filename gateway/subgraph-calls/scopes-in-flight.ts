/**
 * Counts the client requests in flight by scope. A call waits for others to join it only while there are some that could:
 * if every client has its own scope, no call waits.
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
   * Whether several are in flight. The empty scope may be that of all, for a subgraph that gets no headers, and so may a
   * scope that no request has: it is that of a subgraph with header rules of its own.
   */
  isShared(scope: string): boolean {
    return (scope === '' ? this.#all : (this.#requests.get(scope) ?? this.#all)) > 1;
  }
}
