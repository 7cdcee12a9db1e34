import type { OnBreakerChange } from '../subgraph-calls/breakers';
import type { Logger } from './logger';
import type { Metrics } from './metrics';

export interface WatchEndpointsOptions {
  readonly metrics: Pick<Metrics, 'endpointsOpen'>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** Counts and logs open circuit breakers, and when they close or their endpoint is removed. */
export function watchEndpoints({ metrics, logger }: WatchEndpointsOptions): OnBreakerChange {
  return ({ subgraph, url }, state, reason) => {
    metrics.endpointsOpen.add(state === 'open' ? 1 : -1, { subgraph });
    if (state === 'open')
      logger.warn({ subgraph, url, err: reason }, 'a circuit breaker opened: the endpoint is not called');
    else if (state === 'closed')
      logger.info({ subgraph, url }, 'a circuit breaker closed: the endpoint is called again');
  };
}
