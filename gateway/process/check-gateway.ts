import { DataChanges } from '../cache/data-changes';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { openStore } from '../cache/stores/open-store';
import { EventFeeds } from '../events/feeds';
import type { LeftOutTool } from '../mcp/tools/tools';
import type { Options } from '../options';
import { trusting } from '../redis/trust';
import { openSource } from '../supergraph/open';
import type { SupergraphSource } from '../supergraph/source';
import { listSubgraphs } from '../supergraph/subgraphs';
import { unwritable } from '../telemetry/audit/audit';
import { LoadHistory } from '../telemetry/load-history';
import { createLogger } from '../telemetry/logger';
import { createMetrics } from '../telemetry/metrics/metrics';
import { Configuration } from './configuration/configuration';
import { Lifecycle } from './lifecycle';
import { createListener } from './clients/listener';
import { createClientState, openUpstreams } from './process-parts';
import { useProxiesOfEnvironment } from './start-gateway';

interface CheckedGateway {
  /** The names of the subgraphs; undefined while the supergraph cannot be fetched. */
  readonly subgraphs: readonly string[] | undefined;
  /** Subgraphs that the options name and the supergraph does not have: they have no effect. */
  readonly unknown: readonly string[];
  /** Operations of `mcp.operations` that are no tools. */
  readonly leftOutTools: readonly LeftOutTool[];
  /** Why the supergraph cannot be fetched now. A gateway would start nevertheless, and retry. */
  readonly unavailable: string | undefined;
}

/**
 * Does the same as a start, without visible effects: it does not listen, writes no file, and connects to no cache
 * store. It reads the files that the options name, fetches the supergraph and builds it.
 *
 * @throws {OptionsError} when an option is wrong
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function checkGateway(options: Options): Promise<CheckedGateway> {
  useProxiesOfEnvironment();
  const logger = createLogger({ level: 'silent' });
  const metrics = createMetrics();
  const { meter } = metrics;
  const telemetry = {
    logger,
    metrics,
    tracer: undefined,
    audit: undefined,
    loads: new LoadHistory(logger.redact),
  };
  const store = openStore({
    options: { ...options.cache, store: 'memory:' },
    meter,
    logger,
    peers: undefined,
  });
  const { source } = openSource(options, { logger, meter, isReadOnly: true });
  let unavailable: string | undefined;
  const watched: SupergraphSource = {
    start: async () =>
      source.start({
        onSupergraph: () => undefined,
        onUnavailable: ({ message }) => (unavailable = message),
      }),
    stop: () => source.stop(),
  };
  let configuration: Configuration | undefined;
  try {
    checkTrails(options.audit);
    checkRedis(options);
    createListener(options, () => undefined);
    configuration = await Configuration.open(options, {
      ownSource: watched,
      parts: {
        extensions: { hooks: {}, interceptors: [], plugins: [], explorerHeaders: {}, mocked: [] },
        telemetry,
        stores: { store, changes: new DataChanges(), sharedCounts: undefined },
        upstreams: openUpstreams(options.subscriptions.callback, telemetry),
        clients: createClientState(() => [], meter),
        eventFeeds: new EventFeeds({ sources: new Map(), read: () => Promise.resolve(undefined) }),
        consoleOrigins: () => [],
        lifecycle: new Lifecycle(),
      },
    });
    await configuration.start();
    const { generation, leftOutTools } = configuration;
    const subgraphs = generation && listSubgraphs(generation.supergraphSdl).map(({ name }) => name);
    return { subgraphs, unknown: generation?.unknownSubgraphs ?? [], leftOutTools, unavailable };
  } finally {
    await configuration?.close();
    await store.close();
    metrics.close();
  }
}

/** Checks that the file of each audit trail is writable, or that its folder exists. */
function checkTrails({ trails }: Options['audit']): void {
  for (const [index, { to }] of trails.entries()) {
    if (to === 'stdout') continue;
    try {
      accessSync(existsSync(to) ? to : dirname(to), constants.W_OK);
    } catch (error) {
      throw unwritable(index, to, error);
    }
  }
}

/** @throws {OptionsError} if a file of certificates cannot be used */
function checkRedis({ cache, events }: Options): void {
  trusting(cache.redis.ca, ['cache', 'redis', 'ca']);
  for (const [name, source] of Object.entries(events.sources))
    if (source.type === 'redis-streams')
      trusting(source.redis.ca, ['events', 'sources', name, 'redis', 'ca']);
}
