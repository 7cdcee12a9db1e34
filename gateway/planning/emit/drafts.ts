/** The fetches of a plan while they are put together. */
import { type KeyRenamer, type RequiredSelection, type Rewrite } from '../../execution/compile/plan';
import { remembered } from '../maps';
import { commonOf, type Conditions, implies, type SelectedField } from '../selections';
import { type Position } from './positions';

export interface FetchDraft {
  readonly subgraph: number;
  stage: number;
  /** As the plan writes it: keys, `@` for each list, and types behind `|`. */
  readonly path: readonly string[];
  readonly position: Position;
  readonly isOfEntities: boolean;
  readonly selection: SelectionDraft;
  /** The fields of representations, by type. */
  readonly requires: Map<string, RequiredDrafts>;
  readonly inputRewrites: Map<string, Rewrite>;
  readonly contexts: Map<string, ContextVariable>;
  /** The types whose key may be `__typename` alone. */
  readonly typeKeys: Set<string>;
  /** The conditions that all of its fields have. */
  when: Conditions;
}

/** A variable whose value comes from an object around the fetched ones. */
export interface ContextVariable {
  readonly name: string;
  readonly type: string;
  readonly rewrites: Map<string, KeyRenamer>;
}

/** Each without its selections, and these. */
export type RequiredDrafts = Map<
  string,
  { readonly node: RequiredSelection; readonly selections: RequiredDrafts }
>;

/** A selection of a subgraph's operation, on objects of some types. */
export class SelectionDraft {
  readonly fields = new Map<string, FieldDraft>();
  readonly fragments = new Map<string, SelectionDraft>();
  needsTypename = false;

  /** @param types empty at entities, which can be of any type */
  constructor(readonly types: readonly string[]) {}

  /** The part of it on objects of these types. */
  on(types: readonly string[]): SelectionDraft {
    const key = types.join();
    if (key === this.types.join()) return this;
    return remembered(this.fragments, key, () => new SelectionDraft(types));
  }
}

export interface FieldDraft extends Pick<SelectedField, 'name' | 'arguments' | 'directives'> {
  responseName: string;
  /** Arguments whose values come from contexts, as text. */
  readonly contextArguments: readonly string[];
  when: Conditions;
  /** In the subgraph, as text. */
  readonly type: string;
  /** Undefined for a leaf. */
  readonly selection: SelectionDraft | undefined;
}

/** Where in a plan, and in the response, a fetch is. */
export interface FetchLocation {
  readonly stage: number;
  readonly path: readonly string[];
  readonly position: Position;
  /** The conditions around it. */
  readonly when: Conditions;
}

export class FetchDrafts {
  /** By stage, subgraph and path. */
  readonly #drafts = new Map<string, FetchDraft[]>();

  get all(): readonly FetchDraft[] {
    return [...this.#drafts.values()].flat();
  }

  /**
   * One that is there, with its conditions widened, or a new one.
   *
   * @param types of a fetch at a root type
   * @param needs fetches with different ones stay apart
   */
  get(
    { stage, path, position, when }: FetchLocation,
    subgraph: number,
    types: readonly string[] | undefined,
    needs: string,
  ): FetchDraft {
    const id = `${stage}|${subgraph}|${path.join('.')}|${types === undefined ? 'entities' : ''}|${needs}`;
    const known = remembered(this.#drafts, id, () => []);
    const fitting = known.find((one) => types !== undefined || areNested(one.when, when));
    if (fitting !== undefined) {
      fitting.when = commonOf(fitting.when, when);
      return fitting;
    }
    const fetch: FetchDraft = {
      subgraph,
      stage,
      path,
      position,
      when,
      isOfEntities: types === undefined,
      selection: new SelectionDraft(types ?? []),
      requires: new Map(),
      inputRewrites: new Map(),
      contexts: new Map(),
      typeKeys: new Set(),
    };
    known.push(fetch);
    return fetch;
  }
}

/**
 * Whether fetches under these conditions can be one. If neither condition contains the other, it would also run where none
 * holds, with representations of what others request.
 */
const areNested = (some: Conditions, others: Conditions): boolean =>
  implies(some, others) || implies(others, some);
