/** The compiled form of an operation and its plan: `compile/` makes it, `run/` and `complete/` interpret it. */
import type { Combinations } from './compile/combine';
import type { ConditionValues } from './compile/conditions';
import type { Deferral, DeferUsage } from './compile/defer';
import type { Introspection } from './compile/introspection';
import type { FieldAccess, TypeSource } from './compile/response-position';
import type { ObjectProjection } from './compile/projection';
import type { Representation } from './compile/representations';
import type { Shape } from './compile/shape';
import type { FetchOperation } from './compile/subgraph-operation';
import type { ProgramSize } from './size';

/** A client's operation and its query plan, compiled: all that can be decided before a request. */
export interface Program {
  readonly rootShape: Shape;
  /** Words of the largest record. */
  readonly largestRecord: number;
  /** Whether positions must not share an entity, because its fields may depend on ancestors (`@fromContext`). */
  readonly isExclusive: boolean;
  /** For each fetch, the numbers of those whose answers it needs. */
  readonly dependencies: readonly (readonly number[])[];
  readonly introspection: Introspection;
  readonly combinations: Combinations;
  /** Of a subscription: opens its source of events. The program runs once per event, which is its answer. */
  readonly source: Pick<FetchOperation, 'request' | 'variableUsages'> | undefined;
  /** The names of the subgraphs that it may call. */
  readonly subgraphs: readonly string[];
  readonly size: ProgramSize;
  /** Bytes that a response usually needs: the size of recent ones and an eighth more. */
  usualBytes: number;
  /** The values of the variables that `@skip` and `@include` depend on. */
  readonly conditionsOf: (variables: Readonly<Record<string, unknown>>) => ConditionValues;
  readonly variantFor: (conditions: ConditionValues) => Variant;
  /** How the response is sent in parts; undefined where nothing of it is deferred. */
  readonly partsFor: (options: PartsOptions) => VariantInParts | undefined;
  /** The fetches under these conditions, for explanations; not used to run the program. */
  readonly outline: (conditions: ConditionValues) => readonly OutlinedFetch[];
}

export interface PartsOptions {
  readonly conditions: ConditionValues;
  /** As the client sent them: `@defer` may depend on them. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whether a field is sent with each fragment that selects it, rather than once. */
  readonly repeatsFields: boolean;
}

export interface OutlinedFetch {
  /** Its number in the order of the plan. */
  readonly index: number;
  readonly operation: FetchOperation;
  /** The path of the objects that it fetches or extends. */
  readonly path: string;
  readonly waitsFor: readonly number[];
}

/** A program under certain values of its conditions. */
export interface Variant {
  readonly schedule: Schedule;
  /** How the response is written. */
  readonly projection: ObjectProjection;
}

/** A program under certain values of its conditions, when its response is sent in parts. */
export interface VariantInParts {
  readonly schedule: Schedule<CompiledFetch | Delivery>;
  /** How the first part is written, and what comes later. */
  readonly projection: ObjectProjection;
  readonly deferral: Deferral;
}

/** A step of a schedule: a part can be written. */
export interface Delivery {
  readonly kind: 'delivery';
  /** Whose fragments; undefined for what is sent at once. */
  readonly usage: DeferUsage | undefined;
}

/** When the fetches of a variant start: each as soon as all that it waits for have ended. */
export interface Schedule<Step = CompiledFetch> {
  /** Undefined for a fetch without objects: no other fetch answers the objects that it would extend. */
  readonly fetches: readonly (Step | undefined)[];
  /** For each fetch, the indexes of the fetches that wait for it. */
  readonly waiting: readonly (readonly number[])[];
  /** For each fetch, how many fetches it waits for. */
  readonly counts: readonly number[];
}

export type CompiledFetch = RootFetch | EntityFetch;

interface FetchFacts {
  /** Its number in the order of the plan. */
  readonly index: number;
  readonly operation: FetchOperation;
  readonly walk: Walk;
  /** The word, in the records at the end of the walk, that refers to this fetch's answer. */
  readonly join: number;
}

/** Fetches fields of a root type. */
export interface RootFetch extends FetchFacts {
  readonly kind: 'root' | 'mutation';
}

export interface EntityFetch extends FetchFacts {
  readonly kind: 'entities';
  /** The layout of the records at the end of the walk. */
  readonly target: Shape;
  /** The index of `target` among the targets of the operation. */
  readonly targetIndex: number;
  readonly representation: Representation;
  /** For each argument that comes from ancestors, where it may be read from. */
  readonly contexts: readonly (readonly ContextSource[])[] | undefined;
}

/** Where a `@fromContext` argument is read. */
export interface ContextSource {
  /** The depth of the ancestor that it is read from; 0 is the root. */
  readonly depth: number;
  readonly steps: readonly ContextStep[];
}

export interface ContextStep {
  readonly types: Uint8Array | undefined;
  readonly typed: TypeSource;
  readonly access: FieldAccess;
}

/** The way from the root of the merged response to the objects of a fetch. */
export interface Walk {
  readonly steps: readonly WalkStep[];
  /** The types that objects at its end must have; undefined for any. */
  readonly types: Uint8Array | undefined;
  readonly typed: TypeSource;
}

export interface WalkStep {
  /** The types that an object must have for the walk to go on from it; undefined for any. */
  readonly types: Uint8Array | undefined;
  readonly key: string;
  readonly access: FieldAccess;
  readonly typed: TypeSource;
}
