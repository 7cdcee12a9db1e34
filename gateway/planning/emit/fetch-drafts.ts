/** The fetches of a plan, each found again by what has to be equal in one. */
import { remembered } from '../maps';
import { commonOf, type Conditions, implies } from '../selections/selection';
import { type FetchDraft, SelectionDraft } from './drafts';
import { type Position } from './positions';

export interface FetchFacts {
  readonly subgraph: number;
  readonly stage: number;
  readonly path: readonly string[];
  readonly pathKey: string;
  readonly position: Position;
  /** Of a fetch at a root type. */
  readonly types: readonly string[] | undefined;
  readonly when: Conditions;
  /** Fetches with different needs stay apart. */
  readonly needs: string;
}

export class FetchDrafts {
  /** By stage, subgraph and path. */
  readonly #drafts = new Map<string, FetchDraft[]>();

  get all(): readonly FetchDraft[] {
    return [...this.#drafts.values()].flat();
  }

  /** One that is there, with its conditions widened, or a new one. */
  get({ subgraph, stage, path, pathKey, position, types, when, needs }: FetchFacts): FetchDraft {
    const id = `${stage}|${subgraph}|${pathKey}|${types === undefined ? 'entities' : ''}|${needs}`;
    const known = remembered(this.#drafts, id, () => []);
    const fitting = known.find((one) => types !== undefined || areNested(one.when!, when));
    if (fitting !== undefined) {
      restrict(fitting, when);
      return fitting;
    }
    const fetch: FetchDraft = {
      ...{ subgraph, stage, path, position, when, isOfEntities: types === undefined },
      selection: new SelectionDraft(types ?? []),
      ...{ requires: new Map(), inputRewrites: new Map(), contexts: new Map(), typeKeys: new Set() },
    };
    known.push(fetch);
    return fetch;
  }
}

/**
 * Whether fetches under these conditions can be one. If neither condition contains the other, it would also run where none
 * holds, with representations of what others ask for.
 */
const areNested = (some: Conditions, others: Conditions): boolean =>
  implies(some, others) || implies(others, some);

/** Keeps the conditions that all of a fetch's fields have. */
export function restrict(fetch: FetchDraft, when: Conditions): void {
  fetch.when = fetch.when === undefined ? when : commonOf(fetch.when, when);
}
