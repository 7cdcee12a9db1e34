import type { TransportFailure } from '../contract/transport';
import { HTTPParserError } from '../../net/undici';

/** What an error of the network, or of undici, means for a call. */
export function failureOf(error: Error): TransportFailure {
  if (error instanceof HTTPParserError) return 'not-http';
  return failures.get((error as NodeJS.ErrnoException).code ?? '') ?? 'unreachable';
}

/** Whether an HTTP status is not about the subscription itself, so that it may be opened later. */
export const isTemporary = (status: number): boolean => status >= 500 || status === 429;

const failures = new Map<string, TransportFailure>([
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['UND_ERR_INFO', 'reset'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'reset'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect-timeout'],
  ['ETIMEDOUT', 'connect-timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'silent'],
  ['UND_ERR_HEADERS_OVERFLOW', 'too-large'],
  ['UND_ERR_INVALID_ARG', 'unsendable'],
  ['UND_ERR_NOT_SUPPORTED', 'unsendable'],
  ['UND_ERR_DESTROYED', 'closed'],
  ['UND_ERR_CLOSED', 'closed'],
]);
