import type { GatewayOptions, Options } from '../../gateway';
import type { Context } from '../context';
import type { DevelopmentCredentials } from './credentials';
import type { Output } from './output';
import type { NeededPort } from './ports';
import type { RunningParts } from './running-parts';
import type { SupergraphFeed } from './supergraph-feed';

/** What `weir dev` runs beside the gateway. */
export interface Graph {
  readonly feed: SupergraphFeed;
  /** Rejects with a `CommandFailure` when there is no supergraph to begin with, and none is waited for. */
  readonly first: Promise<void>;
  /** The gateway's options for this graph, given what is configured. */
  optionsOf(configured: Options): GatewayOptions;
  /** What to show of it once it runs. */
  describe(configured: Options): GraphFacts;
}

export interface GraphFacts {
  /** What is watched, as the subject of a sentence. */
  readonly watched: string;
  /** By name, where each subgraph is. */
  readonly subgraphs: ReadonlyMap<string, string>;
  /** Where the data is; undefined where it is not this graph's business. */
  readonly data?: string | undefined;
  /** What `curl` needs to be somebody, by AppSync's name of the mode; undefined where the configuration has modes. */
  readonly credentials?: DevelopmentCredentials['examples'] | undefined;
  /** Whether the gateway answers only those who prove who they are. */
  readonly needsCredentials: boolean;
  /** A query to try, and what `curl` sends with it. */
  readonly query: string;
  readonly header?: string;
}

/** What both kinds of graph are started with. */
export interface GraphOptions {
  /** The supergraph configuration. */
  readonly file: string;
  readonly context: Context;
  readonly output: Output;
  /** What is started is added to them. */
  readonly parts: RunningParts;
  /** The gateway's options as they are configured now. */
  readonly options: () => Options;
  readonly ports: 'free' | 'configured';
  readonly logLevel: string;
}

/** The ports that the gateway is going to listen on. */
export function gatewayPorts({ port, admin }: Options): NeededPort[] {
  return [{ port, of: 'gateway' }, ...(admin.enabled ? [{ port: admin.port, of: 'metrics' }] : [])];
}
