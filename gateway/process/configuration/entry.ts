import { CachedAnswers } from '../../cache/responses/cached-answers';
import { createBeginRequest } from '../../http/begin-request';
import { compileCorsHeaders } from '../../http/cors';
import { partsTypes } from '../../http/parts-types';
import { compileIsPreflighted } from '../../http/preflighted';
import { createReceive } from '../../http/receive';
import { partsHeartbeat } from '../../http/send-parts';
import type { Options } from '../../options';
import { GraphSteps } from '../../request/graph-steps';
import { Pipeline } from '../../request/pipeline';
import type { Reply } from '../../request/reply';
import { RunOperation } from '../../request/run-operation';
import { createSteps, type ConnectionSteps } from '../../websocket/steps';
import { createHandle, createRoutes, type Handle, type Route } from '../clients/routes';
import type { Graph, GraphParts } from './graph';
import type { SharedParts } from './served-graph';
import { keptBytes } from './kept-bytes';
import { createPageFinder, firstQueryOf } from './pages';
import type * as OpenMcp from '../../mcp/open-mcp';
import type { RegisteredTool } from '../../mcp/tools/registered-tools';

/** Takes requests, and answers them. */
export interface Entry {
  /** The steps of a request, for every kind of connection. */
  readonly pipeline: Pipeline;
  readonly reply: Reply;
  readonly route: Route;
  /** Answers a request over HTTP. */
  readonly handle: Handle;
  /** What a WebSocket connection needs. */
  readonly steps: ConnectionSteps;
  /** Undefined without tools. */
  readonly mcp: Pick<OpenMcp.Mcp, 'leftOut'> | undefined;
}

/** The steps of requests within one graph. */
export function createGraphSteps(
  options: Options,
  { parts, sources, access, caches, admission }: GraphParts,
  graph: Graph,
  reply: Reply,
): GraphSteps {
  const { metrics, logger } = parts.telemetry;
  const { hooks, plugins } = parts.extensions;
  const { gateway, learn, formatError } = graph;
  const { limits } = access;
  const { slots, rates, readingTurns } = admission;
  const { keyHeaders, answerHeaders } = caches.caching;
  const { clientDirectives } = options.cache.responses;
  const isPreflighted = compileIsPreflighted(options);
  return new GraphSteps({
    isReady: () => graph.answers,
    ...{ slots, rates, limits, learn, answerHeaders, formatError, hooks, reply },
    sharesBodies: plugins.length === 0,
    cachedAnswers: new CachedAnswers({
      mostBytes: keptBytes(options),
      store: caches.store,
      ...{ gateway, keyHeaders, answerHeaders, clientDirectives, isPreflighted, reply },
      ...{ statistics: metrics.responseCache, caches: metrics.caches, calls: metrics.calls, logger },
    }),
    runOperation: new RunOperation({
      persistedOperations: sources.persistedOperations,
      ...{ limits, gateway, isPreflighted, learn, readingTurns, hooks },
    }),
  });
}

export interface EntryParts {
  readonly shared: SharedParts;
  /** The graph, or the default one, and its steps. */
  readonly graph: Graph;
  readonly own: Pick<GraphSteps, 'answer'>;
  /** Of the graph that a request chooses. */
  readonly steps: ConstructorParameters<typeof Pipeline>[0]['graph'];
  /** The operations that are tools; undefined without `mcp`. */
  readonly registered: readonly RegisteredTool[] | undefined;
}

export function createEntry(
  options: Options,
  { shared: { parts, access, admission, reply }, graph, own, steps, registered }: EntryParts,
): Entry {
  const { authentication, limits } = access;
  const { inFlight, slots, rates } = admission;
  const { body: bodyLimit } = options.limits;
  const admit = authentication?.admit;
  const { audit, logger, metrics } = parts.telemetry;
  const mcp =
    registered &&
    openMcp({
      options,
      registered,
      gateway: graph.gateway,
      steps: own,
      reply,
      audit,
      meter: metrics.meter,
      logger,
    });
  const pipeline = new Pipeline({
    ...{ bodyLimit, slots, admit, rates, reply },
    graph: mcp === undefined ? steps : byProtocol(mcp, steps),
  });
  const begin = createBeginRequest(options, inFlight, {
    corsHeaders: compileCorsHeaders(options),
    partsTypesFor: partsTypes(),
    heartbeat: partsHeartbeat,
    idle: options.timeouts.request + options.timeouts.client,
  });
  const pageFor = createPageFinder(options, parts, () =>
    firstQueryOf(graph.gateway.current?.apiSchema, limits, options.limits.assumedListSize),
  );
  const readiness = () => parts.lifecycle.readiness(graph.answers);
  const route = createRoutes({ options, readiness, slots, reply, pageFor, mcp });
  const receive = createReceive({ bodyLimit, admitByHeaders: authentication?.admitByHeaders, pipeline });
  return {
    ...{ pipeline, reply, route, mcp },
    handle: createHandle(begin, route, receive),
    steps: createSteps({ options, requests: inFlight, pipeline }),
  };
}

/** Not loaded without `mcp`. */
function openMcp(...given: ConstructorParameters<typeof OpenMcp.Mcp>): OpenMcp.Mcp {
  const { Mcp: Opened } = require('../../mcp/open-mcp') as typeof OpenMcp;
  return new Opened(...given);
}

/** Messages of agents are read before they are operations. */
const byProtocol = (mcp: Pick<OpenMcp.Mcp, 'answer'>, steps: EntryParts['steps']): EntryParts['steps'] => ({
  answer: (arrival) => (arrival.request.protocol === 'mcp' ? mcp : steps).answer(arrival),
  refusal: (request) => steps.refusal?.(request),
});
