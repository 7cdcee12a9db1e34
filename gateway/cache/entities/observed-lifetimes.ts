import { LRUCache } from 'lru-cache';
import type { KeyScope } from './entity-keys';
import { isStorable, type Policy } from '../policy';

/** What is known about the lifetimes of answers to one selection. */
interface Lifetime {
  /** The scopes of answers so far; undefined until it is known. */
  scopes: readonly KeyScope[] | undefined;
  /** The lifetime in seconds when the selection was requested alone; undefined until it has been. */
  own: number | undefined;
}

/**
 * Which selections of a subgraph are worth a look-up. A response has one lifetime, so several selections in one call
 * get the shortest of theirs. Selections with different lifetimes are better requested separately.
 */
export class SelectionLifetimes {
  readonly #known = new LRUCache<string, Lifetime>({ max: 5_000 });
  /** Whether any response had a `Cache-Control`. */
  #isDeclared = false;

  /** The scopes under which answers to the selection may be cached. */
  scopesOf(selection: string): readonly KeyScope[] {
    return this.#of(selection).scopes ?? bothScopes;
  }

  /** Whether the selections can share a call without much loss: none lives more than twice as long as another. */
  fitTogether(selections: readonly string[]): boolean {
    if (!this.#isDeclared || selections.length === 1) return true;
    const own = selections.map((selection) => this.#of(selection).own ?? NaN);
    return Math.max(...own) <= 2 * Math.min(...own);
  }

  /** @param isAlone in its call @param isDeclared whether the response has a `Cache-Control` */
  learn(selection: string, policy: Policy, isAlone: boolean, isDeclared: boolean): void {
    this.#isDeclared ||= isDeclared;
    const lifetime = this.#of(selection);
    const { scopes = none } = lifetime;
    if (isAlone) lifetime.own = policy.maxAge;
    const isKept = isStorable(policy);
    // If several selections share an uncacheable response, it is not known which of them made it uncacheable.
    if (isKept || isAlone || !isDeclared)
      lifetime.scopes = isKept && !scopes.includes(policy.scope) ? [...scopes, policy.scope] : scopes;
  }

  #of(selection: string): Lifetime {
    let lifetime = this.#known.get(selection);
    if (lifetime === undefined)
      this.#known.set(selection, (lifetime = { scopes: undefined, own: undefined }));
    return lifetime;
  }
}

const bothScopes: readonly KeyScope[] = ['private', 'public'];
const none: readonly KeyScope[] = [];
