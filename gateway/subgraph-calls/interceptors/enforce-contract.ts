import { inspect } from 'node:util';
import { type Interceptor, type SubgraphResponse, TransportError } from '../contract/transport';

/**
 * Wraps the user's interceptors. Whatever they do, a call resolves with a response of the right shape or rejects with a
 * `TransportError`, on which the interceptors further out rely. The original error is its `cause`, for logs.
 */
export function enforceContract(): Interceptor {
  return (next) => async (request) => {
    try {
      const response: unknown = await next(request);
      if (!isResponse(response))
        throw new TypeError(`An interceptor must resolve with a response, but got: ${shown(response)}`);
      return response;
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

function isResponse(value: unknown): value is SubgraphResponse {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, body, tags } = value as Record<keyof SubgraphResponse, unknown>;
  return (
    Number.isInteger(status) &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every(isHeader) &&
    Buffer.isBuffer(body) &&
    (tags === undefined || (typeof tags === 'object' && tags !== null && Symbol.iterator in tags))
  );
}

const isHeader = (value: unknown): boolean =>
  value === undefined ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((each) => typeof each === 'string'));

/** A short form of a value for logs. It may contain a body, which must not be logged in full. */
const shown = (value: unknown): string =>
  inspect(value, { depth: 1, maxArrayLength: 3, maxStringLength: 100, breakLength: Infinity });
