/** What `compile/` makes of an operation and its plan, and `run/` and `complete/` interpret. */
import type { Combinations } from './compile/combine';
import type { Conditions } from './compile/conditions';
import type { Introspection } from './compile/introspection';
import type { Access, TypeSource } from './compile/merge';
import type { ObjectProjection } from './compile/projection';
import type { Representation } from './compile/representations';
import type { Shape } from './compile/shape';
import type { CompiledOperation } from './compile/subgraph-operation';
import type { ProgramSize } from './size';

/** A client's operation and its query plan, compiled: everything that can be decided before a request comes. */
export interface Program {
  /** The layout of the record at the root, and how large the largest record is. */
  readonly rootShape: Shape;
  readonly largestRecord: number;
  /** Whether an entity must not be shared between places: its fields may depend on what is around it. */
  readonly isExclusive: boolean;
  /** For each fetch, the numbers of those whose answers it needs. */
  readonly dependencies: readonly (readonly number[])[];
  readonly introspection: Introspection;
  readonly combinations: Combinations;
  readonly size: ProgramSize;
  /** How large the latest responses were, and some more. */
  usualBytes: number;
  /** The values of the variables that `@skip` and `@include` depend on. */
  readonly conditionsOf: (variables: Readonly<Record<string, unknown>>) => Conditions;
  readonly variantFor: (conditions: Conditions) => Variant;
  /** Which fetches there are under these conditions. For those who look, not for those who run it. */
  readonly outline: (conditions: Conditions) => readonly OutlinedFetch[];
}

export interface OutlinedFetch {
  readonly operation: CompiledOperation;
  /** Where the objects stand that it is about. */
  readonly path: string;
  /** The indexes of the fetches that it waits for. */
  readonly waitsFor: readonly number[];
}

/** What a program does under certain conditions. */
export interface Variant {
  readonly schedule: Schedule;
  /** How the response is written. */
  readonly projection: ObjectProjection;
}

/** A client's subscription and its query plan, compiled. */
export interface CompiledSubscription {
  /** What is asked of a subgraph to open the source of events. */
  readonly source: Pick<CompiledOperation, 'request' | 'variableUsages'>;
  /** Is run for each event, which is the answer to its only fetch of the kind `subscription`. */
  readonly program: Program;
}

/** When the fetches of a variant start: each as soon as all have ended that it waits for. */
export interface Schedule {
  /** Undefined for one that has nothing to fetch: nobody fetches the objects that it is about. */
  readonly fetches: readonly (CompiledFetch | undefined)[];
  /** For each fetch the indexes of those that wait for it, and how many it waits for. */
  readonly waiting: readonly (readonly number[])[];
  readonly counts: readonly number[];
}

/** A fetch of the plan, with everything that is known of it before a request comes. */
export type CompiledFetch = RootFetch | EntityFetch;

interface FetchFacts {
  /** Its number in the order of the plan. */
  readonly index: number;
  readonly operation: CompiledOperation;
  readonly walk: Walk;
  /** The word of the records at the end of the walk that refers to what this fetch answers. */
  readonly join: number;
}

/** Asks for fields of a root type. */
export interface RootFetch extends FetchFacts {
  readonly kind: 'root' | 'mutation';
}

/** Asks for entities. */
export interface EntityFetch extends FetchFacts {
  readonly kind: 'entities';
  /** The layout of the records at the end of the walk, and its index among the targets of the operation. */
  readonly target: Shape;
  readonly targetIndex: number;
  readonly representation: Representation;
  /** Arguments that come from the objects around, each with its alternatives. */
  readonly contexts: readonly (readonly ContextSource[])[] | undefined;
}

/** Where an argument of `@fromContext` is read. */
export interface ContextSource {
  /** Which of the ancestors it is read from. */
  readonly depth: number;
  readonly steps: readonly ContextStep[];
}

export interface ContextStep {
  readonly types: Uint8Array | undefined;
  readonly typed: TypeSource;
  readonly access: Access;
}

/** The way from the root of the merged response to the objects that a fetch is about. */
export interface Walk {
  readonly steps: readonly WalkStep[];
  /** Types that the objects at its end must have; undefined: any. */
  readonly types: Uint8Array | undefined;
  readonly typed: TypeSource;
}

export interface WalkStep {
  /** Types that an object must have for the walk to go on from it; undefined: any. */
  readonly types: Uint8Array | undefined;
  readonly key: string;
  readonly access: Access;
  readonly typed: TypeSource;
}
