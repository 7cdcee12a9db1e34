import type { OnBreakerChange } from '../../subgraph-calls/endpoints/breakers';
import type { WatchStrict } from '../../subgraph-calls/endpoints/connections';
import type { MisreadReason } from '../../subgraph-calls/wire/http1/refusals';
import type { Logger } from '../logger';
import type { Metrics } from './metrics';

export interface WatchEndpointsOptions {
  readonly metrics: Pick<Metrics, 'endpointsOpen' | 'strictRefusals'>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** Counts and logs open circuit breakers, and when they close or their endpoint is removed. */
export function watchBreakers({ metrics, logger }: WatchEndpointsOptions): OnBreakerChange {
  return ({ subgraph, url }, state, reason) => {
    metrics.endpointsOpen.add(state === 'open' ? 1 : -1, { subgraph });
    if (state === 'open')
      logger.warn({ subgraph, url, err: reason }, 'a circuit breaker opened: the endpoint is not called');
    else if (state === 'closed')
      logger.info({ subgraph, url }, 'a circuit breaker closed: the endpoint is called again');
  };
}

/** Counts and logs that undici makes the calls of an endpoint for a while. Logs each reason of an endpoint once. */
export function watchStrict({ metrics, logger }: WatchEndpointsOptions): WatchStrict {
  return ({ name: subgraph, url: { origin }, address }) => {
    const logged = new Set<MisreadReason>();
    return (reason, { response, seconds }) => {
      metrics.strictRefusals.add(1, { subgraph, reason });
      if (logged.has(reason)) return;
      logged.add(reason);
      logger.warn(
        { subgraph, origin, address, reason, response, seconds },
        'the client of connections.strict does not understand a response: undici calls the endpoint, which takes more CPU time',
      );
    };
  };
}
