import type { GatewayGraphQLRequestContext } from '@apollo/server-gateway-interface';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Authorization } from '../auth/directives';
import type { IncomingRequest } from '../request/incoming-request';
import type { IncrementalFormat } from '../request/sink';
import type { TagWithoutValues } from '../cache/shown-tags';
import type { UnknownName } from '../cache/unknown-names';
import type { Invalidation } from '../options/invalidation';
import type { Instance } from '../discovery/resolver';
import type { OperationResult } from '../cache/responses/response-cache';
import type { Subgraph } from '../subgraph-calls/subgraph';
import type { PlannedOperation, QueryPlan } from '../planning';
import type { EventFieldProblem } from '../planning/event-fields';
import type { Prepare } from './subscriptions/prepared';
import type { Flow } from '../subgraph-calls/contract/source';
import type { Signature } from '../usage/signature';

/** Plans and runs the operations of one supergraph. */
export interface Engine {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema;
  /** The same schema as text, in parts. */
  readonly apiSchemaSdl: readonly string[];
  /** An operation that Apollo Server has parsed and validated for the engine's schema. */
  readonly learn: LearnFromContext;
  /** An operation that was executed before, by the text of its document. */
  known(document: string, operationName: string | undefined): KnownOperation | undefined;
  /** The query plan of a valid operation. Rejects where it cannot be planned. */
  readonly plan: (document: string, operationName: string | undefined) => Promise<QueryPlan>;
  /** Prepares a subscription that began on another engine. Rejects with a `GraphQLError` where it is not valid any more. */
  readonly prepare: Prepare;
  /** What an operation that is valid requires of callers. */
  readonly accessTo: Authorization['accessTo'];
  /** The labels of what a field, such as `User.email`, or a type requires of callers. */
  readonly requirementsOf: (what: string) => readonly string[];
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  readonly instancesOf: (subgraph: string) => readonly Instance[];
  /** The fields that the options of events name and the supergraph does not have. */
  readonly eventFieldProblems: readonly EventFieldProblem[];
  /** The formats of the tags that `@cacheTag` gives to answers. */
  readonly tagFormats: readonly string[];
  unknownNames(invalidation: Invalidation): UnknownName[];
  /** How tags of cached answers are shown. */
  readonly tagWithoutValues: TagWithoutValues;
  /** The most used operations, which the next engine plans in advance. */
  mostUsed(count: number): PlannedOperation[];
  /** Called once, when no operation is running. */
  close(): Promise<void>;
}

export type LearnFromContext = (request: GatewayGraphQLRequestContext<OperationContext>) => KnownOperation;

/** An operation that has been parsed and validated. */
export interface KnownOperation {
  readonly name: string | null;
  readonly type: string;
  /** SHA-256 of the document's text, in hex. */
  readonly id: string;
  readonly document: string;
  /** The name in the request; undefined if the request has none. */
  readonly operationName: string | undefined;
  /** Whether it has fragments that may be deferred. */
  readonly mayDefer: boolean;
  readonly signature: () => Signature;
  /**
   * Runs the operation for a client. Resolves with data and with errors for what is missing in it, or with a source of
   * such answers. Rejects with a `GraphQLError` when there is no data at all.
   *
   * @param format how the client takes deferred fragments; undefined if it takes none
   */
  run(
    variables: Readonly<Record<string, unknown>>,
    request: IncomingRequest,
    format?: IncrementalFormat,
  ): Promise<OperationResult | Flow<OperationResult>>;
}

/** A new operation, and the variables that came with it. */
export interface LearnedOperation {
  readonly operation: KnownOperation;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The context value of an operation in Apollo Server; each operation of a batch gets its own copy. */
export interface OperationContext {
  readonly request: IncomingRequest;
  /** The operation as it was sent in the body of a POST. */
  body?: unknown;
  readonly onLearned: (body: unknown, learned: LearnedOperation) => void;
  /** Called with a better reason than Apollo Server's, where it refuses the method or the `Accept` of the request. */
  readonly onRefused: (error: GraphQLError) => void;
}
