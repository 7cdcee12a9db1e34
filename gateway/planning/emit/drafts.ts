/** The fetches of a plan while they are put together. */
import { type ArgumentNode } from 'graphql';
import { type KeyRenamer, type RequiredSelection, type Rewrite } from '../../execution/compile/plan';
import { remembered } from '../maps';
import { type Conditions, type CustomDirective } from '../selections/selection';
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
  /** The conditions that all of its fields have; undefined before it has one. */
  when: Conditions | undefined;
}

/** A variable whose value comes from an object around the fetched ones. */
export interface ContextVariable {
  readonly name: string;
  readonly type: string;
  readonly rewrites: Map<string, KeyRenamer>;
}

export type RequiredDrafts = Map<string, RequiredDraft>;

export interface RequiredDraft {
  readonly node: RequiredSelection;
  readonly selections: RequiredDrafts | undefined;
}

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

export interface FieldDraft {
  responseName: string;
  readonly name: string;
  readonly arguments: readonly ArgumentNode[];
  /** Arguments whose values come from contexts, by name. */
  readonly contextArguments: ReadonlyMap<string, string>;
  readonly directives: readonly CustomDirective[];
  when: Conditions;
  /** In the subgraph, as text. */
  readonly type: string;
  /** Undefined for a leaf. */
  readonly selection: SelectionDraft | undefined;
}
