import { inspect } from 'node:util';
import { isMap } from '../../options/is-map';
import { type Interceptor, type SubgraphResponse, TransportError } from '../contract/transport';

/**
 * Wraps the user's interceptors. Whatever they do, a call resolves with a response of the right shape or rejects with a
 * `TransportError`, on which the interceptors further out rely. The original error is its `cause`, for logs.
 */
export function enforceContract(): Interceptor {
  return (next) => async (request) => {
    try {
      const response: unknown = await next(request);
      const copy = copyOf(response);
      if (copy === undefined)
        throw new TypeError(`An interceptor must resolve with a response, but got: ${shown(response)}`);
      return copy;
    } catch (error) {
      if (error instanceof TransportError) throw error;
      const cause =
        error instanceof Error
          ? error
          : new TypeError(`An interceptor must reject with an Error, but got: ${shown(error)}`);
      throw new TransportError(request.operation.subgraph, 'failed', cause);
    }
  };
}

/**
 * Fails a call that an interceptor of the user never settles, some time after the deadline, as it would hold its slot for ever.
 *
 * @param timeout milliseconds for a call of a caller without a deadline
 */
export function endLate(timeout: number): Interceptor {
  return (next) => (request) => {
    const { operation, caller } = request;
    const left = caller.deadline === undefined ? timeout : Math.max(0, caller.deadline - performance.now());
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new TransportError(operation.subgraph, 'timeout'));
      const timer = setTimeout(late, left + patience).unref();
      next(request)
        .finally(() => clearTimeout(timer))
        .then(resolve, reject);
    });
  };
}

/** Milliseconds. Whoever waits for the call gives up earlier. */
const patience = 2_000;

/** A copy of a response, as interceptors may change their own object later; undefined if it is none. */
function copyOf(value: unknown): SubgraphResponse | undefined {
  const { headers, tags, ...others } = Object(value) as Partial<SubgraphResponse>;
  const copy = {
    ...others,
    headers: isMap(headers) ? { ...headers } : undefined,
    ...(tags !== undefined && { tags: [...tags] }),
  };
  return isResponse(copy) ? copy : undefined;
}

const isResponse = (copy: {
  readonly status?: unknown;
  readonly headers: object | undefined;
  readonly body?: unknown;
}): copy is SubgraphResponse =>
  Number.isInteger(copy.status) &&
  copy.headers !== undefined &&
  Object.values(copy.headers).every(isHeader) &&
  Buffer.isBuffer(copy.body);

const isHeader = (value: unknown): boolean =>
  value === undefined ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((each) => typeof each === 'string'));

/** A short form of a value for logs. It may contain a body, which must not be logged in full. */
export const shown = (value: unknown): string =>
  inspect(value, { depth: 1, maxArrayLength: 3, maxStringLength: 100, breakLength: Infinity });
