/** A query plan as the planner returns it: plain data. Its types are declared here, so that the engine knows no planner. */
export interface QueryPlan {
  readonly kind: 'QueryPlan';
  /** Absent where nothing needs to be fetched: introspection, or a selection that no subgraph resolves. */
  readonly node?: PlanNode | SubscriptionNode | undefined;
}

export type PlanNode = SequenceNode | ParallelNode | FetchNode | FlattenNode | ConditionNode | DeferNode;

export interface SequenceNode {
  readonly kind: 'Sequence';
  readonly nodes: readonly PlanNode[];
}

export interface ParallelNode {
  readonly kind: 'Parallel';
  readonly nodes: readonly PlanNode[];
}

export interface FetchNode {
  readonly kind: 'Fetch';
  readonly serviceName: string;
  readonly operation: string;
  readonly operationName?: string | undefined;
  readonly operationKind: string;
  readonly variableUsages?: readonly string[] | undefined;
  /** The fields of a representation; absent for a fetch at a root type. */
  readonly requires?: readonly RequiredSelection[] | undefined;
  readonly inputRewrites?: readonly Rewrite[] | undefined;
  readonly outputRewrites?: readonly Rewrite[] | undefined;
  readonly contextRewrites?: readonly KeyRenamer[] | undefined;
  /** The types for which `__typename` alone is a key. */
  readonly typeKeys?: readonly string[] | undefined;
}

export interface FlattenNode {
  readonly kind: 'Flatten';
  /** Response keys; `@` for each list; a suffix `|[A,B]` lets only objects of these types pass. */
  readonly path: readonly (string | number)[];
  readonly node: PlanNode;
}

export interface ConditionNode {
  readonly kind: 'Condition';
  /** The name of a variable of the client's operation. */
  readonly condition: string;
  readonly ifClause?: PlanNode | undefined;
  readonly elseClause?: PlanNode | undefined;
}

export interface DeferNode {
  readonly kind: 'Defer';
}

export interface SubscriptionNode {
  readonly kind: 'Subscription';
  /** Opens the source of events. */
  readonly primary: FetchNode;
  /** The fetches for each event. */
  readonly rest?: PlanNode | undefined;
}

export type RequiredSelection = RequiredField | RequiredFragment;

export interface RequiredField {
  readonly kind: 'Field';
  readonly alias?: string | undefined;
  readonly name: string;
  readonly selections?: readonly RequiredSelection[] | undefined;
}

export interface RequiredFragment {
  readonly kind: 'InlineFragment';
  readonly typeCondition?: string | undefined;
  readonly selections: readonly RequiredSelection[];
}

/** Elements of a rewrite's path are response keys or `... on Type`; `..`, in contexts only, is the parent. */
export type Rewrite = ValueSetter | KeyRenamer;

export interface ValueSetter {
  readonly kind: 'ValueSetter';
  readonly path: readonly string[];
  readonly setValueTo: unknown;
}

export interface KeyRenamer {
  readonly kind: 'KeyRenamer';
  readonly path: readonly string[];
  readonly renameKeyTo: string;
}
