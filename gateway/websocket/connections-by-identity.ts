import type { Identity } from '../auth/identity';
import { requestError } from '../errors';

/** Counts the connections that each authenticated caller has in a process. */
export class ConnectionsByIdentity {
  /** By principal. */
  readonly #counts = new Map<string, number>();

  /**
   * Counts a connection. Connections of anonymous callers are not counted: their networks share what a process has room for.
   *
   * @param limit the most connections of one caller
   * @returns a function that is to be called once, when the connection is over
   * @throws {GraphQLError} `MAX_CONNECTIONS_LIMIT`
   */
  acquire({ principal }: Pick<Identity, 'principal'>, limit: number): () => void {
    if (principal === '') return () => undefined;
    const count = this.#counts.get(principal) ?? 0;
    if (count >= limit) throw requestError('MAX_CONNECTIONS_LIMIT', { limit });
    this.#counts.set(principal, count + 1);
    return () => {
      const left = this.#counts.get(principal)! - 1;
      if (left === 0) this.#counts.delete(principal);
      else this.#counts.set(principal, left);
    };
  }
}
