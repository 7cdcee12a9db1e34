import { type GraphQLResolveInfo, type GraphQLScalarType } from 'graphql';
import { type FastifyBaseLogger } from 'fastify';
import { type Database } from './database';
import { type Authenticate, type Identity, type SignedCaller } from './identity';
import { type AnyTableDefinition } from './table-definition';

/** A subgraph, stated: {@link lambdaHandler} and {@link runWhenMain} make it answer. */
export interface Subgraph<Context extends object = object, OptionName extends string = string> {
  readonly name: string;
  /** The port when none is asked for. @default 4001 */
  readonly port?: number;
  /** The schema file, absolute. */
  readonly schema: string;
  readonly resolvers: Resolvers<Context>;
  /** Created when missing; a seed is written once, after creation. */
  readonly tables?: readonly AnyTableDefinition[];
  /** Settings of its own, by name; `inventoryUrl` is read from `--inventory-url` and `INVENTORY_URL`. */
  readonly options?: Readonly<Record<OptionName, OptionDefinition>>;
  /**
   * @default what the gateway has signed; without a private link the stand-in for development, which believes
   * `authorization: Bearer u1`
   */
  readonly authenticate?: Authenticate;
  /** What the resolvers of one request share: loaders, identity. */
  readonly context: (request: RequestScope<OptionName>) => Context;
}

export interface OptionDefinition {
  /** What it is, for `--help`. */
  readonly description: string;
  readonly default: string;
}

/** What is known of one request before its operation runs. */
export interface RequestScope<OptionName extends string = string> {
  readonly db: Database;
  readonly identity: Identity | null;
  /** Who calls, as the gateway signed it: also a client without a user. `null` without a private link. */
  readonly caller: SignedCaller | null;
  /** Aborted when the caller of a query is gone, never during a mutation. Reads through `db` heed it already. */
  readonly signal: AbortSignal;
  /**
   * Names what a command has made old: tags, as `@cacheTag` makes them. The gateway drops from its caches what has
   * one of them before it answers (`Cache-Group-Invalidation`, RFC 9875).
   */
  readonly invalidate: (...tags: readonly string[]) => void;
  /** Headers to pass on to other services: request id and trace context. */
  readonly propagation: Readonly<Record<string, string>>;
  /** The headers that another subgraph takes for those of a private link, for the same caller; none without a link. */
  readonly sign: (subgraph: string, body: string) => Readonly<Record<string, string>>;
  readonly options: Readonly<Record<OptionName, string>>;
  readonly log: FastifyBaseLogger;
}

/**
 * Resolvers state the types of their parent and arguments themselves. `__resolveReference` takes the reference and
 * the context: `(reference: { id: string }, { loaders }: Context) => loaders.user.load(reference)`.
 */
export type Resolvers<Context> = Readonly<Record<string, TypeResolvers<Context> | GraphQLScalarType>>;
export type TypeResolvers<Context> = Readonly<Record<string, Resolver<Context> | EnumValue>>;
type EnumValue = string | number;
// `never` makes every parameter type acceptable, so each resolver is typed where it is written.
type Resolver<Context> = (parent: never, args: never, context: Context, info: GraphQLResolveInfo) => unknown;

/** States a subgraph; it does nothing until it is served. */
export function defineSubgraph<Context extends object, OptionName extends string = never>(
  subgraph: Subgraph<Context, OptionName>,
): Subgraph<Context, OptionName> {
  return subgraph;
}
