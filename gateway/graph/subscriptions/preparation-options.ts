import type { GraphQLSchema } from 'graphql';
import type { ObjectTo } from '../../auth/authentication';
import type { Identity } from '../../auth/identity';
import type { BoundFeed } from '../../events/fed-fields';
import type { Execution } from '../../execution';
import type { ClientLimits } from '../../limits/client-limits';
import type { PlannedOperation } from '../../planning';
import type { PlanCache } from '../operation-cache';
import type { Hooks } from '../../request/hooks';
import type { PersistedOperations } from '../../request/persisted/persisted-operations';
import type { Tracer } from '../../telemetry/traces/tracer';
import type {
  Caller,
  SubgraphEvent,
  SubgraphRequest,
  Subscribe,
} from '../../subgraph-calls/contract/transport';
import type { VariableValues } from '../../limits/variables';
import type { CompiledOperation } from '../compiled-operation';
import type { showExecution } from '../observation/development';
import type { Subgraph } from '../../subgraph-calls/subgraph';
import type { CountedProgram, Rejection } from '../programs';
import type { Cursors } from './cursor';
import type { Subscriber } from './event-caller';

/** Settles as a plan does, or rejects when nobody waits for it any more. */
export type AwaitPlan = <Plan>(plan: Promise<Plan>) => Promise<Plan>;

/** The parts of one generation that subscriptions need. */
export interface PreparationOptions {
  readonly schema: GraphQLSchema;
  readonly isDevelopment: boolean;
  readonly limits: ClientLimits;
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  readonly programs: PlanCache<CountedProgram | Rejection>;
  /** Opens sources of events. */
  readonly subscribe: Subscribe;
  readonly feedOf: (opening: Omit<SubgraphRequest, 'caller'>, identity: Identity) => BoundFeed | undefined;
  /** Keeps the generation open until the function that it returns is called. */
  readonly hold: () => () => void;
  readonly cursors: Cursors;
  /** Of the safelist; undefined without one. */
  readonly refuse: PersistedOperations['refuse'];
  readonly hooks: Pick<Hooks, 'onOperation'>;
  readonly objectionTo: ObjectTo | undefined;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly showing: Parameters<typeof showExecution>[0];
  readonly compile: (
    document: string,
    documentHash: string,
    operationName: string | undefined,
  ) => CompiledOperation;
  readonly plannedFor: (
    compiled: CompiledOperation,
    caller: Subscriber,
  ) => PlannedOperation | Promise<PlannedOperation>;
  readonly programFor: (
    planned: PlannedOperation,
    caller: Pick<Subscriber, 'sender' | 'tracing' | 'span'>,
    awaitPlan: AwaitPlan,
  ) => Promise<CountedProgram | Rejection>;
  readonly perform: (
    program: CountedProgram | Rejection,
    compiled: CompiledOperation,
    variables: VariableValues,
    caller: Caller & { readonly identity: Identity },
    of: { readonly event: SubgraphEvent },
  ) => Promise<Execution>;
}
