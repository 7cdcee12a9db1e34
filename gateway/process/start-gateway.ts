/** Over 300 lines: everything a process opens, in order, and closes in reverse. */
import type { Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { ApolloServerPlugin } from '@apollo/server';
import { describeGateway, samplingOf } from '../console/about';
import { CallCounter } from '../console/call-totals';
import { consoleOrigins } from '../console/origins';
import { createOwnSource } from '../console/own-source';
import { ReportHistory } from '../console/report-history';
import { gatewayOf } from '../console/merged-source';
import { SharedRecords } from '../console/shared-records';
import { RequestLog } from '../console/request-log';
import type { ProcessConsole } from '../console/source';
import { createAdminServer } from './admin-server';
import { keepCursorKey } from './kept-cursor-key';
import { gatewayName, openConsole, openConsoleStore } from './open-console';
import { openConsoleFigures } from './console-figures';
import { UsedSignatures } from '../net/used-signatures';
import { invalidateNamed, type InvalidationSource } from '../cache/invalidation';
import type { InvalidateFor } from './invalidation-route';
import { openStore } from '../cache/stores/open-store';
import type { Peers } from '../cache/stores/peer';
import type { IncomingRequest } from '../request/incoming-request';
import { type ConnectionSource, noConnections, prepareDrain } from './drain';
import { Discovery } from '../discovery/discovery';
import { EventHub } from '../events/event-hub';
import { openEventSources } from '../events/open-sources';
import { requestError } from '../errors';
import { sendContinues } from '../http/body';
import { answerClientError } from '../http/connection-errors';
import { openSharedCounts } from '../admission/rates/shared-counts';
import { UnsentHeads } from '../admission/unsent-heads';
import { followCertificates } from './certificates';
import { isProbe } from '../http/paths';
import { createListener } from './listener';
import { checkNeededPackages } from './needed-packages';
import { problemOfHooks } from '../extensions/import-extension';
import { loadExtensions, reportChangedExtensions } from '../extensions/load-extensions';
import { type Options, OptionsError, type OptionsInput, parseOptions } from '../options';
import { changedOptions } from '../options/changed';
import type { Invalidation } from '../options/invalidation';
import { Subscriptions } from '../graph/subscriptions/subscriptions';
import { secretsOf } from '../options/secrets';
import type { PackagedGraph } from '../packaged/packaged-graph';
import { OperationMemory } from '../graph/operation-cache';
import type { Hooks } from '../request/hooks';
import type { Pipeline } from '../request/pipeline';
import type { Reply } from '../request/reply';
import type { RequestsInFlight } from '../request/requests-in-flight';
import { type ProcessParts, Configuration } from './configuration';
import { apolloManagerSource, type SupergraphManager } from '../supergraph/apollo-manager';
import type { SupergraphSource } from '../supergraph/source';
import { openAudit } from '../telemetry/audit/audit';
import { createLogger, type LogDestination } from '../telemetry/logger';
import { createMetrics, versionIfKnown } from '../telemetry/metrics/metrics';
import { startOtlpExport } from '../telemetry/metrics/otlp';
import type { MetricsFormat } from '../telemetry/metrics/prometheus';
import { localTracer } from '../telemetry/traces/local-tracer';
import { openTracing } from '../telemetry/traces/open-tracing';
import { awsAgents, fetchOutgoing, proxiesOf, useProxies } from '../net/outgoing';
import { SharedLinkKeys } from '../subgraph-calls/signers/open-signers';
import { Callbacks } from '../subgraph-calls/subscriptions/callbacks';
import { SubscriptionTransport } from '../subgraph-calls/subscriptions/subscription-transport';
import { knownMethod } from '../telemetry/statistics/request-statistics';
import type { Interceptor } from '../subgraph-calls/contract/transport';
import { WebSockets } from '../websocket/web-sockets';
import { opensWebSocket, type Route } from './routes';

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
  /** What the consoles of other gateways call this one. @default the names of the host and of the process */
  readonly name?: string | undefined;
  /** Other processes of this gateway, which invalidate together with it. No effect with a shared store. @default none */
  readonly peers?: Peers | undefined;
};

export interface RunningGateway {
  /** The GraphQL endpoint, such as `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** The URL of metrics and health; `undefined` if `admin.enabled` is false. */
  readonly adminUrl: string | undefined;
  /** Why it is not ready for requests, as `GET /health/ready` says; empty if it is. */
  readonly readiness: () => readonly string[];
  /** All metrics as `GET /metrics` has them. @default in Prometheus' text format */
  metrics(format?: MetricsFormat): Promise<string>;
  /**
   * Replaces the options without a restart and without a failed request: everything that depends on them is built beside
   * the current configuration and replaces it in one step. Invalid options change nothing. `read` is called after earlier
   * reloads are done. Resolves with the names of the changed options; with undefined if neither they nor the files that they
   * name have changed: then nothing is replaced.
   * @throws {OptionsError} when an option is wrong, or cannot be changed while the gateway runs
   * @throws {SupergraphError} when the supergraph cannot be read or run
   */
  reload(read: () => OptionsInput): Promise<readonly string[] | undefined>;
  /** Invalidates like `POST /cache/invalidate`. */
  readonly invalidate: InvalidateFor;
  /** What the console shows of this process; undefined where `admin.console.enabled` is false. */
  readonly console: ProcessConsole | undefined;
  /** Drains and stops: readiness fails at once, requests in flight may finish within `shutdown.grace`. */
  stop(): Promise<void>;
}

/** What answers requests. Not a `Configuration`: its declaration imports packages without types. */
export interface RequestSteps {
  readonly options: Options;
  readonly inFlight: RequestsInFlight;
  readonly pipeline: Pipeline;
  readonly reply: Reply;
  readonly route: Route;
}

/** A gateway, with what answers requests that do not come over its port. */
export interface OpenGateway {
  readonly gateway: RunningGateway;
  /** What answers requests now. */
  readonly current: () => RequestSteps;
  /** Resolves when the traces, usage, audit records and log lines so far have left the process, or could not. */
  readonly flush: () => Promise<void>;
}

/**
 * Starts a gateway in this process. Resolves when it listens and runs its supergraph. If a supergraph URL cannot be
 * reached yet, the gateway listens nevertheless, but is not ready until it has a supergraph.
 * @throws {OptionsError} when an option is wrong or a port is taken
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function startGateway(given: GatewayOptions): Promise<RunningGateway> {
  return (await openGateway(given)).gateway;
}

/**
 * Starts a gateway as `startGateway` does.
 *
 * Longer than other functions: resources opened at its beginning are closed at its end, in the reverse order.
 * @param check called with the options before anything is opened; throws if they cannot be used
 * @param packaged what was made in advance of the only supergraph that `given` has
 * @throws {OptionsError} when an option is wrong or a port is taken
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function openGateway(
  given: GatewayOptions,
  check?: (options: Options) => void,
  packaged?: PackagedGraph,
): Promise<OpenGateway> {
  const {
    options,
    ownSource,
    inCode,
    explorerHeaders,
    logDestination,
    invalidations,
    clientConnections,
    callbackKey,
    name,
    peers,
  } = readOptions(given);
  check?.(options);
  // Before the first of them is loaded.
  if (packaged === undefined) checkNeededPackages(options);
  useProxiesOfEnvironment();
  const logger = createLogger({
    level: options.logging.level,
    format: options.logging.format,
    destination: logDestination,
  });
  logger.hide(secretsOf(options));
  const extensions = await loadExtensions(options.extensions, inCode);
  reportChangedExtensions(options.extensions, logger);
  const scheme = options.tls === undefined ? 'http' : 'https';
  const metrics = createMetrics({ path: options.path, scheme });
  const { console: consoleOptions } = options.admin;
  const sampling = samplingOf(options);
  const recorder = consoleOptions.enabled ? new RequestLog({ ...consoleOptions, sampling }) : undefined;
  const tracing = await openTracing({
    ...{ options: options.telemetry, env: process.env, version: versionIfKnown(), path: options.path },
    ...{ meter: metrics.meter, logger, agents: awsAgents(), recorder },
  });
  // Without an exporter nothing is traced but for the console.
  const local =
    tracing === undefined && recorder !== undefined ? localTracer(options.path, recorder) : undefined;
  const audit = await openAudit({ options: options.audit, meter: metrics.meter, logger });
  const store = openStore({ options: options.cache, meter: metrics.meter, logger, peers });
  const shared = openSharedCounts(options.cache, { meter: metrics.meter, logger });
  let state: 'starting' | 'running' | 'stopping' = 'starting';
  const usedSignatures = new UsedSignatures();
  const memory = new OperationMemory();
  const runningSubscriptions = new Subscriptions(metrics.meter);
  metrics.meter.observe('weir.operations.kept', (observe) => observe(memory.size, {}));
  const callbacks = new Callbacks({
    ...options.subscriptions.callback,
    // Beside other workers, each of which takes its own callbacks.
    ports: clientConnections === undefined ? 1 : 64,
    key: callbackKey,
  });
  const subscriptions = new SubscriptionTransport({ callbacks, meter: metrics.meter });
  const invalidateNow = async (invalidation: Invalidation): Promise<void> =>
    current.invalidate(current.tagsOf(invalidation));
  const eventHub = new EventHub({
    sources: openEventSources(options.events.sources, {
      locate: (subgraph) => current.publisherOf(subgraph),
    }),
    drop: invalidateNow,
    ...{ meter: metrics.meter, logger },
  });
  const parts: ProcessParts = {
    ...extensions,
    explorerHeaders,
    packaged,
    store,
    subscriptions,
    discovery: new Discovery({ meter: metrics.meter, logger }),
    linkKeys: new SharedLinkKeys(),
    shared,
    memory,
    runningSubscriptions,
    cursorKeys: keepCursorKey({ cache: options.cache, logger }),
    eventFeeds: eventHub.feeds,
    usedSignatures,
    audit,
    logger,
    metrics,
    tracer: tracing?.tracer ?? local,
    consoleOrigins: () => consoleOrigins(options.admin, admin?.server.address()),
    state: () => state,
  };

  const { resource, metrics: exporting } = options.telemetry;
  const otlp =
    exporting.otlp &&
    startOtlpExport({
      ...{ options: exporting.otlp, resource, version: versionIfKnown(), collect: metrics.collect, logger },
      fetch: fetchOutgoing,
    });

  const closeParts = async (): Promise<void> => {
    await Promise.all([otlp?.stop(), tracing?.stop()]);
    subscriptions.close();
    await callbacks.close();
    await store.close();
    await shared?.close();
    await audit?.close();
    metrics.close();
  };

  let current = await Configuration.open({ ...parts, options, ownSource }).catch(async (error: unknown) => {
    await closeParts();
    throw error;
  });
  /** Replaced configurations that still have requests in flight. */
  const retired = new Set<Configuration>();
  const webSockets = new WebSockets({
    current: () => current.steps,
    statistics: metrics.webSockets,
    logger,
  });
  const server = createListener(options, (request, response) => current.handle(request, response), {
    mayUpgrade: (request) => opensWebSocket(request, options.path),
    upgrade: (request, socket, head) => webSockets.upgrade(request, socket, head),
  });
  const stopFollowing = options.tls && followCertificates(server, options.tls, logger);
  server.on('clientError', answerClientError);
  const unsentHeads = new UnsentHeads({ server, limit: () => current.options.overload.unsent, logger });
  sendContinues(server, {
    bodyLimit: () => current.options.limits.body,
    keepsConnections: () => state !== 'stopping',
  });
  const unanswered = (): IncomingRequest[] => [current, ...retired].flatMap(({ inFlight }) => [...inFlight]);
  metrics.meter.observe('http.server.active_requests', (observe) => {
    const count = (method: string, value: number): void =>
      observe(value, { 'http.request.method': knownMethod(method), 'url.scheme': scheme });
    for (const method of ['GET', 'POST']) count(method, 0);
    for (const { head } of unanswered()) if (!isProbe(head.url)) count(head.method, 1);
  });
  const giveUp = (): void => {
    for (const request of unanswered()) request.abort(requestError('SHUTTING_DOWN', {}));
    for (const each of [current, ...retired]) each.refuseWaiting();
  };
  const drain = prepareDrain({
    server,
    inFlight: () => unanswered().length,
    giveUp,
    // Clients that come back elsewhere must have the time to be let in there.
    dismissLasting: (grace) => void webSockets.goAway(grace * dismissalShare),
    source: clientConnections,
  });
  const readiness = () => [
    ...(current.answers ? [] : ['no supergraph']),
    ...(state === 'running' ? [] : [state === 'starting' ? 'starting' : 'shutting down']),
  ];
  const invalidateFor: InvalidateFor = async (invalidation, address) => {
    const tags = current.tagsOf(invalidation);
    const done = { action: 'cache.invalidate', address, details: { tags } } as const;
    try {
      await current.invalidate(tags);
    } catch (error) {
      audit?.action({ ...done, outcome: 'failed' });
      throw error;
    }
    audit?.action({ ...done, outcome: 'ok' });
    return current.cdnPaths(tags);
  };
  const endpoint = (): string => `${addressOf(server.address() ?? options, scheme)}${options.path}`;
  const { enabled, token } = options.admin;
  const invalidation = token === undefined ? undefined : { token, invalidate: invalidateFor, logger };
  const version = versionIfKnown();
  const reports = recorder && new ReportHistory(new CallCounter(metrics, Date.now()));
  const figures = recorder && openConsoleFigures(metrics, () => current);
  const own =
    recorder &&
    createOwnSource({
      ...{ log: recorder, endpoint, values: recorder.values },
      planOf: async (document, operationName) => current.generation?.plan(document, operationName),
      responses: () => current.options.cache.responses,
    });
  const consoleStore = own && openConsoleStore(options.cache);
  const sharedRecords =
    own && consoleStore && new SharedRecords({ store: consoleStore, explain: own.explain, gateway: name });
  recorder?.onTaken((first) => sharedRecords?.add(first));
  const console: ProcessConsole | undefined = own &&
    reports &&
    figures && {
      requests: own.requests,
      refusals: own.refusals,
      shared: () => Promise.resolve(sharedRecords?.list() ?? []),
      request: async (id) => (await own.request(id)) ?? sharedRecords?.find(id),
      report: ({ last }) => Promise.resolve(reports.totals(last)),
      ...figures.console,
    };
  const about = () =>
    describeGateway({ options: current.options, endpoint: endpoint(), version, workers: 1 });
  const openedConsole = enabled && console ? openConsole(gatewayOf(console), name, consoleStore) : undefined;
  const admin = enabled
    ? createAdminServer({
        ...{ metrics: metrics.text, readiness, token, invalidation },
        console: openedConsole && { source: () => openedConsole.source, about, logger },
      })
    : undefined;

  let isClosed = false;
  async function close(): Promise<void> {
    isClosed = true;
    reports?.stop();
    figures?.stop();
    await invalidations?.stop();
    await eventHub.stop();
    await admin?.close();
    await sharedRecords?.stop();
    await (openedConsole ?? consoleStore)?.close();
    stopFollowing?.();
    server.close();
    unsentHeads.close();
    webSockets.close();
    await Promise.all([current, ...retired].map((each) => each.close()));
    await closeParts();
  }

  let reloading = Promise.resolve();

  /** Resolves with the names of the changed options; undefined if nothing has changed. */
  async function swap(read: () => OptionsInput): Promise<string[] | undefined> {
    const next = parseOptions(read());
    if (ownSource !== undefined)
      throw OptionsError.of(['supergraph'], 'is a source of your own: such a gateway keeps its options.');
    refuseFixed(current.options, next);
    reportChangedExtensions(next.extensions, logger);
    // Requests in flight go on with the previous ones.
    logger.hide([...secretsOf(current.options), ...secretsOf(next)]);
    const previous = current;
    const replacement = await Configuration.open({ ...parts, options: next, ownSource, previous });
    if (isDeepStrictEqual(previous.options, next) && replacement.readsFilesAs(previous)) {
      await replacement.close();
      return undefined;
    }
    // Otherwise it could run a newer supergraph than the replacement reads.
    previous.freeze();
    try {
      await listenForCallbacks(callbacks, next);
      await replacement.start();
    } catch (error) {
      previous.follow();
      await replacement.close();
      throw error;
    }
    const changed = changedOptions(previous.options, next);
    const manifest = 'persistedOperations.manifest';
    if (!changed.includes(manifest) && !replacement.trustsAs(previous)) changed.push(manifest);
    current = replacement;
    if (current.generation !== undefined) void runningSubscriptions.moveTo(current.generation.prepare);
    current.follow();
    eventHub.use(next.events);
    retired.add(previous);
    void closeLater(previous);
    return changed;
  }

  async function closeLater(previous: Configuration): Promise<void> {
    await previous.idle();
    if (isClosed) return;
    try {
      current.takeOverPurges(await previous.close());
    } catch (error) {
      logger.error({ err: error }, 'options that were replaced could not be closed');
    }
    await previous.left();
    retired.delete(previous);
  }

  async function reload(read: () => OptionsInput): Promise<readonly string[] | undefined> {
    const swapped = reloading.then(() => swap(read));
    reloading = swapped.then(
      () => undefined,
      () => undefined,
    );
    try {
      const changed = await swapped;
      metrics.reloads.add(1, { result: changed === undefined ? 'unchanged' : 'live' });
      if (changed === undefined) {
        logger.info('the options were read again and have not changed');
        return undefined;
      }
      audit?.action({ action: 'configuration.reload', outcome: 'ok', details: { changed } });
      logger.info({ changed }, 'new options are live');
      return changed;
    } catch (error) {
      const reason = (error as Error).message;
      metrics.reloads.add(1, { result: 'refused' });
      audit?.action({ action: 'configuration.reload', outcome: 'failed', details: { reason } });
      logger.error({ reason }, 'new options were refused');
      throw error;
    }
  }

  async function stop(): Promise<void> {
    state = 'stopping';
    await reloading;
    logger.info({ inFlight: unanswered().length }, 'shutting down');
    runningSubscriptions.drain(current.options.shutdown.grace);
    await drain(current.options.shutdown);
    await close();
    logger.info('shut down');
  }

  try {
    await listenForCallbacks(callbacks, options);
    await current.start();
    current.follow();
    if (clientConnections === undefined) await listen(server, options.host, options.port, 'port');
    else take(clientConnections, server);
    await invalidations?.start(invalidateNamed(invalidateNow));
    eventHub.use(options.events);
    if (admin) await listen(admin.server, options.admin.host, options.admin.port, 'admin.port');
  } catch (error) {
    await close();
    throw error;
  }
  state = 'running';
  const url = endpoint();
  const adminUrl = admin && addressOf(admin.server.address());
  if (clientConnections === noConnections) logger.info({ mode: options.mode }, 'ready');
  else logger.info({ url, adminUrl, mode: options.mode }, 'listening');
  let stopping: Promise<void> | undefined;
  const gateway: RunningGateway = {
    url,
    adminUrl,
    readiness,
    metrics: (format) => Promise.resolve(metrics.text(format)),
    reload,
    invalidate: invalidateFor,
    console,
    stop: () => (stopping ??= stop()),
  };
  return {
    gateway,
    current: () => current,
    flush: async () => {
      await Promise.all([tracing?.flush(), current.flush(), audit?.flush()]);
      logger.flush();
    },
  };
}

/** The share of the grace in which connections that last are closed. */
const dismissalShare = 0.8;

/** Which options are fixed for the lifetime of the process; for `cache` only some are. */
const isFixed = {
  ...{ host: true, port: true, path: true, tls: true, admin: true, audit: true, logging: true },
  ...{ extensions: true, telemetry: true, lambda: true },
  ...{ mode: false, supergraph: false, subgraphs: false, privateLinks: false, connections: false },
  ...{ planning: false, overrides: false, calls: false, zone: false, retries: false, breaker: false },
  ...{ headers: false, timeouts: false, trustedProxies: false, errors: false, limits: false, rates: false },
  ...{
    overload: false,
    persistedOperations: false,
    auth: false,
    cors: false,
    csrf: false,
    authorization: false,
  },
  ...{
    introspection: false,
    usage: false,
    shutdown: false,
    cache: false,
    subscriptions: false,
    events: false,
    discovery: false,
  },
} satisfies Record<keyof Options, boolean>;

const isFixedOfCache = {
  ...{ store: true, redis: true, memory: true, tiered: true, memoryBound: true, timeout: true, prefix: true },
  ...{ compressAbove: true, longest: true, identityHeaders: false, staleWhileRevalidate: false },
  ...{ staleIfError: false, responses: false, cdn: false, entities: false, mutations: false },
} satisfies Record<keyof Options['cache'], boolean>;

const fixedOptions = [
  ...namesOf(isFixed),
  ...namesOf(isFixedOfCache).map((name) => `cache.${name}`),
  ...['subscriptions.callback', 'events.sources'],
];

function namesOf(isIncluded: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(isIncluded).filter((name) => isIncluded[name] === true);
}

function refuseFixed(before: Options, after: Options): void {
  const read = (options: Options, name: string): unknown =>
    name.split('.').reduce<unknown>((of, key) => (of as Record<string, unknown>)[key], options);
  const changed = fixedOptions.filter((name) => !isDeepStrictEqual(read(before, name), read(after, name)));
  if (changed.length > 0)
    throw new OptionsError(
      changed.map((name) => ({
        path: name.split('.'),
        sentence: `\`${name}\` cannot be changed while the gateway runs: start it again.`,
      })),
    );
}

function readOptions({
  supergraph,
  logDestination,
  invalidations,
  clientConnections,
  callbackKey,
  name = gatewayName(),
  peers,
  hooks = {},
  interceptors = [],
  plugins = [],
  explorerHeaders = {},
  ...others
}: GatewayOptions) {
  const ownSource = ownSourceOf(supergraph);
  const written = ownSource === undefined ? { supergraph: supergraph as OptionsInput['supergraph'] } : {};
  const options = parseOptions({ ...others, ...written });
  checkHooks(hooks);
  return {
    options,
    ownSource,
    inCode: { hooks, interceptors, plugins },
    explorerHeaders,
    logDestination,
    invalidations,
    clientConnections,
    callbackKey,
    name,
    peers,
  };
}

/** @throws {OptionsError} if a member is not a hook */
function checkHooks(hooks: Hooks): void {
  const wrong = problemOfHooks(hooks);
  if (wrong !== undefined) throw OptionsError.of(wrong.path, wrong.says);
}

/** @throws {OptionsError} if the environment names an invalid proxy */
export function useProxiesOfEnvironment(): void {
  try {
    useProxies(proxiesOf(process.env));
  } catch (error) {
    throw new OptionsError([{ path: undefined, sentence: (error as Error).message }]);
  }
}

/** The source of supergraphs that is given in code. */
function ownSourceOf(supergraph: GatewayOptions['supergraph']): SupergraphSource | undefined {
  if (typeof supergraph !== 'object') return undefined;
  if ('start' in supergraph) return supergraph;
  if ('initialize' in supergraph) return apolloManagerSource(supergraph);
  return undefined;
}

/** Makes the server serve connections that another process accepts. */
function take(connections: ConnectionSource, server: Server): void {
  // With this event Node starts checking the server's connections for idle and slow ones.
  server.emit('listening');
  connections.start((connection) => server.emit('connection', connection));
}

/**
 * Makes a server listen at the host and port of an option.
 * @throws {OptionsError} if that is not possible
 */
export async function listen(server: NetServer, host: string, port: number, option: string): Promise<void> {
  try {
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen({ host, port }, () => {
        server.off('error', failed);
        listening();
      });
    });
  } catch (error) {
    throw notListening(option, host, port, error);
  }
}

function notListening(option: string, host: string, port: number, error: unknown): OptionsError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason =
    code === 'EADDRINUSE'
      ? 'is taken by another process: choose another one, or 0 for a free one'
      : code === 'EACCES'
        ? 'needs rights that this process does not have: choose one above 1023'
        : `cannot be listened on: ${message}`;
  return OptionsError.of(option.split('.'), `${port} on ${host} ${reason}.`);
}

/**
 * Listens for callbacks where a subgraph sends any.
 * @throws {OptionsError} when that is not possible
 */
async function listenForCallbacks(
  callbacks: Callbacks,
  { subgraphs, subscriptions }: Options,
): Promise<void> {
  const each = Object.values(subgraphs);
  if (!each.some(({ subscriptions: { protocol } }) => protocol === 'callback')) return;
  const { host, port } = subscriptions.callback;
  try {
    await callbacks.listen();
  } catch (error) {
    throw notListening('subscriptions.callback.port', host, port, error);
  }
}

/** The URL of a listening address, without a path. */
export function addressOf(
  at: ReturnType<NetServer['address']> | Pick<Options, 'host' | 'port'>,
  protocol = 'http',
): string {
  const { port, ...where } = at as AddressInfo | Pick<Options, 'host' | 'port'>;
  const host = 'host' in where ? where.host : where.address;
  if (host === '0.0.0.0' || host === '::') return `${protocol}://127.0.0.1:${port}`;
  return host.includes(':') ? `${protocol}://[${host}]:${port}` : `${protocol}://${host}:${port}`;
}
