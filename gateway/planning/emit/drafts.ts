/** The fetches of a plan while they are put together. */
import { type KeyRenamer, type RequiredSelection, type Rewrite } from '../../execution/compile/plan';
import { remembered } from '../maps';
import { type Conditions, type SelectedField } from '../selections';
import { type Position } from './positions';

/** Where in a plan, and in the response, a fetch is. */
export interface FetchLocation {
  readonly stage: number;
  /** As the plan writes it: keys, `@` for each list, and types behind `|`. */
  readonly path: readonly string[];
  readonly position: Position;
  readonly when: Conditions;
}

export class FetchDraft implements FetchLocation {
  stage: number;
  readonly path: readonly string[];
  readonly position: Position;
  when: Conditions;
  /** The fields of representations, by type. */
  readonly requires = new Map<string, RequiredDrafts>();
  readonly inputRewrites = new Map<string, Rewrite>();
  readonly contexts = new Map<string, ContextVariable>();
  /** The types whose key may be `__typename` alone. */
  readonly typeKeys = new Set<string>();

  constructor(
    { path, position, stage, when }: FetchLocation,
    readonly subgraph: number,
    readonly isOfEntities: boolean,
    readonly selection: SelectionDraft,
  ) {
    [this.stage, this.path, this.position, this.when] = [stage, path, position, when];
  }
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
