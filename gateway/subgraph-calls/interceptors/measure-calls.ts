import { performance } from 'node:perf_hooks';
import { errors } from '../../errors';
import { type Interceptor, type SubgraphRequest, type SubgraphResponse, TransportError } from '../transport';
import type { CallStatistics } from '../../telemetry/call-statistics';
import type { Logger } from '../../telemetry/logger';

/**
 * Logs subgraph calls that have no answer, or one that says that the subgraph failed: clients are not told why. A call
 * that was ended because its client left is nobody's failure.
 */
export function logFailedCalls(logger: Pick<Logger, 'warn'>): Interceptor {
  return (next) => (request) => {
    const { subgraph } = request.operation;
    return next(request).then(
      (response) => {
        const { status } = response;
        if (status >= 500)
          logger.warn({ subgraph, requestId: requestIdOf(request) }, said({ subgraph, status }));
        return response;
      },
      (error: unknown) => {
        if (error instanceof TransportError && error.failure !== 'aborted')
          logger.warn({ err: error.cause, subgraph, requestId: requestIdOf(request) }, error.message);
        throw error;
      },
    );
  };
}

const requestIdOf = ({ caller }: SubgraphRequest): string | undefined => caller.tracing['x-request-id'];

const { message: said } = errors.SUBREQUEST_HTTP_ERROR;

/** Counts the calls that are made, for who caused them and for all, and notes when. */
export function countCalls(statistics: Pick<CallStatistics, 'sent'>): Interceptor {
  return (next) => (request) => {
    request.caller.calls.sent++;
    statistics.sent(request.operation);
    const sentAt = performance.now();
    return next(request).then((response) => sentThen(response, sentAt));
  };
}

/** Member by member: a spread takes half a microsecond, and each call comes here. */
const sentThen = (
  { status, headers, body, policy, tags, isShareable, isNear }: SubgraphResponse,
  sentAt: number,
): Required<SubgraphResponse> => ({ status, headers, body, policy, tags, sentAt, isShareable, isNear });
