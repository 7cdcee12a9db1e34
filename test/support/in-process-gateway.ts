import { DataChanges } from '../../gateway/cache/data-changes';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import type { GatewayOptions } from '../../gateway';
import { hmacSha256 } from '../../gateway/net/hmac';
import { openStore } from '../../gateway/cache/stores/open-store';
import { EventFeeds } from '../../gateway/events/feeds';
import { parseOptions } from '../../gateway/options';
import { Configuration } from '../../gateway/process/configuration/configuration';
import { Lifecycle } from '../../gateway/process/lifecycle';
import { createClientState, openUpstreams } from '../../gateway/process/process-parts';
import type { OpenGatewayParts } from '../../gateway/process/start-gateway';
import { bodyOf } from '../../gateway/subgraph-calls/wire/request-body';
import type { Interceptor } from '../../gateway/subgraph-calls/contract/transport';
import { LoadHistory } from '../../gateway/telemetry/load-history';
import { createLogger } from '../../gateway/telemetry/logger';
import { createMetrics } from '../../gateway/telemetry/metrics/metrics';
import { InProcessClient, type InProcessOptions } from './in-process-client';
import { type Json, sampleSum, sourceOf, type TestGateway } from './running-gateway';
import { schemaAnswers } from './schema-answers';
import { compose } from './small-graph';

/** A subgraph without a socket, that remembers what it was asked. */
export interface InProcessSubgraph {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: string;
  readonly requests: { readonly body: Json }[];
  readonly answer: (body: Json) => Promise<unknown>;
}

export function inProcessSubgraph(options: {
  readonly name: string;
  readonly typeDefs: string;
  readonly resolvers: Json;
}): InProcessSubgraph {
  const { name, typeDefs, resolvers } = options;
  const answer = schemaAnswers(buildSubgraphSchema({ typeDefs: parse(typeDefs), resolvers }));
  const requests: { readonly body: Json }[] = [];
  return {
    ...{ name, typeDefs, requests },
    url: `http://${name}.test/graphql`,
    answer: (body) => {
      requests.push({ body });
      return answer(body);
    },
  };
}

export interface InProcessGateway extends Pick<TestGateway, 'log' | 'post' | 'query' | 'stop'> {
  /** Sends an operation; the client says what becomes of it. */
  ask(body: unknown, how?: InProcessOptions): InProcessClient;
  /** Has it run another supergraph; resolves when its subscriptions have moved, too, unless it is not to wait for that. */
  report(supergraphSdl: string, how?: { readonly settled?: boolean }): Promise<void>;
  /** The value of a metric, by its name for Prometheus. */
  count(name: string): number;
}

/**
 * A gateway that neither listens nor connects to anything, for tests of what becomes of an operation. Over real sockets
 * goes what is about connections, HTTP, or a process.
 *
 * @param supergraphSdl in place of the one that is composed of the subgraphs
 */
export async function openInProcess(
  subgraphs: readonly InProcessSubgraph[],
  {
    transport,
    hooks = {},
    plugins = [],
    ...written
  }: Omit<GatewayOptions, 'supergraph' | 'interceptors'> & Pick<OpenGatewayParts, 'transport'> = {},
  supergraphSdl = compose(subgraphs),
): Promise<InProcessGateway> {
  const options = parseOptions(written);
  const log: Json[] = [];
  const logger = createLogger({
    level: 'info',
    destination: { write: (line) => log.push(JSON.parse(line)) },
  });
  const metrics = createMetrics();
  const store = openStore({ options: options.cache, meter: metrics.meter, logger, peers: undefined });
  const source = sourceOf(supergraphSdl);
  const telemetry = {
    logger,
    metrics,
    tracer: undefined,
    audit: undefined,
    loads: new LoadHistory(logger.redact),
  };
  const clients = createClientState(() => [hmacSha256(Buffer.from('of cursors'))], metrics.meter);
  const moveTo = jest.spyOn(clients.subscriptions, 'moveTo');
  const lifecycle = new Lifecycle();
  lifecycle.state = 'running';
  const configuration = await Configuration.open(options, {
    ownSource: source,
    parts: {
      extensions: { hooks, plugins, interceptors: [answeredBy(subgraphs)], explorerHeaders: {}, mocked: [] },
      telemetry,
      stores: { store, changes: new DataChanges(), sharedCounts: undefined },
      upstreams: openUpstreams(options.subscriptions.callback, telemetry, { transport }),
      clients,
      eventFeeds: new EventFeeds({ sources: new Map(), read: async () => undefined }),
      consoleOrigins: () => [],
      lifecycle,
    },
  });
  await configuration.start();
  configuration.follow();

  const ask: InProcessGateway['ask'] = (body, { headers = {}, ...how } = {}) => {
    const isGet = how.method === 'GET';
    const sent = isGet ? headers : { 'content-type': 'application/json', ...headers };
    const client = new InProcessClient(configuration.inFlight, { headers: sent, ...how });
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    configuration.pipeline.admit(client.request, Buffer.from(isGet ? '' : text));
    return client;
  };
  const post: InProcessGateway['post'] = async (body, { headers = {} } = {}) => {
    const client = ask(body, { headers, takesParts: false });
    const { status, headers: told } = await client.head;
    return new Response(await client.text(), { status, headers: told });
  };
  return {
    ...{ log, ask, post },
    report: async (newer, { settled = true } = {}) => {
      const before = configuration.generation;
      if (newer === before!.supergraphSdl) return;
      source.report(newer);
      while (configuration.generation === before) await new Promise((later) => setTimeout(later, 5));
      if (settled) await Promise.all(moveTo.mock.results.map(({ value }) => value as Promise<void>));
    },
    count: (name) => sampleSum(metrics.text(), name),
    query: async (query, variables) => (await post({ query, variables })).json(),
    stop: async () => {
      await configuration.close();
      await store.close();
      metrics.close();
    },
  };
}

function answeredBy(subgraphs: readonly InProcessSubgraph[]): Interceptor {
  const byName = new Map(subgraphs.map((subgraph) => [subgraph.name, subgraph]));
  return (next) => async (request) => {
    if (request.operation.kind === 'subscription') return next(request);
    const body = JSON.parse(bodyOf(request).toString());
    const answer = await byName.get(request.operation.subgraph)!.answer(body);
    return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(answer)) };
  };
}
