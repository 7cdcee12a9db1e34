import { type GraphQLResolveInfo, type GraphQLScalarType } from 'graphql';
import { type FastifyBaseLogger } from 'fastify';
import { type Database } from './table/database';
import { type Cause } from './events/event';
import { type Consumer } from './events/consumers/consumer';
import { type Projection } from './events/projection';
import { type Projections } from './events/subgraph-projections';
import { type Authenticate, type Identity, type SignedCaller } from './identity/identity';
import { type EventSource } from './subscriptions/event-source';
import { type SubscriptionField } from './subscriptions/subscription-field';
import { type AnyTableDefinition } from './table/definition';
import { type Fetch } from './traces/caused-fetch';
import { type WorkflowDefinition, type Workflows } from './workflows/workflows';

/** A definition of a subgraph. {@link runWhenMain} serves it as a process, {@link lambdaHandler} on Lambda. */
export interface Subgraph<Context extends object = object, OptionName extends string = string> {
  readonly name: string;
  /** Default port. @default 4001 */
  readonly port?: number;
  /** Absolute path of the schema file. */
  readonly schema: string;
  readonly resolvers: Resolvers<Context>;
  /** Created when missing; a seed is written once, after creation. */
  readonly tables?: readonly AnyTableDefinition[];
  /** Settings of its own, by name; `inventoryUrl` is read from `--inventory-url` and `INVENTORY_URL`. */
  readonly options?: Readonly<Record<OptionName, OptionDefinition>>;
  /**
   * @default the signed caller; without a private link, for development, the unchecked
   * `authorization: Bearer u1`
   */
  readonly authenticate?: Authenticate;
  /** Its workflows, which its processes run. @default none */
  readonly workflows?: readonly WorkflowDefinition<OptionName>[];
  /** What it does when events happen, here or in other subgraphs. It has the table `NAME-consumers` for them. */
  readonly consumers?: readonly Consumer[];
  /** Its read models that are made of events. */
  readonly projections?: readonly Projection[];
  /**
   * Opens the source of what its subscriptions follow, once per process.
   *
   * @default the log of the events that its tables write; nothing where none has an outbox
   */
  readonly events?: () => EventSource;
  /**
   * Makes the context that the resolvers of one request, or of one event of a subscription, share: loaders, identity.
   *
   * @default nothing
   */
  readonly context?: (request: RequestScope<OptionName>) => Context;
}

export interface OptionDefinition {
  /** One line for `--help`. */
  readonly description: string;
  readonly default: string;
}

/** A request before its operation runs. */
export interface RequestScope<OptionName extends string = string> {
  readonly db: Database;
  readonly identity: Identity | null;
  /** The caller that the gateway signed, which may be a client without a user. `null` without a private link. */
  readonly caller: SignedCaller | null;
  /** Aborted when the caller of a query has left, never during a mutation. Reads through `db` use it already. */
  readonly signal: AbortSignal;
  /**
   * Invalidates by tag (the tags of `@cacheTag`). Before it answers, the gateway drops cache entries that have
   * one of these tags (`Cache-Group-Invalidation`, RFC 9875). It has no effect in an event of a subscription.
   */
  readonly invalidate: (...tags: readonly string[]) => void;
  /**
   * Request id and trace context, as events have them. Those that are written through `db` have them already; pass them
   * to what goes on after the request.
   */
  readonly cause: Cause;
  /** Headers to pass on to other services: request id and trace context. `fetch` adds them itself. */
  readonly propagation: Readonly<Record<string, string>>;
  /** The global `fetch` for calls of other services: with the headers of `propagation`, and as a span of the trace. */
  readonly fetch: Fetch;
  /** Signed headers to call another subgraph over the private link, for the same caller; none without a link. */
  readonly sign: (subgraph: string, body: string) => Readonly<Record<string, string>>;
  readonly options: Readonly<Record<OptionName, string>>;
  /** The subgraph's projections. */
  readonly projections: Projections;
  /** The subgraph's workflows. Executions that are started have this request's id and trace context. */
  readonly workflows: Workflows;
  readonly log: FastifyBaseLogger;
}

/**
 * Resolvers state the types of their parent and arguments themselves. `__resolveReference` takes the reference and
 * the context: `(reference: { id: string }, { loaders }: Context) => loaders.user.load(reference)`.
 */
export type Resolvers<Context> = Readonly<Record<string, TypeResolvers<Context> | GraphQLScalarType>>;
export type TypeResolvers<Context> = Readonly<
  Record<string, Resolver<Context> | SubscriptionField<Context> | EnumValue>
>;
type EnumValue = string | number;
// `never` makes every parameter type acceptable, so each resolver is typed where it is written.
type Resolver<Context> = (parent: never, args: never, context: Context, info: GraphQLResolveInfo) => unknown;

/** Defines a subgraph. Nothing runs until it is served. */
export function defineSubgraph<Context extends object, OptionName extends string = never>(
  subgraph: Subgraph<Context, OptionName>,
): Subgraph<Context, OptionName> {
  return subgraph;
}
