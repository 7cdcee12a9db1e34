import type { GatewayGraphQLRequestContext } from '@apollo/server-gateway-interface';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { IncomingRequest } from '../request/incoming-request';
import type { IncrementalFormat } from '../request/sink';
import type { UnknownName } from '../cache/unknown-names';
import type { Invalidation } from '../options/invalidation';
import type { DiscoveredEndpoint } from '../discovery/discovery';
import type { Instance } from '../discovery/resolver';
import type { Policy } from '../cache/policy';
import type { Answered } from '../cache/responses/response-cache';
import type { PlannedOperation, QueryPlan } from '../planning';
import type { EventFieldProblem } from '../planning/event-fields';
import type { ResponseHeaderRules } from '../subgraph-calls/wire/collected-headers';
import type { Signer } from '../subgraph-calls/contract/signer';
import type { VerifyCallback } from '../subgraph-calls/signers/signed-callback';
import type { Prepare } from './subscriptions/prepared';
import type { Flow } from '../subgraph-calls/contract/source';
import type { EventBounds } from '../subgraph-calls/subscriptions/event-queue';
import type { SubscriptionProtocol } from '../subgraph-calls/subscriptions/subscription-transport';
import type { TlsFiles } from '../net/tls-files';

/** Plans and runs the operations of one supergraph. */
export interface Engine {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema;
  /** The same schema as text, in parts. */
  readonly apiSchemaSdl: readonly string[];
  /** An operation that Apollo Server has parsed and validated for the engine's schema. */
  readonly learn: Learn;
  /** An operation that was executed before, by the text of its document. */
  known(document: string, operationName: string | undefined): KnownOperation | undefined;
  /** The query plan of a valid operation. Rejects where it cannot be planned. */
  readonly plan: (document: string, operationName: string | undefined) => Promise<QueryPlan>;
  /** Prepares a subscription that began on another engine. Rejects with a `GraphQLError` where it is not valid any more. */
  readonly prepare: Prepare;
  /** By name. */
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  /** The instances of a subgraph that are called now. */
  readonly instancesOf: (subgraph: string) => readonly Instance[];
  /** What the options of events say of fields, and the supergraph does not have. */
  readonly eventFieldProblems: readonly EventFieldProblem[];
  /** The formats of the tags that `@cacheTag` gives to answers. */
  readonly tagFormats: readonly string[];
  /** The names in an invalidation that are not in the supergraph. */
  unknownNames(invalidation: Invalidation): UnknownName[];
  /** The most used operations, which the next engine plans in advance. */
  mostUsed(count: number): PlannedOperation[];
  /** Called once, when no operation is running. */
  close(): Promise<void>;
}

export type Learn = (request: GatewayGraphQLRequestContext<OperationContext>) => KnownOperation;

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
  ): Promise<Answered | Flow<Answered>>;
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
  /** Called when the operation is valid. */
  readonly onLearned: (body: unknown, learned: LearnedOperation) => void;
  /** Called with a better reason than Apollo Server's, where it refuses the method or the `Accept` of the request. */
  readonly onRefused: (error: GraphQLError) => void;
}

/** How the gateway subscribes at a subgraph. */
export interface SubgraphSubscriptions {
  readonly protocol: SubscriptionProtocol;
  /** In place of the endpoints of calls: an http, https, ws or wss URL. */
  readonly url?: string | undefined;
  /** Milliseconds of silence after which a WebSocket is checked; 0: never. */
  readonly heartbeat: number;
  /** Milliseconds from a break until its subscriptions end; 0: they end at once. */
  readonly reconnect: number;
  /** How many events of a subscription may wait, and what happens beyond. */
  readonly bounds: EventBounds;
  /** Checks its callbacks; undefined where they are not signed. */
  readonly verifyCallback: VerifyCallback | undefined;
}

/** A subgraph of a supergraph, with its options. */
export interface Subgraph {
  readonly name: string;
  /** At least one. */
  readonly endpoints: readonly DiscoveredEndpoint[];
  /** Timeout of a call, in milliseconds. */
  readonly timeout: number;
  /** The most bytes of a response, both as sent and decompressed. */
  readonly maxResponseSize: number;
  /** Headers of every call, in addition to those of the caller. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the subgraph has header rules of its own; then its headers are in `Caller.bySubgraph`. */
  readonly hasOwnHeaders: boolean;
  /** Those of `calls.sharedHeaders` that it does not get. */
  readonly withheldHeaders: readonly string[];
  /** Which headers of its responses go to clients. */
  readonly responseHeaders: ResponseHeaderRules;
  /** Authenticates the gateway to it. */
  readonly signer: Signer | undefined;
  readonly tls: TlsFiles | undefined;
  /** Whether the subgraph is an AWS AppSync API. */
  readonly isAppSync: boolean;
  /** Equal for two, perhaps of different options, that are connected to in the same way. */
  readonly connection: string;
  /** Equal for two, perhaps of different options, whose cached answers may replace each other: `originOf`. */
  readonly origin: string;
  /** `independent`: its answers do not depend on the caller, and it gets no headers of clients. */
  readonly identity: 'forwarded' | 'independent';
  /** Whether the subgraph takes a JSON array of requests. */
  readonly arrayBatching: boolean;
  readonly subscriptions: SubgraphSubscriptions;
  /** Lifetimes that replace what the subgraph's answers say: for all answers, and for the entities of some types. */
  readonly lifetimes: { readonly all: Policy | undefined; readonly types: ReadonlyMap<string, Policy> };
}
