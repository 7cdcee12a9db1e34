/** Over 300 lines: all parts that answer requests are created and connected here. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { ApolloServerPlugin } from '@apollo/server';
import { getOperationAST, type GraphQLSchema, parse } from 'graphql';
import type { SchemaView } from '../console/api';
import type { GraphSources } from '../console/graph';
import { schemaViews } from '../console/schema-view';
import { createAuthentication } from '../auth/authentication';
import { anonymous } from '../auth/identity';
import { type EvaluatePolicies, openPolicyEvaluator, Policies } from '../auth/directives';
import { allTags, createInvalidate, type Invalidate, tagsOf, UnknownNames } from '../cache/invalidation';
import { sentenceOf } from '../cache/unknown-names';
import type { UsedSignatures } from '../net/used-signatures';
import type { Store } from '../cache/stores/store';
import type { Discovery } from '../discovery/discovery';
import { addressUrl } from '../discovery/resolver';
import { RequestsInFlight } from '../request/requests-in-flight';
import { compileCorsHeaders } from '../http/cors';
import { CachedAnswers } from '../cache/responses/cached-answers';
import { createCaching } from '../cache/responses/caching';
import { CdnPurges } from '../cache/cdn/cdn-purges';
import { cloudFrontPurge } from '../cache/cdn/cloudfront';
import { PersistedOperations } from '../request/persisted/persisted-operations';
import { readTrustedOperations, type TrustedOperations } from '../request/persisted/trusted-operations';
import { Gateway } from '../graph/gateway';
import type { Subgraph } from '../subgraph-calls/subgraph';
import { Generation, supergraphId } from '../graph/generation';
import { cursorKey, type CursorKeys, Cursors } from '../graph/subscriptions/cursor';
import type { Subscriptions } from '../graph/subscriptions/subscriptions';
import { requestError } from '../errors';
import { createBeginRequest } from '../http/begin-request';
import { compileIsPreflighted } from '../http/preflighted';
import { partsTypes } from '../http/parts-types';
import { partsHeartbeat } from '../http/send-parts';
import { createRefusal } from '../http/prepared-refusal';
import { createReceive } from '../http/receive';
import { type ClientLimits, createClientLimits } from '../limits/client-limits';
import { compileOperationCost } from '../limits/cost/operation-cost';
import { refuseOperation } from '../limits/operation-limits';
import { Overload } from '../admission/overload';
import { Slots } from '../admission/slots';
import { PlanWaits } from '../admission/plan-waits';
import { ReadingTurns } from '../admission/reading-turns';
import { Rates } from '../admission/rates/rates';
import type { SharedCounts } from '../admission/rates/shared-counts';
import { UnsentRequests } from '../admission/unsent-requests';
import { type Options, OptionsError } from '../options';
import { isShared } from '../options/cache';
import type { Invalidation } from '../options/invalidation';
import type { EventFeeds } from '../events/feeds';
import type { EventPublisher } from '../events/sources/subgraph';
import { type PackagedGraph, trustedOperationsIn } from '../packaged/packaged-graph';
import type { OperationMemory } from '../graph/operation-cache';
import { createPages, explainEndpoint } from './exploration';
import { firstQuery } from './first-query';
import { checkNamedFiles } from './named-files';
import { checkNeededPackages } from './needed-packages';
import { createHandle, createRoutes, type Route } from './routes';
import type { Hooks } from '../request/hooks';
import { createSteps, type Steps } from '../websocket/steps';
import { createFormatError } from '../request/answers/format-error';
import { createLearn, OperationParser } from '../request/learn-operation';
import { Pipeline } from '../request/pipeline';
import { Reply } from '../request/reply';
import { RunOperation } from '../request/run-operation';
import { openSubgraphSigners, type SharedLinkKeys } from '../subgraph-calls/signers/open-signers';
import type { Removals } from '../supergraph/removed-names';
import { type OpenedSource, openSource } from '../supergraph/open';
import type { SupergraphSource } from '../supergraph/source';
import type { Audit } from '../telemetry/audit/audit';
import { watchBreakers, watchStrict } from '../telemetry/metrics/endpoints';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import type { Metrics } from '../telemetry/metrics/metrics';
import type { Tracer } from '../telemetry/traces/tracer';
import { Breakers } from '../subgraph-calls/endpoints/breakers';
import { ArrivingResponses } from '../subgraph-calls/wire/arriving-responses';
import { createHttpTransport } from '../subgraph-calls/wire/http';
import type { SubscriptionTransport } from '../subgraph-calls/subscriptions/subscription-transport';
import type { Interceptor } from '../subgraph-calls/contract/transport';

/** The parts that live as long as the process, across changes of options. */
export interface ProcessParts {
  /** What was made of the supergraph and the operations of the manifests in advance. @default nothing */
  readonly packaged?: PackagedGraph | undefined;
  readonly store: Store;
  readonly subscriptions: SubscriptionTransport;
  readonly discovery: Discovery;
  readonly linkKeys: SharedLinkKeys;
  /** Undefined if each process counts for itself. */
  readonly shared: SharedCounts | undefined;
  readonly memory: OperationMemory;
  readonly runningSubscriptions: Subscriptions;
  /** What cursors are signed with where there are no link keys. */
  readonly cursorKeys: CursorKeys;
  /** What subscriptions are fed by that events feed. */
  readonly eventFeeds: EventFeeds;
  readonly usedSignatures: UsedSignatures;
  readonly audit: Audit | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly hooks: Hooks;
  readonly interceptors: readonly Interceptor[];
  readonly plugins: readonly ApolloServerPlugin[];
  /** The headers with which GraphiQL opens. */
  readonly explorerHeaders: Readonly<Record<string, string>>;
  /** The origins of the console, which may frame GraphiQL. */
  readonly consoleOrigins: () => readonly string[];
  /** Whether the process takes requests, or why it does not. */
  readonly state: () => 'starting' | 'running' | 'stopping';
}

export interface ConfigurationOptions extends ProcessParts {
  readonly options: Options;
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
  readonly options: Options;
  readonly #parts: ReturnType<typeof build>;
  #answers = false;
  #closing: Promise<readonly string[]> | undefined;

  /** Rejects with an `OptionsError` if the options name something that does not exist. */
  static async open(options: ConfigurationOptions): Promise<Configuration> {
    const { persistedOperations, authorization } = options.options;
    const { packaged } = options;
    // What is packaged has been checked before, and is bundled.
    if (packaged === undefined) checkNeededPackages(options.options);
    await checkNamedFiles(options.options);
    const trusted =
      packaged === undefined
        ? await readTrustedOperations(persistedOperations.manifest)
        : trustedOperationsIn(packaged);
    return new Configuration(options, trusted, await openPolicyEvaluator(authorization.policies));
  }

  private constructor(
    options: ConfigurationOptions,
    trusted: TrustedOperations,
    evaluate: EvaluatePolicies | undefined,
  ) {
    this.options = options.options;
    this.#parts = build(options, trusted, evaluate, () => this.#answers);
  }

  /**
   * Resolves when it runs its supergraph, or when the source will deliver one later. Where it replaces another one it
   * always has a supergraph then: while the source is unavailable, the one that runs. Later ones wait until `follow`.
   * @throws {SupergraphError} when the supergraph cannot be read or run
   */
  async start(): Promise<void> {
    const { parser, gateway, parsesLater } = this.#parts;
    const started = (parsesLater ? gateway.load() : parser.start()).then(() => (this.#answers = true));
    // Without a supergraph Apollo Server starts later, or never if the gateway is stopped before.
    started.catch(() => undefined);
    await gateway.start();
    if (gateway.current !== undefined) await started;
  }

  /** Whether the manifests of another configuration have the same operations. */
  trustsAs(other: Configuration): boolean {
    return this.#parts.persistedOperations.trustsAs(other.#parts.persistedOperations);
  }

  /** Whether the files that are read with the options had the same content for another configuration of equal options. */
  readsFilesAs(other: Configuration): boolean {
    return this.trustsAs(other) && this.#parts.ca === other.#parts.ca;
  }

  /** Whether there is a supergraph. */
  get answers(): boolean {
    return this.#answers;
  }

  /** The requests that are not answered yet. */
  get inFlight(): RequestsInFlight {
    return this.#parts.inFlight;
  }

  /** The steps of a request, for every kind of connection. */
  get pipeline(): Pipeline {
    return this.#parts.pipeline;
  }

  /** What a WebSocket connection needs. */
  get steps(): Steps {
    return this.#parts.steps;
  }

  get generation(): Generation | undefined {
    return this.#parts.gateway.current;
  }

  /** How its subgraphs are reached for their events; undefined for one that the supergraph does not have. */
  publisherOf(subgraph: string): EventPublisher | undefined {
    const found = this.generation?.subgraph(subgraph);
    if (found === undefined) return undefined;
    const { name, headers, signer, tls } = found;
    const { connections } = this.#parts.transport;
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
    const isOpen: GraphSources['isOpen'] = (endpoint) => this.#parts.breakers.isOpen(endpoint);
    return { services, isOpen };
  }

  /** What the console shows of the schema; undefined while there is no supergraph. */
  async describeSchema(): Promise<SchemaView | undefined> {
    const { generation } = this;
    if (generation === undefined) return undefined;
    const { supergraphSdl, apiSchemaSdl } = generation;
    return this.#parts.viewSchema({ supergraphSdl, apiSchemaSdl, id: supergraphId(supergraphSdl) });
  }

  /** Which versions of the registry have removed these names; none without a registry. */
  async removalsOf(coordinates: readonly string[]): Promise<Removals> {
    return (await this.#parts.removals?.(coordinates)) ?? [];
  }

  get rates(): Rates | undefined {
    return this.#parts.rates;
  }

  get invalidate(): Invalidate {
    return this.#parts.invalidate;
  }

  /** @throws {UnknownNames} if there is a supergraph, and it lacks one of the names */
  tagsOf(invalidation: Invalidation): string[] {
    const unknown = this.generation?.unknownNames(invalidation) ?? [];
    if (unknown.length > 0) throw new UnknownNames(unknown.map((each) => sentenceOf(each)).join(' '));
    return tagsOf(invalidation);
  }

  /** The paths that a CDN is told to drop for tags; undefined without a CDN. */
  cdnPaths(tags: readonly string[]): readonly string[] | undefined {
    const { purges, tagFormats } = this.#parts;
    return purges?.pathsFor(allTags(tags, tagFormats()));
  }

  /** Answers requests of other kinds of connections as it does those over HTTP. */
  get route(): Route {
    return this.#parts.route;
  }

  get reply(): Reply {
    return this.#parts.reply;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#parts.handle(request, response);
  }

  /** From now on runs each newer supergraph of its source, and moves running subscriptions to it. */
  follow(): void {
    this.#parts.gateway.follow();
  }

  /** Runs no other supergraph until `follow`: to be called before another one starts that is to replace it. */
  freeze(): void {
    this.#parts.gateway.freeze();
  }

  /** Resolves as soon as none of its clients has a subscription any more. */
  async left(): Promise<void> {
    while (this.#parts.inFlight.size > 0) await new Promise((resolve) => setTimeout(resolve, 1000).unref());
  }

  /**
   * Resolves as soon as no request is in flight but subscriptions, none waits for a slot, and every subscription has moved to
   * another configuration, with all events that it had begun to answer.
   */
  async idle(): Promise<void> {
    const { gateway, inFlight, overload } = this.#parts;
    while (overload.waiting > 0 || [...inFlight].some(({ isDetached }) => !isDetached) || gateway.isHeld)
      await new Promise((resolve) => setTimeout(resolve, 50).unref());
  }

  /** Refuses all requests that wait for a slot. */
  refuseWaiting(): void {
    this.#parts.overload.refuseWaiting();
  }

  /** Takes over the CDN purges that another configuration could not send. */
  takeOverPurges(paths: readonly string[]): void {
    this.#parts.purges?.addPaths(paths);
  }

  /** Resolves when what requests have left to be written is written: the counts of usage. */
  async flush(): Promise<void> {
    await this.#parts.usage?.flush();
  }

  /** To be called when no request is in flight. Resolves with the paths that could not be sent to the CDN. */
  close(): Promise<readonly string[]> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<readonly string[]> {
    const { parser, gateway, overload, unsent, usage, transport } = this.#parts;
    const { signers, authentication, purges } = this.#parts;
    overload.close();
    unsent.close();
    this.#parts.persistedOperations.close();
    await usage?.close();
    const untold = await purges?.close();
    try {
      // Rejects where a plugin does.
      await (this.#answers ? parser.stop() : gateway.stop());
    } finally {
      await transport.close();
      signers.close();
      authentication?.close();
    }
    return untold ?? [];
  }
}

function build(
  {
    options,
    ownSource,
    packaged,
    previous,
    store,
    subscriptions,
    discovery,
    linkKeys,
    shared,
    memory,
    runningSubscriptions,
    cursorKeys,
    eventFeeds,
    usedSignatures,
    audit,
    hooks,
    interceptors,
    plugins,
    explorerHeaders,
    consoleOrigins,
    logger,
    metrics,
    tracer,
    state,
  }: ConfigurationOptions,
  trusted: TrustedOperations,
  evaluate: EvaluatePolicies | undefined,
  answers: () => boolean,
) {
  // Code that may throw comes first, before anything is opened that must be closed.
  const { persistedOperations: statistics } = metrics;
  const persistedOperations = new PersistedOperations({ options, trusted, store, statistics, logger });
  const { source, lastGood, usage, registryFacts, removals }: OpenedSource =
    ownSource === undefined ? openSource(options, { logger, meter: metrics.meter }) : { source: ownSource };
  const viewSchema = schemaViews({ source: describeSource(options, ownSource), registryFacts });
  // Connections to subgraphs outlive a supergraph.
  const connections = connectionsOf(options);
  const { connectTimeout, keepAlive, http2, ca } = connections;
  const transport = createHttpTransport({
    ...connections,
    // Most of the memory is for answers that wait to be read.
    arriving: new ArrivingResponses(options.overload.unread / 4),
    durations: metrics.subgraphDurations,
    watchStrict: watchStrict({ metrics, logger }),
  });
  const authentication = createAuthentication({ options: options.auth, usedSignatures, logger });
  const signers = openSubgraphSigners(options, { linkKeys, logger });
  const { linkKeys: links } = signers;
  const cursors = new Cursors(
    links === undefined ? cursorKeys : () => links.all.map(({ hmac }) => cursorKey(hmac)),
  );
  const breakers = new Breakers(options.breaker, watchBreakers({ metrics, logger }));
  const policies = new Policies({ evaluate, ttl: options.authorization.policies?.ttl ?? 0, logger });
  const caching = createCaching(options, store, metrics, logger);
  const tagFormats = () => gateway.current?.tagFormats ?? [];
  const purges = openPurges(options, { meter: metrics.meter, logger });
  const invalidate = createInvalidate(store, tagFormats, (tags) => {
    caching.changes.note();
    purges?.add(tags);
  });
  const introspection = options.introspection ?? options.mode === 'development';
  const limits = createClientLimits({ limits: options.limits, introspection });
  const planWaits = new PlanWaits({
    limit: options.planning.waiting,
    onWait: () => overload.slotFreed(),
  });
  const readingTurns = new ReadingTurns({
    limit: 4 * options.planning.waiting,
    onWait: () => overload.slotFreed(),
  });
  // Only for the first generation, so that the previous one can be collected.
  let inherited = previous?.generation;
  const takeInherited = (): Generation | undefined => {
    const taken = inherited;
    inherited = undefined;
    return taken;
  };
  const gateway = new Gateway({
    source,
    audit,
    replaces: inherited && {
      supergraphSdl: inherited.supergraphSdl,
      isOfSameSource: isDeepStrictEqual(sourceIn(previous!.options), sourceIn(options)),
    },
    build: (supergraphSdl, before) =>
      Generation.build({
        supergraphSdl,
        packaged,
        options,
        previous: before ?? takeInherited(),
        isFirst: before === undefined,
        policies,
        limits,
        planWaits,
        signers,
        transport,
        subscriptions,
        connections: { connectTimeout, keepAlive, http2, ca },
        breakers,
        discovery,
        interceptors,
        store,
        memory,
        runningSubscriptions,
        cursors,
        eventFeeds,
        refuse: persistedOperations.refuse,
        hooks,
        objectionTo: authentication?.objectionTo,
        caching,
        invalidate,
        audit,
        metrics,
        tracer,
        logger,
        usage,
      }),
    lastGood,
    runningSubscriptions,
    logger,
    metrics,
  });
  // Packaging has said which operations do not fit.
  if (packaged === undefined)
    gateway.onSchemaLoadOrUpdate(() => void persistedOperations.compare(gateway.current!.apiSchemaSdl));
  const formatError = createFormatError(logger, metrics.errors);
  const parser = new OperationParser({
    ...{ gateway, options, persistedOperations, formatError, plugins, logger },
    isTraced: tracer !== undefined,
  });
  const readiness = () => [
    ...(answers() ? [] : ['no supergraph']),
    ...(state() === 'running' ? [] : [state() === 'starting' ? 'starting' : 'shutting down']),
  ];
  const inFlight = new RequestsInFlight({
    ...{ options, logger, metrics, tracer },
    onEnd: () => overload.requestEnded(),
  });
  const corsHeaders = compileCorsHeaders(options);
  const reply = new Reply(logger, metrics.errors, options.errors.jsonStatus, (bytes) =>
    overload.answering(bytes),
  );
  const overload = new Overload({
    options: options.overload,
    inFlight: {
      get size() {
        return inFlight.admitted - planWaits.size - readingTurns.size;
      },
      get working() {
        return inFlight.working - planWaits.size - readingTurns.size;
      },
    },
    requests: inFlight,
    statistics: metrics.overload,
    onFullHeap: () => memory.giveBack(),
    logger,
  });
  const unsent = new UnsentRequests({
    requests: options.overload.requests,
    limit: options.overload.unsent,
    inFlight,
    bodyLimit: options.limits.body,
    logger,
  });
  const overloaded = requestError('OVERLOADED', {}, { headers: { 'retry-after': '1' } });
  const refuse = createRefusal(overloaded);
  const bodyLimit = options.limits.body;
  const slots = new Slots({ inFlight, overload, unsent, bodyLimit, refuse });
  const rates = Rates.of({ rates: options.rates, meter: metrics.meter, previous: previous?.rates, shared });
  const { answerHeaders } = caching;
  const { clientDirectives } = options.cache.responses;
  const isPreflighted = compileIsPreflighted(options);
  const learn = createLearn(() => parser.start());
  // Known operations need no parser, and plugins are told of the start.
  const parsesLater = packaged !== undefined && plugins.length === 0;
  const pipeline = new Pipeline({
    bodyLimit,
    isReady: answers,
    slots,
    admit: authentication?.admit,
    rates,
    cachedAnswers: new CachedAnswers({
      ...{ ...caching, store, gateway, clientDirectives, isPreflighted, reply, logger },
    }),
    limits,
    runOperation: new RunOperation({
      ...{ persistedOperations, limits, gateway, isPreflighted, learn, readingTurns, hooks },
    }),
    learn,
    answerHeaders,
    formatError,
    hooks,
    reply,
  });
  const receive = createReceive({
    bodyLimit,
    admitByHeaders: authentication?.admitByHeaders,
    pipeline,
  });
  const steps = createSteps({ options, requests: inFlight, pipeline });
  const begin = createBeginRequest(options, inFlight, {
    corsHeaders,
    partsTypesFor: partsTypes(),
    heartbeat: partsHeartbeat,
    idle: options.timeouts.request + options.timeouts.client,
  });
  const pageFor =
    options.mode === 'development'
      ? createPages({
          endpoint: options.path,
          query: () => firstQueryOf(gateway.current?.apiSchema, limits, options.limits.assumedListSize),
          headers: explorerHeaders,
          consoleOrigins,
        })
      : explainEndpoint(options.path);
  const route = createRoutes({ options, readiness, slots, reply, pageFor });
  const handle = createHandle(begin, route, receive);
  return {
    ...{
      route,
      reply,
      handle,
      steps,
      pipeline,
      parser,
      parsesLater,
      gateway,
      inFlight,
      overload,
      unsent,
      usage,
      transport,
      signers,
      authentication,
    },
    ...{ invalidate, rates, purges, tagFormats, persistedOperations, breakers, viewSchema, removals, ca },
  };
}

/** Only private links sign what subgraphs send to the gateway. */
const hasPrivateLink = ({ subscriptions }: Subgraph): boolean => subscriptions.verifyCallback !== undefined;

/** Where supergraphs come from, without what may be secret in a URL. */
function describeSource({ supergraph }: Options, ownSource: SupergraphSource | undefined): string {
  if (ownSource !== undefined || supergraph === undefined) return 'a source of this program';
  const { file, url, registry, graph } = supergraph;
  if (registry !== undefined) return `the registry, ${graph}`;
  if (url === undefined) return `the file ${file}`;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** What says which supergraph it is, and not how it is fetched. */
function sourceIn({ supergraph }: Options) {
  const { file, url, registry, graph, version } = supergraph ?? {};
  return { file, url, registry, graph, version };
}

/** The first query for a graph, within the limits of anonymous callers. */
function firstQueryOf(
  schema: GraphQLSchema | undefined,
  limits: ClientLimits,
  assumedListSize: number,
): string {
  if (schema === undefined) return '';
  return firstQuery(schema, (query) => {
    const document = parse(query);
    const operation = getOperationAST(document)!;
    const cost = compileOperationCost(document, operation, {
      schema,
      directives: undefined,
      assumedListSize,
    });
    return refuseOperation(query, cost, limits)({}, anonymous) === undefined;
  });
}

function connectionsOf({ connections }: Options) {
  const { max, ca, connectTimeout, keepAlive, http2, strict, compression } = connections;
  const shared = { connections: max, connectTimeout, keepAlive, http2, strict, compression };
  if (ca === undefined) return { ...shared, ca };
  try {
    return { ...shared, ca: readFileSync(ca, 'utf8') };
  } catch (error) {
    throw OptionsError.unreadable(['connections', 'ca'], ca, error);
  }
}

function openPurges(
  { path, cache: { cdn, store, memoryBound } }: Options,
  tools: { readonly meter: Meter; readonly logger: Logger },
): CdnPurges | undefined {
  if (cdn.cloudFront === undefined) return undefined;
  const { purge, delay, ...distribution } = cdn.cloudFront;
  const everything = `${path}*`;
  return new CdnPurges({
    send: cloudFrontPurge(distribution),
    rules: purge ?? [{ tags: ['*'], paths: [everything] }],
    everything,
    delay: isShared({ store }) ? Math.max(delay, memoryBound) : delay,
    ...tools,
  });
}
