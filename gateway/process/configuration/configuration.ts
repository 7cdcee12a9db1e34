/** Over 300 lines: one class that shows its parts to the console, operators and reloads. */
import type { GraphSources } from '../../console/graph';
import type { SchemaView } from '../../console/api';
import type { CacheContents } from '../../console/caches';
import type { RunningSubscriptions } from '../../console/streams';
import type { SupergraphOrigin } from '../../console/versions';
import { type Invalidate, tagsOf, UnknownNames } from '../../cache/invalidation';
import { sentenceOf } from '../../cache/unknown-names';
import type { Rates } from '../../admission/rates/rates';
import { addressUrl } from '../../discovery/resolver';
import type { EventPublisher } from '../../events/sources/subgraph';
import { type Generation, supergraphId } from '../../graph/generation';
import { manifestsIn, type Options } from '../../options';
import type { Invalidation } from '../../options/invalidation';
import type { GraphSteps } from '../../request/graph-steps';
import { Reply } from '../../request/reply';
import type { RequestsInFlight } from '../../request/requests-in-flight';
import { openShadow } from '../../shadow/open-shadow';
import type { Shadow } from '../../shadow/shadow';
import type { Subgraph } from '../../subgraph-calls/subgraph';
import type { Removals } from '../../supergraph/removed-names';
import type { SupergraphSource } from '../../supergraph/source';
import { checkNamedFiles, digestOf } from './named-files';
import { checkNeededPackages } from './needed-packages';
import { openAll, type OpenParts } from '../open-parts';
import type { ProcessParts } from '../process-parts';
import { openAccess } from './access';
import { openAdmission } from './admission';
import { openConnections } from './calls';
import { createEntry, type Entry } from './entry';
import type { Graph, GraphParts } from './graph';
import type * as GraphsModule from '../graphs/graphs';
import type * as RegisteredToolsModule from '../../mcp/tools/registered-tools';
import type { RegisteredTool } from '../../mcp/tools/registered-tools';
import type { LeftOutTool } from '../../mcp/tools/tools';
import { openServedGraph, optionsOfGraph, partsOfGraph, type ServedGraph } from './served-graph';

export interface ConfigurationParts {
  readonly parts: ProcessParts;
  /** Used instead of the source in the options. */
  readonly ownSource: SupergraphSource | undefined;
  /** The configuration that serves until this one is ready. Its most used operations are planned in advance. */
  readonly previous?: Configuration | undefined;
}

/**
 * Everything that answers requests by one set of options. New options make a new `Configuration` beside the old one. It
 * does not listen itself.
 */
export class Configuration {
  readonly #opened: OpenParts;
  readonly #parts: GraphParts;
  readonly #graph: Graph;
  readonly #entry: Entry;
  /** Of the manifests of all graphs, which are read when a graph is opened, and of tools; undefined where there are none. */
  readonly #manifests: string | undefined;
  #closing: Promise<readonly string[]> | undefined;

  /** Rejects with an `OptionsError` if the options name something that does not exist. */
  static async open(
    options: Options,
    { parts, ownSource, previous }: ConfigurationParts,
  ): Promise<Configuration> {
    const { packaged, telemetry, clients } = parts;
    const { logger } = telemetry;
    // What is packaged has been checked before, and is bundled.
    if (packaged === undefined) checkNeededPackages(options);
    await checkNamedFiles(options);
    return openAll(async (opened) => {
      const access = opened.add(await openAccess(options, clients, logger));
      const admission = opened.add(openAdmission(options, parts, previous?.rates));
      const { overload } = admission;
      const { meter, errors } = telemetry.metrics;
      const reply = new Reply(logger, errors, options.errors.jsonStatus, (bytes) =>
        overload.answering(bytes),
      );
      const connections = opened.add(openConnections(options, telemetry));
      const shared = { parts, access, admission, connections, reply };
      const hasSeveral = options.graphs !== undefined;
      const own = hasSeveral ? optionsOfGraph(options, options.graphs!.default) : options;
      const served = opened.add(
        await openServedGraph(own, hasSeveral ? partsOfGraph(shared, own, clients.subscriptions) : shared, {
          ownSource,
          previous,
        }),
      );
      const shadowed = { ...connections.connections, strict: options.connections.strict };
      const shadow = openShadow(
        options,
        { overload, connections: shadowed, meter, logger },
        previous?.shadow,
      );
      opened.onClose(() => shadow?.close());
      const steps = sampled(served.steps, shadow);
      const graphs = hasSeveral ? opened.add(openGraphs(options, shared, steps)) : undefined;
      const entry = createEntry(options, {
        ...{ shared, graph: served.graph, own: steps, steps: graphs ?? steps },
        registered: await registeredTools(options),
      });
      return new Configuration(options, opened, served, graphs, shadow, entry);
    });
  }

  private constructor(
    readonly options: Options,
    opened: OpenParts,
    { parts, graph }: ServedGraph,
    /** Those besides the default one; undefined without `graphs`. */
    readonly graphs: GraphsModule.Graphs | undefined,
    /** Undefined where the options have none. */
    readonly shadow: Shadow | undefined,
    entry: Entry,
  ) {
    this.#opened = opened;
    this.#parts = parts;
    this.#graph = graph;
    this.#entry = entry;
    this.#manifests = (graphs ?? options.mcp) && digestOf(manifestsIn(options));
  }

  /**
   * Resolves when it runs its supergraph, or when the source will deliver one later. Where it replaces another one it
   * always has a supergraph then: while the source is unavailable, the one that runs. Later ones wait until `follow`.
   * @throws {SupergraphError} when the supergraph cannot be read or run
   */
  start(): Promise<void> {
    return this.#graph.start();
  }

  /** Whether the manifests of another configuration have the same operations. */
  trustsAs(other: Configuration): boolean {
    return this.#parts.sources.persistedOperations.trustsAs(other.#parts.sources.persistedOperations);
  }

  /** Whether the files that are read with the options had the same content for another configuration of equal options. */
  readsFilesAs(other: Configuration): boolean {
    const { ca } = this.#parts.calls.connections;
    return (
      this.trustsAs(other) && ca === other.#parts.calls.connections.ca && this.#manifests === other.#manifests
    );
  }

  /** Whether there is a supergraph. */
  get answers(): boolean {
    return this.#graph.answers;
  }

  /** The requests that are not answered yet. */
  get inFlight(): RequestsInFlight {
    return this.#parts.admission.inFlight;
  }

  /** The steps of a request, for every kind of connection. */
  get pipeline(): Entry['pipeline'] {
    return this.#entry.pipeline;
  }

  /** What a WebSocket connection needs. */
  get steps(): Entry['steps'] {
    return this.#entry.steps;
  }

  /** The operations that are no tools, and why. */
  get leftOutTools(): readonly LeftOutTool[] {
    return this.#entry.mcp?.leftOut ?? [];
  }

  get generation(): Generation | undefined {
    return this.#graph.gateway.current;
  }

  /** @param graph of several. @default the default one */
  generationOf(graph: string | undefined): Generation | undefined {
    return this.#servedOf(graph)?.graph.gateway.current;
  }

  /** Undefined for a graph that is not open. */
  #servedOf(graph: string | undefined): Pick<ServedGraph, 'parts' | 'graph'> | undefined {
    const isDefault = graph === undefined || graph === this.options.graphs?.default;
    return isDefault ? { parts: this.#parts, graph: this.#graph } : this.graphs?.served(graph);
  }

  /** How its subgraphs are reached for their events; undefined for one that the supergraph does not have. */
  publisherOf(subgraph: string): EventPublisher | undefined {
    const found = this.generation?.subgraph(subgraph);
    if (found === undefined) return undefined;
    const { name, headers, signer, tls } = found;
    const { connections } = this.#parts.calls.transport;
    const instances = this.generation!.instancesOf(name);
    return { name, instances, headers, signer, tls, connections };
  }

  /** The subgraphs that know the gateway by a private link, as those built with the kit do. */
  linkedSubgraphs(): EventPublisher[] {
    const subgraphs = this.generation?.subgraphs ?? [];
    return subgraphs.filter(hasPrivateLink).map(({ name }) => this.publisherOf(name)!);
  }

  /** What the console shows of the graph. */
  graphSources(): GraphSources {
    const { generation } = this;
    const services = (generation?.subgraphs ?? []).map((subgraph) => {
      const found = generation!.instancesOf(subgraph.name);
      return {
        ...subgraph,
        hasPrivateLink: hasPrivateLink(subgraph),
        endpoints:
          found.length === 0
            ? subgraph.endpoints
            : found.map((each) => ({ url: addressUrl(each), zone: each.zone })),
      };
    });
    const isOpen: GraphSources['isOpen'] = (endpoint) => this.#parts.calls.breakers.isOpen(endpoint);
    return { services, isOpen };
  }

  /** What the console shows of the schema; undefined while there is no supergraph. */
  async describeSchema(): Promise<SchemaView | undefined> {
    const { generation } = this;
    if (generation === undefined) return undefined;
    const { supergraphSdl, apiSchemaSdl } = generation;
    return this.#parts.sources.viewSchema({ supergraphSdl, apiSchemaSdl, id: supergraphId(supergraphSdl) });
  }

  /** Which versions of the registry have removed these names; none without a registry. */
  async removalsOf(coordinates: readonly string[]): Promise<Removals> {
    return (await this.#parts.sources.removals?.(coordinates)) ?? [];
  }

  /** What the console shows of where supergraphs come from. */
  get supergraphOrigin(): SupergraphOrigin {
    const { description: source, history } = this.#parts.sources;
    return { source, history };
  }

  /** What the console shows of caches. */
  get cacheContents(): CacheContents {
    const tagWithoutValues = (tag: string): string | undefined => this.generation?.tagWithoutValues(tag);
    return { cache: this.options.cache, memory: this.#parts.caches.store.memory, tagWithoutValues };
  }

  /** Those that run in this process, whatever options they began with. */
  get subscriptions(): RunningSubscriptions {
    return this.#parts.parts.clients.subscriptions;
  }

  get rates(): Rates | undefined {
    return this.#parts.admission.rates;
  }

  /** In all graphs. @param graph which knows the values that tags may have. @default the default one */
  invalidate(...[tags, cause, graph]: [...Parameters<Invalidate>, graph?: string]): Promise<void> {
    return (this.#servedOf(graph)?.parts ?? this.#parts).caches.invalidate(tags, cause);
  }

  /**
   * @param graph whose names these are. @default the default one
   * @throws {UnknownNames} if there is a supergraph, and it lacks one of the names
   */
  tagsOf(invalidation: Invalidation, graph?: string): string[] {
    if (graph !== undefined && this.graphs === undefined)
      throw new UnknownNames('The gateway has one graph: leave out `graph`.');
    const unknown = this.generationOf(graph)?.unknownNames(invalidation) ?? [];
    if (unknown.length > 0) throw new UnknownNames(unknown.map((each) => sentenceOf(each)).join(' '));
    return tagsOf(invalidation);
  }

  /** Purges the paths of tags at a CDN; undefined without a CDN. */
  cdnPaths(tags: readonly string[]): readonly string[] | undefined {
    return this.#parts.caches.cdnPaths(tags);
  }

  /** Answers requests of other kinds of connections as it does those over HTTP. */
  get route(): Entry['route'] {
    return this.#entry.route;
  }

  get reply(): Entry['reply'] {
    return this.#entry.reply;
  }

  get handle(): Entry['handle'] {
    return this.#entry.handle;
  }

  /** From now on runs each newer supergraph of its source, and moves running subscriptions to it. */
  follow(): void {
    this.#graph.gateway.follow();
    this.graphs?.follow();
  }

  /** Runs no other supergraph until `follow`: to be called before another one starts that is to replace it. */
  freeze(): void {
    this.#graph.gateway.freeze();
    this.graphs?.freeze();
  }

  /** Resolves as soon as none of its clients has a subscription any more. */
  async left(): Promise<void> {
    while (this.#parts.admission.inFlight.size > 0)
      await new Promise((resolve) => setTimeout(resolve, 1000).unref());
  }

  /**
   * Resolves as soon as no request is in flight but subscriptions, none waits for a slot, and every subscription has moved to
   * another configuration, with all events that it had begun to answer.
   */
  async idle(): Promise<void> {
    const { gateway } = this.#graph;
    const { inFlight, overload } = this.#parts.admission;
    while (
      overload.waiting > 0 ||
      [...inFlight].some(({ isDetached }) => !isDetached) ||
      gateway.isHeld ||
      this.graphs?.isHeld === true
    )
      await new Promise((resolve) => setTimeout(resolve, 50).unref());
  }

  /** Refuses new subscriptions, and ends those that run, in this time in milliseconds. */
  drain(grace: number): void {
    this.#parts.parts.clients.subscriptions.drain(grace);
    this.graphs?.drain(grace);
  }

  /** Refuses all requests that wait for a slot, or a graph. */
  refuseWaiting(): void {
    this.graphs?.refuseWaiting();
    this.#parts.admission.overload.refuseWaiting();
  }

  /** Takes over the CDN purges that another configuration could not send. */
  takeOverPurges(paths: readonly string[]): void {
    this.#parts.caches.takeOverPurges(paths);
  }

  /** Resolves when what requests have left to be written is written: the counts of usage. */
  async flush(): Promise<void> {
    await this.#parts.sources.usage?.flush();
    await this.graphs?.flush();
  }

  /** To be called when no request is in flight. Resolves with the paths that could not be sent to the CDN. */
  close(): Promise<readonly string[]> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<readonly string[]> {
    await this.#opened.close();
    return this.#parts.caches.unsentPaths;
  }
}

/** Only requests of the default graph are sent on to what is to replace it. */
const sampled = (steps: GraphSteps, sampling: Shadow | undefined): Pick<GraphSteps, 'answer'> =>
  sampling === undefined
    ? steps
    : {
        answer(arrival) {
          sampling.begin(arrival);
          steps.answer(arrival);
        },
      };

/** Nothing of it is loaded without `mcp`. @throws {OptionsError} */
async function registeredTools({ mcp }: Options): Promise<readonly RegisteredTool[] | undefined> {
  if (mcp === undefined) return undefined;
  const { readRegisteredTools } = require('../../mcp/tools/registered-tools') as typeof RegisteredToolsModule;
  return readRegisteredTools(mcp);
}

/** Not loaded where there is one graph. */
function openGraphs(...given: ConstructorParameters<typeof GraphsModule.Graphs>): GraphsModule.Graphs {
  const { Graphs: Opened } = require('../graphs/graphs') as typeof GraphsModule;
  return new Opened(...given);
}

/** Only private links sign what subgraphs send to the gateway. */
const hasPrivateLink = ({ subscriptions }: Subgraph): boolean => subscriptions.verifyCallback !== undefined;
