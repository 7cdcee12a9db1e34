import { LRUCache } from 'lru-cache';
import type { KeyScope } from './entity-keys';
import { isStorable, type Policy } from '../policy';

/** The lifetimes that answers to one selection have had so far. */
interface Lifetime {
  /** Under which keys something may be kept; undefined as long as nothing is known. */
  scopes: readonly KeyScope[] | undefined;
  /** Seconds, as said when nothing else was asked in the same call; undefined as long as it never was. */
  own: number | undefined;
}

/**
 * Which selections of a subgraph are worth a look-up. A response has one lifetime, so of several selections in one call
 * the shortest lifetime counts: selections with different lifetimes are better requested separately.
 */
export class Lifetimes {
  readonly #known = new LRUCache<string, Lifetime>({ max: 5_000 });
  /** Whether any response has said how long it lives, if only that it does not. */
  #isSaid = false;

  /** Under which keys answers to the selection may be kept. */
  scopesOf(selection: string): readonly KeyScope[] {
    return this.#of(selection).scopes ?? bothScopes;
  }

  /** Whether they can go in one call without that one of them shortens the life of the others. */
  fitTogether(selections: readonly string[]): boolean {
    if (!this.#isSaid || selections.length === 1) return true;
    const own = selections.map((selection) => this.#of(selection).own ?? NaN);
    return Math.max(...own) <= 2 * Math.min(...own);
  }

  /**
   * @param isAlone whether nothing else was asked in the same call
   * @param isSaid whether the response says how long it lives, rather than nothing
   */
  learn(selection: string, policy: Policy, isAlone: boolean, isSaid: boolean): void {
    this.#isSaid ||= isSaid;
    const lifetime = this.#of(selection);
    const { scopes = none } = lifetime;
    if (isAlone) lifetime.own = policy.maxAge;
    const isKept = isStorable(policy);
    // Of several it is not known which one it is that must not be kept.
    if (isKept || isAlone || !isSaid)
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
