import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { createAdminServer } from './admin-server';
import { createApolloServer, createFormatError } from './apollo-server';
import { createAuthentication } from './auth/authentication';
import { openPolicyEvaluator, Policies } from './auth/directives';
import {
  createInvalidate,
  type Invalidate,
  invalidateNamed,
  type InvalidationSource,
} from './cache/invalidation';
import { openStore } from './cache/open-store';
import { ClientRequests } from './client-requests';
import { compileCorsHeaders } from './cors';
import { CachedAnswers } from './edge/cached-answers';
import { createCaching } from './edge/caching';
import { createFront } from './edge/front';
import { knownOperations } from './edge/known-operations';
import { graphqlEndpoint } from './endpoint';
import { Gateway } from './gateway';
import { Generation } from './generation';
import { prepareDrain } from './drain';
import { createHttpServer } from './http-server';
import { createClientLimits } from './limits/client-limits';
import { Overload } from './limits/overload';
import { Rates } from './limits/rates';
import { type Options, OptionsError, type OptionsInput, parseOptions } from './options';
import { openSubgraphSigners } from './subgraph-signers';
import { apolloManagerSource, type SupergraphManager } from './supergraph/apollo-manager';
import { openSource } from './supergraph/open';
import type { SupergraphSource } from './supergraph/source';
import { openAudit } from './telemetry/audit/audit';
import { createLogger, type LogDestination } from './telemetry/logger';
import { createMetrics } from './telemetry/metrics';
import { secretsOf } from './telemetry/secrets';
import { watchEndpoints } from './telemetry/endpoints';
import { Breakers } from './transports/breakers';
import { createHttpTransport } from './transports/http';

/** What a gateway is started with. `supergraph` may also be a source of one's own, or one of Apollo's managers. */
export type GatewayOptions = Omit<OptionsInput, 'supergraph'> & {
  readonly supergraph?: OptionsInput['supergraph'] | SupergraphSource | SupergraphManager;
  /** Where log lines go. @default standard output */
  readonly logDestination?: LogDestination | undefined;
  /** Events that make cached answers old, from an event bus or a change stream. @default none */
  readonly invalidations?: InvalidationSource | undefined;
};

export interface RunningGateway {
  /** The GraphQL endpoint, such as `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Where metrics and health are served; `undefined` when `admin.enabled` is false. */
  readonly adminUrl: string | undefined;
  /** All metrics in Prometheus' text format, as `GET /metrics` has them. */
  metrics(): Promise<string>;
  /** Drains and stops: readiness fails at once, what is in flight may finish within `shutdown.grace`. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway in this process. Resolves when it listens and runs its supergraph. A supergraph URL that cannot be
 * reached yet is no reason to fail: the gateway listens, but is not ready until it has a supergraph.
 * @throws {OptionsError} when an option is wrong or a port is taken
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function startGateway(given: GatewayOptions): Promise<RunningGateway> {
  const { options, ownSource, logDestination, invalidations } = readOptions(given);
  const evaluate = await openPolicyEvaluator(options.authorization.policies);
  const logger = createLogger({
    level: options.logging.level,
    destination: logDestination,
    secrets: secretsOf(options),
  });
  const metrics = createMetrics();
  const { source, lastGood, usage } = ownSource ?? openSource(options, { logger, meter: metrics.meter });
  const audit = await openAudit({ options: options.audit, meter: metrics.meter, logger });
  // Connections to subgraphs and what is cached outlive a supergraph.
  const transport = createHttpTransport(connectionsOf(options));
  const signers = openSubgraphSigners(options, logger);
  const breakers = new Breakers(watchEndpoints({ metrics, logger }));
  const store = openStore({ options: options.cache, meter: metrics.meter, logger });
  const policies = new Policies({ evaluate, ttl: options.authorization.policies?.ttl ?? 0, logger });
  const caching = createCaching(options, store, metrics);
  const drop = createInvalidate(store, () => gateway.current?.tagFormats ?? []);
  const invalidate: Invalidate = (tags) => drop(tags).finally(() => caching.responses.invalidated());
  const introspection = options.introspection ?? options.mode === 'development';
  const limits = createClientLimits({ limits: options.limits, introspection });
  const gateway = new Gateway({
    source,
    audit,
    build: (supergraphSdl, previous) =>
      Generation.build({
        supergraphSdl,
        options,
        previous,
        policies,
        limits,
        signers,
        transport,
        breakers,
        store,
        caching,
        invalidate,
        audit,
        metrics,
        logger,
        usage,
      }),
    lastGood,
    logger,
    metrics,
  });
  const formatError = createFormatError(logger);
  const apollo = createApolloServer({ gateway, options, formatError, logger });

  let state: 'starting' | 'running' | 'stopping' = 'starting';
  let answers = false;
  const readiness = () => [
    ...(answers ? [] : ['no supergraph']),
    ...(state === 'running' ? [] : [state === 'starting' ? 'starting' : 'shutting down']),
  ];
  const authentication = createAuthentication({ options: options.auth, logger });
  const admit = authentication?.admit;
  const clients = new ClientRequests({ options, logger, metrics });
  const corsHeaders = compileCorsHeaders(options);
  const { answerHeaders } = caching;
  const { clientDirectives } = options.cache.responses;
  const cachedAnswers = new CachedAnswers({ ...caching, store, gateway, corsHeaders, clientDirectives });
  const overload = new Overload({
    options: options.overload,
    inFlight: () => clients.size,
    meter: metrics.meter,
    logger,
  });
  const rates =
    options.rates.length === 0 ? undefined : new Rates({ rates: options.rates, meter: metrics.meter });
  const front = createFront({
    path: options.path,
    bodyLimit: options.limits.body,
    isOpen: () => state === 'running',
    admit,
    rates,
    answerers: [
      cachedAnswers.answer,
      knownOperations({ gateway, corsHeaders, formatError, answerHeaders, cachedAnswers, logger }),
    ],
  });
  const app = createHttpServer({ options, logger, readiness, clients, overload, front });
  const drain = prepareDrain(app, clients);
  graphqlEndpoint(app, {
    ...{ path: options.path, apollo, answerHeaders, cachedAnswers, limits, admit, rates },
    isReady: () => answers,
  });
  const { enabled, token } = options.admin;
  const invalidation = token === undefined ? undefined : { token, invalidate, audit, logger };
  const admin = enabled ? createAdminServer({ metrics, readiness, token, invalidation }) : undefined;

  async function close(): Promise<void> {
    overload.close();
    await invalidations?.stop();
    await admin?.close();
    await app.close();
    await usage?.close();
    await (answers ? apollo.stop() : gateway.stop());
    await transport.close();
    signers.close();
    await store.close();
    authentication?.close();
    await audit?.close();
    await metrics.close();
  }

  async function stop(): Promise<void> {
    state = 'stopping';
    logger.info({ inFlight: clients.size }, 'shutting down');
    await delay(options.shutdown.delay);
    await drain(options.shutdown.grace);
    await close();
    logger.info('shut down');
  }

  try {
    const started = apollo.start().then(() => (answers = true));
    // Without a supergraph it starts when there is one, or never when the gateway is stopped before.
    started.catch(() => undefined);
    await gateway.start();
    if (gateway.current !== undefined) await started;
    await listen(app, options.host, options.port, 'port');
    await invalidations?.start(invalidateNamed(invalidate));
    if (admin) await listen(admin, options.admin.host, options.admin.port, 'admin.port');
  } catch (error) {
    await close();
    throw error;
  }
  state = 'running';
  const url = `${addressOf(app, options.tls === undefined ? 'http' : 'https')}${options.path}`;
  const adminUrl = admin && addressOf(admin);
  logger.info({ url, adminUrl, mode: options.mode }, 'listening');
  let stopping: Promise<void> | undefined;
  return { url, adminUrl, metrics: () => metrics.collect(), stop: () => (stopping ??= stop()) };
}

interface OwnSource {
  readonly source: SupergraphSource;
  readonly lastGood?: undefined;
  readonly usage?: undefined;
}

function connectionsOf({ connections: { max, ca, connectTimeout, keepAlive, http2, compression } }: Options) {
  const shared = { connections: max, connectTimeout, keepAlive, http2, compression };
  if (ca === undefined) return shared;
  try {
    return { ...shared, ca: readFileSync(ca) };
  } catch (error) {
    throw new OptionsError([`\`connections.ca\` cannot be read: ${(error as Error).message}.`]);
  }
}

function readOptions({ supergraph, logDestination, invalidations, ...others }: GatewayOptions) {
  const ownSource = ownSourceOf(supergraph);
  const written = ownSource === undefined ? { supergraph: supergraph as OptionsInput['supergraph'] } : {};
  return { options: parseOptions({ ...others, ...written }), ownSource, logDestination, invalidations };
}

/** A source that is given in code. */
function ownSourceOf(supergraph: GatewayOptions['supergraph']): OwnSource | undefined {
  if (typeof supergraph !== 'object') return undefined;
  if ('start' in supergraph) return { source: supergraph };
  if ('initialize' in supergraph) return { source: apolloManagerSource(supergraph) };
  return undefined;
}

async function listen(app: FastifyInstance, host: string, port: number, option: string): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'EADDRINUSE'
        ? 'is taken by another process: choose another one, or 0 for a free one'
        : code === 'EACCES'
          ? 'needs rights that this process does not have: choose one above 1023'
          : `cannot be listened on: ${message}`;
    throw new OptionsError([`\`${option}\` ${port} on ${host} ${reason}.`]);
  }
}

function addressOf(app: FastifyInstance, protocol = 'http'): string {
  const { address, family, port } = app.server.address() as AddressInfo;
  if (address === '0.0.0.0' || address === '::') return `${protocol}://127.0.0.1:${port}`;
  return family === 'IPv6' ? `${protocol}://[${address}]:${port}` : `${protocol}://${address}:${port}`;
}
