import type { Options } from '../../gateway/options';
import type { GatewayOptions } from '../../gateway/process/given-options';
import type { Context } from '../context';
import type { DevelopmentCredentials } from './credentials';
import type { MockServer } from './mocks/mock-server';
import type { Output } from './output';
import type { OverGraph } from './over/over-graph';
import type { NeededPort } from './ports';
import type { RunningParts } from './running-parts';
import type { SupergraphFeed } from './supergraph-feed';

/** The graph that `weir dev` runs in addition to the gateway. */
export interface Graph {
  readonly feed: SupergraphFeed;
  /** Rejects with a `CommandFailure` if there is no first supergraph, and none is awaited. */
  readonly first: Promise<void>;
  /** The gateway's options for this graph, from the configured ones. */
  optionsOf(configured: Options): GatewayOptions;
  /** The variables with the keys of a private link that is not configured in the gateway's options. */
  readonly linkEnv?: Readonly<Record<string, string>>;
  /** Facts for the banner. */
  describe(configured: Options): GraphFacts;
}

export interface GraphFacts {
  /** The watched files, as the subject of a sentence. */
  readonly watched: string;
  /** The address of each subgraph, by name. */
  readonly subgraphs: ReadonlyMap<string, string>;
  /** Where the data is; undefined if the graph does not manage data. */
  readonly data?: string | undefined;
  /**
   * Credentials as arguments for `curl`, by AppSync's name of the mode; undefined if the configuration has modes of its
   * own.
   */
  readonly credentials?: DevelopmentCredentials['examples'] | undefined;
  /** Whether the gateway answers only authenticated callers. */
  readonly needsCredentials: boolean;
  /** A sample query, and the header that `curl` sends with it. */
  readonly query: string;
  readonly header?: string;
}

/** Options for starting either kind of graph. */
export interface GraphOptions {
  /** The supergraph configuration, or the name of the graph of `over`. */
  readonly file: string;
  /** Local subgraphs over the others of a graph; undefined for a configuration. */
  readonly over: OverGraph | undefined;
  readonly context: Context;
  readonly output: Output;
  /** Started processes are added to these. */
  readonly parts: RunningParts;
  /** Returns the gateway's current options. */
  readonly options: () => Options;
  readonly ports: 'free' | 'configured';
  /** Answers for subgraphs that are not called; undefined if all are. */
  readonly mocks: MockServer | undefined;
  /** Called with the address of each subgraph, by name, when a supergraph has changed them. */
  readonly onSubgraphs: (urls: GraphFacts['subgraphs']) => void;
  readonly logLevel: string;
}

/** The ports that the gateway is going to listen on. */
export function gatewayPorts({ port, admin }: Options): NeededPort[] {
  return [{ port, of: 'gateway' }, ...(admin.enabled ? [{ port: admin.port, of: 'metrics' }] : [])];
}
