import type { PlanWaits } from '../admission/plan-waits';
import type { ObjectTo } from '../auth/authentication';
import type { Policies } from '../auth/directives';
import type { Invalidate } from '../cache/invalidation';
import type { ProcessCaches } from '../cache/responses/caching';
import type { Store } from '../cache/stores/store';
import type { EventFeeds } from '../events/feeds';
import type { ClientLimits } from '../limits/client-limits';
import type { PackagedGraph } from '../packaged/packaged-graph';
import type { Hooks } from '../request/hooks';
import type { PersistedOperations } from '../request/persisted/persisted-operations';
import type { Interceptor } from '../subgraph-calls/contract/transport';
import type { EndpointParts } from '../subgraph-calls/endpoints/connect-endpoints';
import type { SubgraphSigners } from '../subgraph-calls/signers/open-signers';
import type { Audit } from '../telemetry/audit/audit';
import type { Logger } from '../telemetry/logger';
import type { Metrics } from '../telemetry/metrics/metrics';
import type { Tracer } from '../telemetry/traces/tracer';
import type { UsageRecorder } from '../usage/recorder';
import type { OperationMemory } from './operation-cache';
import type { Cursors } from './subscriptions/cursor';
import type { Subscriptions } from './subscriptions/subscriptions';

/** What a generation is built of, and outlives it. */
export interface GenerationParts {
  /** What was made of the supergraph in advance. @default nothing */
  readonly packaged?: PackagedGraph | undefined;
  readonly access: {
    readonly policies: Policies;
    readonly limits: ClientLimits;
    /** Of the authentication; undefined without one. */
    readonly objectionTo: ObjectTo | undefined;
  };
  readonly calls: Omit<EndpointParts, 'calls' | 'discovering' | 'isTraced'> & {
    readonly signers: SubgraphSigners;
    readonly interceptors: readonly Interceptor[];
  };
  readonly caches: {
    readonly store: Store;
    readonly caching: ProcessCaches;
    readonly invalidate: Invalidate;
  };
  readonly operations: {
    readonly memory: OperationMemory;
    readonly planWaits: PlanWaits;
    /** The safelist; undefined without one. */
    readonly refuse: PersistedOperations['refuse'];
    readonly hooks: Pick<Hooks, 'onOperation'>;
    /** The subgraphs whose answers are made up. */
    readonly mocked: readonly string[];
    /** Counts which fields operations use. */
    readonly usage?: UsageRecorder | undefined;
  };
  readonly subscriptions: {
    readonly running: Subscriptions;
    readonly cursors: Cursors;
    readonly eventFeeds: EventFeeds;
  };
  readonly telemetry: {
    readonly logger: Logger;
    readonly metrics: Metrics;
    /** Undefined where nothing is traced. */
    readonly tracer: Tracer | undefined;
    /** The audit trails in which mutations are recorded. */
    readonly audit?: Audit | undefined;
  };
}
