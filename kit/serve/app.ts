/** The HTTP app of a subgraph. Over 300 lines: its options, and in which order what is optional is wired up. */
import { fastifyApolloHandler } from '@as-integrations/fastify';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteShorthandOptions,
} from 'fastify';
import { finished } from 'node:stream';
import { contextsOf } from './context';
import { type Database } from '../table/database';
import { type Cause } from '../events/event';
import { serveConsumers } from '../events/consumers/serve-consumers';
import { type SubgraphConsumers } from '../events/consumers/subgraph-consumers';
import { type ArchiveWait } from '../events/log/archive-wait';
import { serveArchived, serveEvents, type EventStreamSettings } from '../events/log/serve-events';
import { type SubgraphEvents } from '../events/log/subgraph-events';
import { type Projections } from '../events/subgraph-projections';
import { createApolloServer, loadSchema } from '../graphql';
import { type LinkKeys } from '../identity/link-keys';
import { checkBody, LinkRefused, openPrivateLink, withoutBody, type Checked } from '../identity/private-link';
import { refuse } from './refuse';
import { StartError } from './start-error';
import { type Subgraph } from '../subgraph';
import { type EventSource } from '../subscriptions/event-source';
import { serveSubscriptions, type SubscriptionSettings } from '../subscriptions/serve-subscriptions';
import { readTrace, type Trace } from '../traces/trace';
import { traceRequest } from '../traces/request-span';
import { type Tracer } from '../traces/tracer';
import { type WorkflowEngine } from '../workflows/engine';
import { serveWorkflows } from '../workflows/serve-workflows';
import { type Workflows } from '../workflows/workflows';

export const graphqlPath = '/graphql';

/** Larger than a client's limit: an `_entities` call carries one representation per entity. */
const bodyLimitBytes = 4 * 1024 * 1024;

/** How long a request may take to arrive. */
const requestTimeoutMilliseconds = 30_000;

export interface AppOptions<OptionName extends string> {
  readonly schema: string;
  readonly options: Readonly<Record<OptionName, string>>;
  readonly log: FastifyBaseLogger;
  readonly db: Database;
  /** Undefined: there are no subscriptions. */
  readonly events: EventSource | undefined;
  readonly workflowsOf: (cause: Cause) => Workflows;
  /** Undefined: there is nothing at `/workflows`. */
  readonly engine?: WorkflowEngine | undefined;
  /** Undefined: there is no `GET /events`. */
  readonly domainEvents?: SubgraphEvents | undefined;
  readonly eventStreams?: EventStreamSettings | undefined;
  /** Answers of mutations wait for the archive. Undefined: they do not. */
  readonly archiveWait?: ArchiveWait | undefined;
  /** Undefined: there is nothing at `/events/failures` and `/events/rebuilds`. */
  readonly consumers?: SubgraphConsumers | undefined;
  readonly projectionsOf: (db: Database) => Projections;
  /** `false`: they are refused. */
  readonly subscriptions?: SubscriptionSettings | false | undefined;
  /** The executable schema. Requests wait until it is resolved. */
  readonly prepared: Promise<void>;
  /** Names of the tables that do not exist or are not seeded yet. Readiness fails while there are any. */
  readonly waitingFor: ReadonlySet<string>;
  /** Aborted when the process begins to drain: readiness fails, so that load balancers send no more requests. */
  readonly draining: AbortSignal;
  /** The keys of the private link. Without them the subgraph answers every caller. */
  readonly linkKeys?: LinkKeys | undefined;
  /** Trusts the user id of a request unchecked where the gateway has signed no caller. @default true without keys */
  readonly development?: boolean | undefined;
  /** Records requests to the GraphQL endpoint. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    trace: Trace;
    /** As `ReceivedCall.checked`. */
    checked: Checked | null;
  }
}

/** A subgraph as a Fastify app, served by a listener or by Lambda. */
export async function createApp<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
  {
    schema,
    options,
    log,
    db,
    events,
    workflowsOf,
    engine,
    domainEvents,
    eventStreams,
    archiveWait,
    consumers,
    projectionsOf,
    subscriptions = {},
    prepared,
    waitingFor,
    draining,
    linkKeys,
    development = !linkKeys,
    tracer,
  }: AppOptions<OptionName>,
): Promise<FastifyInstance> {
  const executable = await loadSchema(schema, subgraph.resolvers);
  const apollo = await createApolloServer(executable, log);
  const createContext = contextsOf(subgraph, {
    db,
    options,
    workflowsOf,
    projectionsOf,
    linkKeys,
    development,
    prepared,
    tracer,
    archiveWait,
  });
  const check = linkKeys && openPrivateLink({ subgraph: subgraph.name, keys: linkKeys });

  const app = Fastify({
    loggerInstance: log,
    bodyLimit: bodyLimitBytes,
    // A variable may be named `__proto__`, and one body may hold the variables of many clients. `JSON.parse` makes an
    // ordinary member of it.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    requestTimeout: requestTimeoutMilliseconds,
    logController: new LogController({ disableRequestLogging: true }),
    // Requests that arrive over keep-alive connections while the app closes are answered; then the connection ends.
    return503OnClosing: false,
  }) as unknown as FastifyInstance;

  app.decorateRequest('trace', null as unknown as Trace);
  app.decorateRequest('checked', null);
  app.addHook('onRequest', async (request, reply) => {
    request.trace = readTrace(request.headers);
    if (tracer && request.routeOptions.url === graphqlPath)
      request.trace = traceRequest(tracer, request, { response: reply.raw, path: graphqlPath });
    const { requestId, traceId, span } = request.trace;
    request.log = log.child({ requestId, traceId, ...(span && { spanId: span.id }) });
    reply.header('x-request-id', requestId);
    logAccess(request, reply);
    await Promise.resolve();
  });
  app.addHook('onSend', async (_, reply) => {
    // Otherwise a keep-alive connection would delay the end of the process.
    if (draining.aborted) reply.header('connection', 'close');
    await Promise.resolve();
  });
  // Not Fastify's `onClose` hook: that runs before the last request is answered.
  app.server.once('close', () => void apollo.stop());
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((_, reply) =>
    refuse(reply, 404, 'NOT_FOUND', `There is nothing here; GraphQL is at ${graphqlPath}.`),
  );

  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', (_, reply) => {
    const reasons = draining.aborted
      ? ['draining']
      : [...waitingFor].map((name) => `preparing the table "${name}"`);
    return reasons.length === 0
      ? { status: 'ready' }
      : reply.code(503).send({ status: 'not ready', reasons });
  });

  const signed: Pick<RouteShorthandOptions, 'onRequest' | 'preParsing'> = check
    ? {
        onRequest: async (request) => {
          request.checked = check(request.method, request.url, request.headers);
          await Promise.resolve();
        },
        preParsing: async (request, _, body) => {
          await Promise.resolve();
          return body.pipe(checkBody(request.checked!));
        },
      }
    : {};
  const operators = { app, prepared, signed };
  if (consumers) serveConsumers({ ...operators, consumers });
  if (engine) serveWorkflows({ ...operators, engine });
  const handle = fastifyApolloHandler(apollo, {
    context: (request: FastifyRequest, reply: FastifyReply) =>
      createContext(request, { ...watchCaller(request, reply), invalidate: invalidateGroups(reply) }),
  });
  const hasSubscriptions = subscriptions !== false && executable.getSubscriptionType();
  if (hasSubscriptions && !events)
    throw new StartError(
      `The schema of "${subgraph.name}" has subscriptions, but nothing that they follow: give one of its tables an outbox, or the subgraph \`events\`.`,
    );
  const subscribe =
    hasSubscriptions && events
      ? serveSubscriptions(app, {
          name: subgraph.name,
          schema: executable,
          createContext,
          events,
          draining,
          linkKeys,
          tracer,
          checkUpgrade: check && ((url, headers) => withoutBody(check('GET', url, headers))),
          path: graphqlPath,
          maxMessageBytes: bodyLimitBytes,
          ...subscriptions,
        })
      : undefined;
  if (domainEvents?.archiveWait) serveArchived(domainEvents.archiveWait, operators);
  if (domainEvents)
    serveEvents(app, {
      ...eventStreams,
      ...domainEvents,
      prepared,
      draining,
      check: check && (({ method, url, headers }) => withoutBody(check(method, url, headers))),
    });
  app.route({
    method: ['GET', 'POST'],
    url: graphqlPath,
    handler(request, reply) {
      return subscribe?.(request, reply) ?? handle.call(app, request, reply);
    },
    ...signed,
  });
  app.route({
    method: ['PUT', 'PATCH', 'DELETE'],
    url: graphqlPath,
    handler: (_, reply) =>
      refuse(reply.header('allow', 'GET, POST'), 405, 'METHOD_NOT_ALLOWED', 'Use GET or POST.'),
  });
  return app;
}

/** Adds tags to the response header. Tags that a header cannot hold are left out: no schema can state them either. */
function invalidateGroups(reply: FastifyReply): (...tags: readonly string[]) => void {
  const groups = new Set<string>();
  return (...tags) => {
    for (const tag of tags) if (/^[\x20-\x7e]{1,256}$/.test(tag)) groups.add(JSON.stringify(tag));
    if (groups.size > 0) reply.header('cache-group-invalidation', [...groups].join(', '));
  };
}

/**
 * A signal that is aborted when nobody waits for the answer any more, unless the request is carried through: the
 * caller leaves, or its `x-request-timeout`, in milliseconds, is over.
 */
function watchCaller(
  { headers }: FastifyRequest,
  reply: FastifyReply,
): { signal: AbortSignal; carryThrough: () => void } {
  const controller = new AbortController();
  const timeout = Number(headers['x-request-timeout']);
  const isBounded = timeout > 0 && timeout < longestTimeoutMilliseconds;
  const timer = isBounded ? setTimeout(() => controller.abort(), timeout) : undefined;
  const stopWatching = finished(reply.raw, (error) => {
    clearTimeout(timer);
    if (error) controller.abort();
  });
  const carryThrough = (): void => {
    clearTimeout(timer);
    stopWatching();
  };
  return { signal: controller.signal, carryThrough };
}

const longestTimeoutMilliseconds = 24 * 60 * 60 * 1000;

/** One line per request; not a hook, because Fastify's `onResponse` does not run when the caller has left. */
function logAccess({ log, method, url }: FastifyRequest, reply: FastifyReply): void {
  finished(reply.raw, (error) => {
    const level = url.startsWith('/health/') ? 'debug' : 'info';
    const { statusCode: status, elapsedTime } = reply;
    const facts = {
      method,
      url,
      status,
      milliseconds: Math.round(elapsedTime),
      ...(error && { aborted: true }),
    };
    log[level](facts, 'request');
  });
}

/** Whatever fails before GraphQL runs is answered as GraphQL answers, in JSON. */
function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status >= 500) {
    request.log.error({ err: error }, 'masked error');
    return refuse(reply, status, 'INTERNAL_SERVER_ERROR', 'Internal server error');
  }
  if (error instanceof LinkRefused) request.log.warn({ reason: error.message }, 'request refused');
  const code =
    { 401: 'LINK_REFUSED', 410: 'UNKNOWN_POSITION', 413: 'PAYLOAD_TOO_LARGE', 415: 'UNSUPPORTED_MEDIA_TYPE' }[
      status
    ] ?? 'BAD_REQUEST';
  return refuse(reply, status, code, error.message);
}
