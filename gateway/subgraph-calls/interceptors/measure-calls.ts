import { performance } from 'node:perf_hooks';
import { errors } from '../../errors';
import { follow } from '../contract/pending-answer';
import {
  countFetches,
  type Interceptor,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../contract/transport';
import { loggedIds } from '../../telemetry/logged-ids';
import type { Logger } from '../../telemetry/logger';

/**
 * Logs subgraph calls without a response, and those with a status from 500, as clients do not get
 * the reason. A call that was aborted because its client left is no failure, nor one for a caller without a token.
 */
export function logFailedCalls(logger: Pick<Logger, 'warn'>): Interceptor {
  const answered = (response: SubgraphResponse, { operation, caller }: SubgraphRequest): SubgraphResponse => {
    const { status } = response;
    const { subgraph } = operation;
    if (status >= 500) logger.warn({ subgraph, ...loggedIds(caller) }, messageOf({ subgraph, status }));
    return response;
  };
  const failed = (error: unknown, { operation: { subgraph }, caller }: SubgraphRequest): never => {
    if (error instanceof TransportError && error.failure !== 'aborted' && error.failure !== 'no-token')
      logger.warn({ err: error.cause, subgraph, ...loggedIds(caller) }, error.message);
    throw error;
  };
  return (next) => (request) => follow(next(request), request, answered, failed);
}

const { message: messageOf } = errors.SUBREQUEST_HTTP_ERROR;

/** Counts the calls that are sent, and notes when each was. One without an endpoint that may be called does not count. */
export function countCalls(): Interceptor {
  return (next) => (request) => {
    countFetches(request.caller, request.operation, 'sent', 1);
    return follow(next(request), { request, sentAt: performance.now() }, sentThen, notSent);
  };
}

interface SentCall {
  readonly request: SubgraphRequest;
  readonly sentAt: number;
}

/** Copies member by member: a spread would cost each call half a microsecond. */
const sentThen = (
  { status, headers, body, policy, policies, tags, isShareable, isNear }: SubgraphResponse,
  { sentAt }: SentCall,
): Required<SubgraphResponse> => ({
  status,
  headers,
  body,
  policy,
  policies,
  tags,
  sentAt,
  isShareable,
  isNear,
});

function notSent(error: unknown, { request: { caller, operation } }: SentCall): never {
  if (error instanceof TransportError && (error.failure === 'broken' || error.failure === 'nowhere'))
    countFetches(caller, operation, 'sent', -1);
  throw error;
}
