import type { GraphQLSchema } from 'graphql';
import type { CostDirectives } from '../../../schema/supergraph/cost-directives';
import type { PlanWaits } from '../../admission/plan-waits';
import type { ObjectTo } from '../../auth/authentication';
import type { Authorization } from '../../auth/directives';
import type { ProcessCaches } from '../../cache/responses/caching';
import type { ErrorOptions } from '../../execution';
import type { ClientLimits } from '../../limits/client-limits';
import type { Planner } from '../../planning';
import type { Hooks } from '../../request/hooks';
import type { PersistedOperations } from '../../request/persisted/persisted-operations';
import type { Send, Subscribe } from '../../subgraph-calls/contract/transport';
import type { ScopesInFlight } from '../../subgraph-calls/sharing/scopes-in-flight';
import type { Subgraph } from '../../subgraph-calls/subgraph';
import type { Logger } from '../../telemetry/logger';
import type { Metrics } from '../../telemetry/metrics/metrics';
import type { Tracer } from '../../telemetry/traces/tracer';
import type { UsageRecorder } from '../../usage/recorder';
import type { KnownOperation } from '../engine';
import type { OperationCache, PlanCache } from '../operation-cache';
import type { findCallerOverrides } from '../overrides';
import type { CountedProgram, Rejection } from '../programs';
import type { PreparationOptions } from '../subscriptions/preparation-options';
import type { SharingOptions, Subscriptions } from '../subscriptions/subscriptions';

/** Options for running operations that do not depend on the supergraph. */
export interface OperationOptions {
  readonly errors: ErrorOptions;
  /** Adds calls to the `extensions` of answers, and the plan for `Apollo-Query-Plan-Experimental`. */
  readonly isDevelopment: boolean;
  readonly limits: ClientLimits;
  /** The most bytes of an answer. A larger answer is replaced by an error. */
  readonly mostBytes: number;
  readonly assumedListSize: number;
  /** Counts which fields operations use. @default nothing is counted */
  readonly usage?: UsageRecorder | undefined;
  readonly caching: ProcessCaches;
  readonly planWaits: PlanWaits;
  /** The safelist; undefined without one. */
  readonly refuse: PersistedOperations['refuse'];
  readonly hooks: Pick<Hooks, 'onOperation'>;
  /** The subgraphs whose answers are made up, which `extensions` name in development. */
  readonly mocked: readonly string[];
  /** Of the authentication; undefined without one. */
  readonly objectionTo: ObjectTo | undefined;
  /** Those that run in this process. */
  readonly runningSubscriptions: Subscriptions;
  readonly cursors: PreparationOptions['cursors'];
  /** The bounds of new ones. */
  readonly subscribing: SharingOptions;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly logger: Logger;
}

/** The parts of one supergraph that run operations. */
export interface OperationParts {
  /** Identifies the supergraph in cache keys. */
  readonly supergraph: string;
  readonly schema: GraphQLSchema;
  readonly costs: CostDirectives | undefined;
  readonly planner: Planner;
  readonly programs: PlanCache<CountedProgram | Rejection>;
  /** Whether an operation is known to be valid before it was learned. @default none is */
  readonly isValid?: ((document: string, operationName: string | undefined) => boolean) | undefined;
  /** Operations that have been answered. */
  readonly cache: OperationCache<KnownOperation>;
  readonly authorization: Authorization;
  readonly send: Send;
  /** Opens sources of events. */
  readonly subscribe: Subscribe;
  /** What feeds a subscription; undefined for a source of a subgraph. */
  readonly feedOf: PreparationOptions['feedOf'];
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  /** Keeps the generation open until the function that it returns is called. */
  readonly hold: () => () => void;
  readonly scopes: ScopesInFlight;
  /** Chooses, for one request, which labels of progressive `@override`s are on. */
  readonly chooseOverrides: () => readonly string[];
  /** Finds the labels of an operation that its callers decide; undefined where they decide none. */
  readonly callerOverrides: ReturnType<typeof findCallerOverrides>;
}
