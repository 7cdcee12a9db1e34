import { follow } from '../contract/pending-answer';
import {
  type Interceptor,
  mayBeResent,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../contract/transport';

export interface CallRetryOptions {
  /** The most retries of a query. */
  readonly max: number;
  /** The longest pause before the first retry, in milliseconds. It doubles with each further retry. */
  readonly pause: number;
  /** Milliseconds after which there is no retry: the timeout of the subgraph's calls. */
  readonly timeout: number;
  /** Called for each retry. */
  readonly onRetry?: ((request: SubgraphRequest, retry: Retry) => void) | undefined;
}

export interface Retry {
  /** 1 for the first. */
  readonly attempt: number;
  /** The pause before the retry, in milliseconds. */
  readonly after: number;
  /** The result of the previous attempt: an HTTP status, or why there was no response. */
  readonly reason: number | TransportError['failure'];
}

/**
 * Retries queries after failures that may be temporary: no connection, or HTTP status 429, 502, 503 or 504. Mutations
 * are never retried, as they may have had their effect.
 *
 * Waits for a random part of the pause, or for the time in `Retry-After` (RFC 9110, section 10.2.3). If that is longer
 * than the remaining time, there is no retry. A subgraph that keeps failing gets no retries, as they would only add to
 * its load.
 */
export function retry({ max, pause, timeout, onRetry }: CallRetryOptions): Interceptor {
  return (next) => {
    const budget = new Budget();

    const again = async (
      request: SubgraphRequest,
      deadline: number,
      failed: AttemptOutcome,
      tried: number,
    ): Promise<SubgraphResponse> => {
      const delay = retryAfter(failed) ?? Math.random() * pause * 2 ** tried;
      const inTime = performance.now() + delay < deadline;
      if (tried >= max || !inTime || !budget.allows) return settle(failed);
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (request.caller.isGone) return settle(failed);
      onRetry?.(request, { attempt: tried + 1, after: Math.round(delay), reason: reasonOf(failed) });
      const outcome = await outcomeOf(next(request));
      budget.count(mayPass(outcome));
      return mayPass(outcome) ? again(request, deadline, outcome, tried + 1) : settle(outcome);
    };

    const first = (
      outcome: AttemptOutcome,
      { request, deadline }: FirstCall,
    ): SubgraphResponse | Promise<SubgraphResponse> => {
      const failed = mayPass(outcome);
      budget.count(failed);
      return failed ? again(request, deadline, outcome, 0) : settle(outcome);
    };
    const answered = (response: SubgraphResponse, call: FirstCall) => first({ response }, call);
    const failed = (error: unknown, call: FirstCall) => first({ error }, call);

    const send: Send = (request) => {
      if (!mayBeResent(request)) return next(request);
      const deadline = Math.min(performance.now() + timeout, request.caller.deadline ?? Infinity);
      return follow(next(request), { request, deadline }, answered, failed);
    };
    return max > 0 ? send : next;
  };
}

interface FirstCall {
  readonly request: SubgraphRequest;
  /** In milliseconds of `performance.now()`. */
  readonly deadline: number;
}

/**
 * Throttles retries as gRPC does (gRFC A6). A failure takes one of 20 tokens, and a success gives back a tenth of one.
 * There are no retries while ten tokens or fewer are left. So a subgraph that is down gets at most ten more calls than
 * without retries, whatever the load is.
 */
class Budget {
  #tokens = most;

  get allows(): boolean {
    return this.#tokens > most / 2;
  }

  count(failed: boolean): void {
    this.#tokens = failed ? Math.max(0, this.#tokens - 1) : Math.min(most, this.#tokens + 0.1);
  }
}

const most = 20;

type AttemptOutcome = { readonly response: SubgraphResponse } | { readonly error: unknown };

const outcomeOf = (answer: Promise<SubgraphResponse>): Promise<AttemptOutcome> =>
  answer.then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );

function settle(outcome: AttemptOutcome): SubgraphResponse {
  if ('response' in outcome) return outcome.response;
  throw outcome.error;
}

/** Whether the failure may be temporary. */
function mayPass(outcome: AttemptOutcome): boolean {
  if ('response' in outcome) return passingStatuses.has(outcome.response.status);
  return outcome.error instanceof TransportError && passingFailures.has(outcome.error.failure);
}

/** The error is a `TransportError`, as others are never retried. */
const reasonOf = (outcome: AttemptOutcome): Retry['reason'] =>
  'response' in outcome ? outcome.response.status : (outcome.error as TransportError).failure;

const passingStatuses = new Set([429, 502, 503, 504]);
const passingFailures = new Set<TransportError['failure']>([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
]);

/** The `Retry-After` of a response, in milliseconds; undefined if it has none. */
function retryAfter(outcome: AttemptOutcome): number | undefined {
  const text = 'response' in outcome ? outcome.response.headers['retry-after'] : undefined;
  if (typeof text !== 'string') return undefined;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
