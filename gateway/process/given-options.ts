import type { ApolloServerPlugin } from '@apollo/server';
import type { InvalidationSource } from '../cache/invalidation';
import type { Peers } from '../cache/stores/peer';
import { type Extension, problemOfHooks } from '../extensions/import-extension';
import { type Options, OptionsError, type OptionsInput, parseOptions } from '../options';
import type { OptionSources } from '../options/sources';
import type { Hooks } from '../request/hooks';
import type { Interceptor } from '../subgraph-calls/contract/transport';
import { apolloManagerSource, type SupergraphManager } from '../supergraph/apollo-manager';
import type { SupergraphSource } from '../supergraph/source';
import type { LogDestination } from '../telemetry/logger';
import type { ConnectionSource } from './clients/drain';

/** The options of `startGateway`. `supergraph` may also be a custom source, or a `SupergraphManager` of Apollo. */
export type GatewayOptions = Omit<OptionsInput, 'supergraph'> & {
  readonly supergraph?: OptionsInput['supergraph'] | SupergraphSource | SupergraphManager;
  /** Where log lines go. @default standard output */
  readonly logDestination?: LogDestination | undefined;
  /** A source of events that invalidate cached answers, such as an event bus or a change stream. @default none */
  readonly invalidations?: InvalidationSource | undefined;
  /** The source of connections if another process listens at `host` and `port`. @default this process listens */
  readonly clientConnections?: ConnectionSource | undefined;
  /** A secret of all processes of this gateway, which pass on HTTP callbacks to one another. @default there is one process */
  readonly callbackKey?: string | undefined;
  /** Functions around client requests: docs/extending.md. @default none */
  readonly hooks?: Hooks | undefined;
  /** Functions around each subgraph call, the outermost first: docs/extending.md. @default none */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Plugins of Apollo Server, which parses and validates new operations: docs/extending.md. @default none */
  readonly plugins?: readonly ApolloServerPlugin[] | undefined;
  /** Headers with which GraphiQL opens in development. No effect in production. @default none */
  readonly explorerHeaders?: Readonly<Record<string, string>> | undefined;
  /** Where the options in use come from, for the console. @default they are given in code */
  readonly optionSources?: (() => OptionSources | undefined) | undefined;
  /** Subgraphs whose answers are made up: `extensions.weir.mocked` of an answer names those that took part. Refused in production. @default none */
  readonly mocked?: readonly string[] | undefined;
  /** What the consoles of other gateways call this one. @default the names of the host and of the process */
  readonly name?: string | undefined;
  /** Other processes of this gateway, which invalidate together with it. No effect with a shared store. @default none */
  readonly peers?: Peers | undefined;
};

export interface GivenOptions {
  readonly options: Options;
  /** Used instead of the source in the options. */
  readonly ownSource: SupergraphSource | undefined;
  /** What comes before the extensions of the options. */
  readonly inCode: Required<Extension>;
  readonly explorerHeaders: Readonly<Record<string, string>>;
  readonly mocked: readonly string[];
}

/**
 * Separates the options from what code gives beside them.
 *
 * @throws {OptionsError} if an option is wrong
 */
export function readGiven({
  supergraph,
  logDestination,
  invalidations,
  clientConnections,
  callbackKey,
  optionSources,
  name,
  peers,
  hooks = {},
  interceptors = [],
  plugins = [],
  explorerHeaders = {},
  mocked = [],
  ...others
}: GatewayOptions): GivenOptions {
  const ownSource = ownSourceOf(supergraph);
  const written = ownSource === undefined ? { supergraph: supergraph as OptionsInput['supergraph'] } : {};
  const options = parseOptions({ ...others, ...written });
  checkHooks(hooks);
  if (mocked.length > 0 && options.mode === 'production')
    throw OptionsError.of(['mocked'], 'must be empty in production, where no answer is made up');
  return { options, ownSource, inCode: { hooks, interceptors, plugins }, explorerHeaders, mocked };
}

/** @throws {OptionsError} if a member is not a hook */
function checkHooks(hooks: Hooks): void {
  const wrong = problemOfHooks(hooks);
  if (wrong !== undefined) throw OptionsError.of(wrong.path, wrong.problem);
}

/** The source of supergraphs that is given in code. */
function ownSourceOf(supergraph: GatewayOptions['supergraph']): SupergraphSource | undefined {
  if (typeof supergraph !== 'object') return undefined;
  if ('start' in supergraph) return supergraph;
  if ('initialize' in supergraph) return apolloManagerSource(supergraph);
  return undefined;
}
