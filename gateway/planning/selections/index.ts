/** Normalised selections: of the client's operation, and of the field sets in `@key`, `@requires` and `@provides`. */
import { type ArgumentNode, type DirectiveNode } from 'graphql';
import { remembered } from '../maps';

/** A variable that must have this value. */
export interface Condition {
  readonly variable: string;
  readonly value: boolean;
}

/** Conditions that must all hold. */
export type Conditions = readonly Condition[];

/** A selection set. Equal selections of one origin are one object, so that results can be kept by identity. */
export type Selection = readonly SelectionItem[];

export type SelectionItem = SelectedField | SelectedFragment;

export interface SelectedField {
  readonly kind: 'field';
  readonly responseName: string;
  readonly name: string;
  readonly arguments: readonly ArgumentNode[];
  /** Name and arguments: fields with equal signatures have equal values. */
  readonly signature: string;
  readonly when: Conditions;
  readonly directives: readonly CustomDirective[];
  /** Undefined for a leaf. */
  readonly selection: Selection | undefined;
  /** Whether the plan needs it, rather than the client: its response name can be chosen. */
  readonly isRequirement: boolean;
}

export interface SelectedFragment {
  readonly kind: 'fragment';
  /** Undefined where it applies to each object. */
  readonly on: string | undefined;
  readonly when: Conditions;
  readonly selection: Selection;
  /** Whether it remains of a type that some subgraph may not know: an object of that type does not count as answered. */
  readonly isLeftover: boolean;
}

/** A directive of the client's that subgraphs see. */
export interface CustomDirective {
  readonly node: DirectiveNode;
  /** Whether it stands on a fragment around the field. */
  readonly isOnFragment: boolean;
  readonly text: string;
}

export const unconditional: Conditions = Object.freeze([]);

/** A text that is equal for equal conditions. */
export function conditionsKey(when: Conditions): string {
  if (when.length === 0) return '';
  return when
    .map(({ variable, value }) => (value ? '+' : '-') + variable)
    .sort()
    .join();
}

const has = (when: Conditions, { variable, value }: Condition): boolean =>
  when.some((one) => one.variable === variable && one.value === value);

export function allOf(some: Conditions, others: Conditions): Conditions {
  if (others.length === 0) return some;
  if (some.length === 0) return others;
  const missing = others.filter((condition) => !has(some, condition));
  return missing.length === 0 ? some : [...some, ...missing];
}

export const commonOf = (some: Conditions, others: Conditions): Conditions =>
  some.filter((condition) => has(others, condition));

export const implies = (some: Conditions, others: Conditions): boolean =>
  others.every((condition) => has(some, condition));

/** Whether no values of the variables can fulfil them. */
export const contradicts = (when: Conditions): boolean =>
  when.some(({ variable, value }) => has(when, { variable, value: !value }));

/** By selection: fragments that spread each other have exponentially many. */
const [leaves, heights] = [new WeakMap<Selection, number>(), new WeakMap<Selection, number>()];

/** The leaves of a selection: how much of it there is. */
export const countLeaves = (selection: Selection): number =>
  remembered(leaves, selection, () =>
    selection.reduce((sum, { selection: below }) => sum + (below === undefined ? 1 : countLeaves(below)), 0),
  );

/** The levels below a selection. */
export const heightOf = (selection: Selection): number =>
  remembered(heights, selection, () =>
    selection.reduce((most, { selection: below }) => Math.max(most, below ? 1 + heightOf(below) : 0), 0),
  );
