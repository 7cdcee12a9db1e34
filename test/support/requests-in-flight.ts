import { parseOptions } from '../../gateway/options';
import { RequestsInFlight } from '../../gateway/request/requests-in-flight';
import { createLogger } from '../../gateway/telemetry/logger';
import type { Json } from './running-gateway';

/** The requests of a gateway of which a test has only some parts, and what it logs. */
export function openRequests(options: Parameters<typeof parseOptions>[0] = {}) {
  const log: Json[] = [];
  const logger = createLogger({
    level: 'info',
    destination: { write: (line) => log.push(JSON.parse(line)) },
  });
  const metrics = { requests: { record: () => undefined } } as never;
  const requests = new RequestsInFlight({
    options: parseOptions(options),
    logger,
    metrics,
    tracer: undefined,
  });
  return { requests, logger, log };
}
