/** The search's results: which subgraph answers what, at each position of the response. */
import {
  commonOf,
  type Conditions,
  countLeaves,
  type SelectedField,
  type Selection,
  unconditional,
} from '../selections';
import { type CallBits } from './calls';
import { type IndexedKey, type IndexedType } from '../supergraph-index';

/** How a selection is answered at a position. Stages count from the fetch that answers the position's objects. */
export type Plan = LeafPlan | ObjectPlan | AbstractPlan;

interface Costs {
  /** The last stage in which something is fetched. */
  readonly depth: number;
  readonly calls: Readonly<CallBits>;
  readonly visits: number;
  /** A measure of its fields and visits. */
  readonly size: number;
  /** The sources that it uses: subgraphs that answer the objects themselves. */
  readonly uses: readonly number[];
  /** What nobody answers from here. */
  readonly left: Selection | undefined;
}

/** A value without fields. */
export interface LeafPlan extends Costs {
  readonly kind: 'leaf';
}

/** Objects of one type, or of several that behave alike; or objects that their sources know as an interface object. */
export interface ObjectPlan extends Costs {
  readonly kind: 'object';
  readonly type: IndexedType;
  /** What the sources answer. */
  readonly local: readonly ItemPlan[];
  readonly entered: readonly Visit[];
}

/** Objects of an interface or union, distinguished by a source. */
export interface AbstractPlan extends Costs {
  readonly kind: 'abstract';
  readonly type: IndexedType;
  readonly source: number;
  /** What the source answers for objects of all types. */
  readonly direct: readonly ItemPlan[];
  readonly byType: readonly { readonly types: readonly string[]; readonly plan: ObjectPlan }[];
}

export interface ItemPlan {
  readonly item: ObjectItem;
  readonly plan: Plan;
}

/** What is selected of an object: a field; or, of an interface object, what depends on the object's type. */
export type ObjectItem = SelectedField | Bundle;

export interface Bundle {
  readonly kind: 'bundle';
  readonly when: Conditions;
  readonly selection: Selection;
}

/** A fetch of more fields of an object, by a key. */
export interface Visit {
  readonly subgraph: number;
  readonly stage: number;
  /** As what the subgraph knows the object. */
  readonly as: IndexedType;
  /** Undefined at the query type, which needs none. */
  readonly key: IndexedKey | undefined;
  readonly answers: readonly VisitAnswer[];
  readonly representation: Selection;
}

export interface VisitAnswer extends ItemPlan {
  /** Whether the plan answers the object itself, rather than the field of it. */
  readonly isWhole: boolean;
  /** Whether sources answer parts of the field, too. */
  readonly isShared: boolean;
}

export const leavesLeft = ({ left }: Plan): number => (left === undefined ? 0 : countLeaves(left));

/** A plan without anything. */
export const noPlan: LeafPlan = {
  ...{ kind: 'leaf', depth: 0, calls: [], visits: 0, size: 1, uses: [], left: undefined },
};

export const conditionsOf = (answers: readonly ItemPlan[]): Conditions =>
  answers.length === 0 ? unconditional : answers.map(({ item }) => item.when).reduce(commonOf);
