import {
  type Interceptor,
  isRepeatable,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../transport';

export interface RetryOptions {
  /** How often a query is sent again at most. */
  readonly max: number;
  /** Milliseconds before the first retry at most; twice that before the next, and so on. */
  readonly pause: number;
  /** Milliseconds after which nothing is sent again: what a call of the subgraph may take. */
  readonly timeout: number;
  /** Called for each retry. */
  readonly onRetry?: ((request: SubgraphRequest, retry: Retry) => void) | undefined;
}

export interface Retry {
  /** 1 for the first. */
  readonly attempt: number;
  /** Milliseconds that it has waited. */
  readonly after: number;
  /** What came of the attempt before: an HTTP status, or why there was no answer. */
  readonly reason: number | TransportError['failure'];
}

/**
 * Sends queries again that failed for a reason that may have passed: no connection, or HTTP status 429, 502, 503 or
 * 504. Never mutations: they may have had their effect.
 *
 * Waits a random part of the pause, or what `Retry-After` says (RFC 9110, section 10.2.3); where that is longer than
 * there is time, the failure stands. A subgraph that keeps failing gets no retries: they would only add to its load.
 */
export function retry({ max, pause, timeout, onRetry }: RetryOptions): Interceptor {
  return (next) => {
    const budget = new Budget();

    const again = async (
      request: SubgraphRequest,
      deadline: number,
      failed: Outcome,
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

    const send: Send = (request) => {
      if (!isRepeatable(request.operation)) return next(request);
      const deadline = Math.min(performance.now() + timeout, request.caller.deadline ?? Infinity);
      const first = (outcome: Outcome): SubgraphResponse | Promise<SubgraphResponse> => {
        const failed = mayPass(outcome);
        budget.count(failed);
        return failed ? again(request, deadline, outcome, 0) : settle(outcome);
      };
      return next(request).then(
        (response) => first({ response }),
        (error: unknown) => first({ error }),
      );
    };
    return max > 0 ? send : next;
  };
}

/**
 * How gRPC throttles retries (gRFC A6): a failure takes a token, a success gives back a tenth of one, and nothing is
 * sent again while half of the tokens or more are gone. A subgraph that is down costs ten calls more than without
 * retries, however many ask.
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

type Outcome = { readonly response: SubgraphResponse } | { readonly error: unknown };

const outcomeOf = (answer: Promise<SubgraphResponse>): Promise<Outcome> =>
  answer.then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );

function settle(outcome: Outcome): SubgraphResponse {
  if ('response' in outcome) return outcome.response;
  throw outcome.error;
}

/** Whether the same call may work a moment later. */
function mayPass(outcome: Outcome): boolean {
  if ('response' in outcome) return passingStatuses.has(outcome.response.status);
  return outcome.error instanceof TransportError && passingFailures.has(outcome.error.failure);
}

/** Only a `TransportError` may pass. */
const reasonOf = (outcome: Outcome): Retry['reason'] =>
  'response' in outcome ? outcome.response.status : (outcome.error as TransportError).failure;

const passingStatuses = new Set([429, 502, 503, 504]);
const passingFailures = new Set<TransportError['failure']>([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
]);

/** Milliseconds; undefined where the answer does not say. */
function retryAfter(outcome: Outcome): number | undefined {
  const text = 'response' in outcome ? outcome.response.headers['retry-after'] : undefined;
  if (typeof text !== 'string') return undefined;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
