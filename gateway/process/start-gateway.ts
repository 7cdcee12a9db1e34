import { EventHub } from '../events/event-hub';
import { openEventSources } from '../events/open-sources';
import { ConsoleOrigins } from '../console/origins';
import type { ProcessConsole } from '../console/source';
import { invalidateNamed } from '../cache/invalidation';
import { loadExtensions, reportChangedExtensions } from '../extensions/load-extensions';
import { proxiesOf, useProxies } from '../net/outgoing';
import { type Options, OptionsError, type OptionsInput } from '../options';
import type { PackagedGraph } from '../packaged/packaged-graph';
import type { Pipeline } from '../request/pipeline';
import type { Reply } from '../request/reply';
import type { RequestsInFlight } from '../request/requests-in-flight';
import type { SubscriptionTransport } from '../subgraph-calls/subscriptions/subscription-transport';
import type { MetricsFormat } from '../telemetry/metrics/prometheus';
import { openClientPort } from './clients/client-port';
import { Configuration } from './configuration/configuration';
import { Configurations } from './configurations';
import { noConnections } from './clients/drain';
import { type GatewayOptions, readGiven } from './given-options';
import type { InvalidateFor } from './operators/invalidation-route';
import { keepCursorKey } from './kept-cursor-key';
import { Lifecycle } from './lifecycle';
import { checkNeededPackages } from './configuration/needed-packages';
import { gatewayName } from './operators/open-console';
import { openAll } from './open-parts';
import { openHealthPort } from './operators/health-port';
import { openOperatorPort } from './operators/operator-port';
import { createClientState, openStores, openUpstreams, type ProcessParts } from './process-parts';
import { Reloads } from './reloads';
import type { Route } from './clients/routes';
import { openTelemetry } from './telemetry';

export interface RunningGateway {
  /** The GraphQL endpoint, such as `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** The URL of metrics and health; `undefined` if `admin.enabled` is false. */
  readonly adminUrl: string | undefined;
  /** The URL of the port for probes; undefined without `health.port`. */
  readonly healthUrl: string | undefined;
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

export interface OpenGatewayParts {
  /** Called with the options before anything is opened; throws if they cannot be used. */
  readonly check?: ((options: Options) => void) | undefined;
  /** What was made in advance of the only supergraph of the gateway. @default nothing */
  readonly packaged?: PackagedGraph | undefined;
  /** Opens subscriptions at subgraphs. @default over connections to them */
  readonly transport?: Pick<SubscriptionTransport, 'lease'> | undefined;
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
 * @throws {OptionsError} when an option is wrong or a port is taken
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export function openGateway(
  given: GatewayOptions,
  { check, packaged, transport }: OpenGatewayParts = {},
): Promise<OpenGateway> {
  return openAll(async (opened) => {
    const { options, ownSource, inCode, explorerHeaders, mocked } = readGiven(given);
    const { clientConnections, invalidations, name = gatewayName() } = given;
    check?.(options);
    // Before the first of them is loaded.
    if (packaged === undefined) checkNeededPackages(options);
    useProxiesOfEnvironment();
    const extensions = { ...(await loadExtensions(options.extensions, inCode)), explorerHeaders, mocked };
    const lifecycle = new Lifecycle();
    const telemetry = opened.add(await openTelemetry(options, process.env, given.logDestination));
    const { logger, metrics } = telemetry;
    const { meter } = metrics;
    reportChangedExtensions(options.extensions, logger);
    const stores = opened.add(openStores(options.cache, telemetry, given.peers));
    const upstreams = opened.add(
      openUpstreams(options.subscriptions.callback, telemetry, {
        // Beside other workers, each of which takes its own callbacks.
        ports: clientConnections === undefined ? 1 : 64,
        key: given.callbackKey,
        transport,
      }),
    );
    const clients = createClientState(keepCursorKey({ cache: options.cache, logger }), meter);
    const configurations = opened.add(new Configurations(telemetry));
    const events = new EventHub({
      sources: openEventSources(options.events.sources, {
        locate: (subgraph) => configurations.current.publisherOf(subgraph),
      }),
      drop: (invalidation, cause) => configurations.invalidate(invalidation, cause),
      ...{ meter, logger },
    });
    const origins = new ConsoleOrigins(options.admin);
    const parts: ProcessParts = {
      ...{ packaged, extensions, telemetry, stores, upstreams, clients, eventFeeds: events.feeds, lifecycle },
      consoleOrigins: () => origins.all,
    };
    configurations.use(await Configuration.open(options, { parts, ownSource }));
    const readiness = () => lifecycle.readiness(configurations.current.answers);
    const health = opened.add(openHealthPort(options.health, readiness));
    const port = opened.add(
      openClientPort(options, { configurations, lifecycle, telemetry, source: clientConnections }),
    );
    const endpoint = (): string => port.endpoint;
    const operators = opened.add(
      openOperatorPort(options, { configurations, telemetry, readiness, endpoint, origins, name, given }),
    );
    const reloads = new Reloads({ configurations, parts, upstreams, events, ownSource });

    await health.listen();
    await upstreams.listen(options);
    await configurations.current.start();
    configurations.current.follow();
    await port.listen();
    opened.onClose(() => invalidations?.stop());
    await invalidations?.start(
      invalidateNamed((names) => configurations.invalidate(names, { kind: 'program' })),
    );
    opened.onClose(() => events.stop());
    events.use(options.events);
    await operators.listen();
    lifecycle.state = 'running';

    const { url: adminUrl } = operators;
    const { url: healthUrl } = health;
    const { mode } = options;
    if (clientConnections === noConnections) logger.info({ mode }, 'ready');
    else logger.info({ url: endpoint(), adminUrl, healthUrl, mode }, 'listening');

    async function stop(): Promise<void> {
      lifecycle.state = 'stopping';
      await reloads.settled();
      logger.info({ inFlight: configurations.unanswered.length }, 'shutting down');
      const { shutdown } = configurations.current.options;
      configurations.current.drain(shutdown.grace);
      await port.drain(shutdown);
      await opened.close();
      logger.info('shut down');
    }

    let stopping: Promise<void> | undefined;
    return {
      gateway: {
        ...{ url: endpoint(), adminUrl, healthUrl, readiness, reload: reloads.reload },
        metrics: (format) => Promise.resolve(metrics.text(format)),
        invalidate: configurations.invalidateFor,
        console: operators.console,
        stop: () => (stopping ??= stop()),
      },
      current: () => configurations.current,
      async flush() {
        await Promise.all([telemetry.flush(), configurations.current.flush()]);
        logger.flush();
      },
    };
  });
}

/** @throws {OptionsError} if the environment names an invalid proxy */
export function useProxiesOfEnvironment(): void {
  try {
    useProxies(proxiesOf(process.env));
  } catch (error) {
    throw new OptionsError([{ path: undefined, sentence: (error as Error).message }]);
  }
}
