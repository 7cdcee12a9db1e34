import { SupergraphError } from '../graph/supergraph-error';
import type { Options } from '../options';
import { openSource } from '../supergraph/open';
import { createLogger } from '../telemetry/logger';
import { createMetrics } from '../telemetry/metrics/metrics';
import { useProxiesOfEnvironment } from './start-gateway';

/**
 * Reads the supergraph that options name once, from a file, a URL or a registry. Nothing is reported to the registry.
 *
 * @throws {SupergraphError} if it cannot be read
 */
export async function readSupergraph(options: Options): Promise<string> {
  useProxiesOfEnvironment();
  const metrics = createMetrics();
  const { source } = openSource(options, {
    ...{ logger: createLogger({ level: 'silent' }), meter: metrics.meter },
    isReadOnly: true,
  });
  let reason = 'there is none yet.';
  try {
    const found = await source.start({
      onSupergraph: () => undefined,
      onUnavailable: ({ message }) => (reason = message),
    });
    if (found !== undefined) return found;
  } catch (error) {
    reason = (error as Error).message;
  } finally {
    await source.stop();
    metrics.close();
  }
  throw new SupergraphError(`The supergraph cannot be read: ${reason}`);
}
