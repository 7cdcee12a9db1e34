/** The HTTP app of a subgraph. */
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
import { type GraphQLSchema } from 'graphql';
import { finished } from 'node:stream';
import { contextsOf, type ContextOptions, type CreateContext } from './context';
import { serveConsumers } from '../events/consumers/serve-consumers';
import { type SubgraphConsumers } from '../events/consumers/subgraph-consumers';
import { serveArchived, serveEvents, type EventStreamSettings } from '../events/log/serve-events';
import { type SubgraphEvents } from '../events/log/subgraph-events';
import { createApolloServer, loadSchema } from '../graphql';
import {
  checkBody,
  LinkRefused,
  openPrivateLink,
  withoutBody,
  type LinkProof,
} from '../identity/private-link';
import { refuse } from './refuse';
import { StartError } from './start-error';
import { type Subgraph } from '../subgraph';
import { type EventSource } from '../subscriptions/event-source';
import { serveSubscriptions, type SubscriptionSettings } from '../subscriptions/serve-subscriptions';
import { readTrace, type Trace } from '../traces/trace';
import { traceRequest } from '../traces/request-span';
import { type WorkflowEngine } from '../workflows/engine';
import { serveWorkflows } from '../workflows/serve-workflows';

export const graphqlPath = '/graphql';

/** Larger than a client's limit: an `_entities` call carries one representation per entity. */
const bodyLimitBytes = 4 * 1024 * 1024;

/** How long a request may take to arrive. */
const requestTimeoutMilliseconds = 30_000;

export interface AppOptions<OptionName extends string> extends ContextOptions<OptionName> {
  readonly schema: string;
  readonly log: FastifyBaseLogger;
  /** Undefined: there are no subscriptions. */
  readonly events: EventSource | undefined;
  /** Undefined: there is nothing at `/workflows`. */
  readonly engine?: WorkflowEngine | undefined;
  /** Undefined: there is no `GET /events`. */
  readonly domainEvents?: SubgraphEvents | undefined;
  readonly eventStreams?: EventStreamSettings | undefined;
  /** Undefined: there is nothing at `/events/failures` and `/events/rebuilds`. */
  readonly consumers?: SubgraphConsumers | undefined;
  /** `false`: they are refused. */
  readonly subscriptions?: SubscriptionSettings | false | undefined;
  /** Names of the tables that do not exist or are not seeded yet. Readiness fails while there are any. */
  readonly waitingFor: ReadonlySet<string>;
  /** Aborted when the process begins to drain: readiness fails, so that load balancers send no more requests. */
  readonly draining: AbortSignal;
}

declare module 'fastify' {
  interface FastifyRequest {
    trace: Trace;
    /** As `ReceivedCall.checked`. */
    checked: LinkProof | null;
  }
}

/** A subgraph as a Fastify app, served by a listener or by Lambda. */
export async function createApp<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
  options: AppOptions<OptionName>,
): Promise<FastifyInstance> {
  const { log, domainEvents, consumers, engine, prepared, draining, linkKeys } = options;
  const schema = await loadSchema(options.schema, subgraph.resolvers);
  const apollo = await createApolloServer(schema, log);
  const createContext = contextsOf(subgraph, options);
  const check = linkKeys && openPrivateLink({ subgraph: subgraph.name, keys: linkKeys });
  const app = openServer(log);
  addHooks(app, options);
  // Not Fastify's `onClose` hook: that runs before the last request is answered.
  app.server.once('close', () => void apollo.stop());
  serveHealth(app, options);

  const operators = { app, prepared, signed: check ? signedRoute(check) : {} };
  if (consumers) serveConsumers({ ...operators, consumers });
  if (engine) serveWorkflows({ ...operators, engine });
  if (domainEvents?.archiveWait) serveArchived(domainEvents.archiveWait, operators);
  if (domainEvents)
    serveEvents(app, {
      ...options.eventStreams,
      ...domainEvents,
      prepared,
      draining,
      check: check && (({ method, url, headers }) => withoutBody(check(method, url, headers))),
    });

  const handle = fastifyApolloHandler(apollo, {
    context: (request: FastifyRequest, reply: FastifyReply) =>
      createContext(request, { ...watchCaller(request, reply), invalidate: invalidateGroups(reply) }),
  });
  const subscribe = openSubscriptions(app, subgraph.name, { ...options, schema, createContext, check });
  app.route({
    method: ['GET', 'POST'],
    url: graphqlPath,
    handler(request, reply) {
      return subscribe?.(request, reply) ?? handle.call(app, request, reply);
    },
    ...operators.signed,
  });
  app.route({
    method: ['PUT', 'PATCH', 'DELETE'],
    url: graphqlPath,
    handler: (_, reply) =>
      refuse(reply.header('allow', 'GET, POST'), 405, 'METHOD_NOT_ALLOWED', 'Use GET or POST.'),
  });
  return app;
}

const openServer = (log: FastifyBaseLogger): FastifyInstance =>
  Fastify({
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
  });

/** The trace of each request, its line in the log, and how errors are answered. */
function addHooks(
  app: FastifyInstance,
  { log, tracer, draining }: Pick<AppOptions<string>, 'log' | 'tracer' | 'draining'>,
): void {
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
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((_, reply) =>
    refuse(reply, 404, 'NOT_FOUND', `There is nothing here; GraphQL is at ${graphqlPath}.`),
  );
}

function serveHealth(
  app: FastifyInstance,
  { draining, waitingFor }: Pick<AppOptions<string>, 'draining' | 'waitingFor'>,
): void {
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', (_, reply) => {
    const reasons = draining.aborted
      ? ['draining']
      : [...waitingFor].map((name) => `preparing the table "${name}"`);
    return reasons.length === 0
      ? { status: 'ready' }
      : reply.code(503).send({ status: 'not ready', reasons });
  });
}

type CheckLink = ReturnType<typeof openPrivateLink>;

/** The hooks of a route that only the gateway may call. */
const signedRoute = (check: CheckLink): Pick<RouteShorthandOptions, 'onRequest' | 'preParsing'> => ({
  onRequest: async (request) => {
    request.checked = check(request.method, request.url, request.headers);
    await Promise.resolve();
  },
  preParsing: async (request, _, body) => {
    await Promise.resolve();
    return body.pipe(checkBody(request.checked!));
  },
});

interface SubscriptionOptions<OptionName extends string> extends Omit<AppOptions<OptionName>, 'schema'> {
  readonly schema: GraphQLSchema;
  readonly createContext: CreateContext;
  readonly check: CheckLink | undefined;
}

/** Answers requests that subscribe; undefined where the schema has no subscriptions, or they are refused. */
function openSubscriptions<OptionName extends string>(
  app: FastifyInstance,
  name: string,
  options: SubscriptionOptions<OptionName>,
) {
  const { schema, createContext, check, events, draining, linkKeys, tracer, subscriptions = {} } = options;
  if (subscriptions === false || !schema.getSubscriptionType()) return undefined;
  if (!events)
    throw new StartError(
      `The schema of "${name}" has subscriptions, but nothing that they follow: give one of its tables an outbox, or the subgraph \`events\`.`,
    );
  return serveSubscriptions(app, {
    ...{ name, schema, createContext, events, draining, linkKeys, tracer },
    checkUpgrade: check && ((url, headers) => withoutBody(check('GET', url, headers))),
    path: graphqlPath,
    maxMessageBytes: bodyLimitBytes,
    ...subscriptions,
  });
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
