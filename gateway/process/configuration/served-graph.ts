import { storeOfGraph } from '../../cache/stores/store-of-graph';
import type { SupergraphSource } from '../../supergraph/source';
import type { Subscriptions } from '../../graph/subscriptions/subscriptions';
import type { Options } from '../../options';
import { isOfDefaultGraph } from '../../options/graphs';
import { trustedOperationsIn } from '../../packaged/packaged-graph';
import type { GraphSteps } from '../../request/graph-steps';
import type { Reply } from '../../request/reply';
import { readTrustedOperations } from '../../request/persisted/trusted-operations';
import { LoadHistory } from '../../telemetry/load-history';
import { openAll, type OpenPart } from '../open-parts';
import type { ProcessParts } from '../process-parts';
import type { Telemetry } from '../telemetry';
import { type Access, limitsOf } from './access';
import type { Admission } from './admission';
import { openCaches } from './caches';
import { type Connections, openCalls } from './calls';
import { createGraphSteps } from './entry';
import { type Graph, type GraphParts, openGraph, type PreviousGraph } from './graph';
import { openSources } from './sources';

/** What all graphs of a process have in common. */
export interface SharedParts {
  readonly parts: ProcessParts;
  readonly access: Access;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly reply: Reply;
}

/** A graph in use: where its supergraph comes from, how its subgraphs are called, its caches and its operations. */
export interface ServedGraph extends OpenPart {
  readonly parts: GraphParts;
  readonly graph: Graph;
  readonly steps: GraphSteps;
}

export interface ServedGraphSettings {
  /** Used instead of the source in the options. */
  readonly ownSource?: SupergraphSource | undefined;
  readonly previous: PreviousGraph | undefined;
}

/** @throws {OptionsError} if the options name something that does not exist */
export function openServedGraph(
  options: Options,
  { parts, access, admission, connections, reply }: SharedParts,
  { ownSource, previous }: ServedGraphSettings,
): Promise<ServedGraph> {
  const { packaged, telemetry, stores, upstreams } = parts;
  return openAll(async (opened) => {
    const trusted =
      packaged === undefined
        ? await readTrustedOperations(options.persistedOperations.manifest)
        : trustedOperationsIn(packaged);
    const sources = opened.add(openSources(options, ownSource, trusted, parts));
    const calls = opened.add(openCalls(options, connections, upstreams, telemetry));
    const caches = opened.add(openCaches(options, stores, telemetry));
    const kept = isOfDefaultGraph(options) ? sources.lastGood : undefined;
    const all = { parts, sources: { ...sources, lastGood: kept }, calls, access, caches, admission };
    const graph = opened.add(openGraph(options, all, previous));
    const steps = createGraphSteps(options, all, graph, reply);
    return { parts: all, graph, steps, close: () => opened.close() };
  });
}

/** What a graph has of its own where there are several: nothing that is kept for one graph is found by another one. */
export function partsOfGraph(
  shared: SharedParts,
  options: Options,
  subscriptions: Subscriptions,
): SharedParts {
  const { parts, access } = shared;
  const { stores, clients } = parts;
  const isDefault = isOfDefaultGraph(options);
  const name = options.supergraph!.graph!;
  return {
    ...shared,
    access: { ...access, limits: limitsOf(options) },
    parts: {
      ...parts,
      telemetry: telemetryOfGraph(parts.telemetry, name, isDefault),
      stores: { ...stores, store: storeOfGraph(stores.store, name) },
      clients: {
        ...clients,
        subscriptions,
        operations: isDefault ? clients.operations : clients.operationsOfOthers,
      },
    },
  };
}

/** Log lines and audit records name the graph. The console shows the loads of the default graph alone. */
function telemetryOfGraph<Of extends Telemetry>(telemetry: Of, graph: string, isDefault: boolean): Of {
  const { audit, logger, loads } = telemetry;
  return {
    ...telemetry,
    logger: logger.child({ graph }),
    audit: audit && { ...audit, action: (done) => audit.action({ ...done, graph }) },
    loads: isDefault ? loads : new LoadHistory(logger.redact),
  };
}

/**
 * The options of one graph: `graphs.of` names those that differ. Only the default graph is kept in a file, has webhooks,
 * and is fed by events: their sources may be its subgraphs.
 */
export function optionsOfGraph(options: Options, name: string): Options {
  const { graphs, supergraph } = options;
  const { subgraphs, ...own } = graphs!.of[name] ?? {};
  const isDefault = name === graphs!.default;
  return {
    ...options,
    ...(Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as typeof own),
    subgraphs: { ...options.subgraphs, ...subgraphs },
    ...(!isDefault && {
      supergraph: { ...supergraph!, graph: name, version: undefined, webhooks: {} },
      events: { ...options.events, sources: {}, types: {}, subscriptions: {} },
    }),
  } as Options;
}
