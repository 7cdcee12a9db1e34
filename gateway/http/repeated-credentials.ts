import type { IncomingMessage } from 'node:http';
import type { GraphQLError } from 'graphql';
import { requestError } from '../errors';

/**
 * Why a request is refused that says twice who sends it. Of two such headers Node takes the first one or joins them, and
 * a proxy before it may have looked at the other one.
 */
export function refuseRepeatedCredentials({
  headers,
  rawHeaders,
}: IncomingMessage): GraphQLError | undefined {
  for (const name of credentials) {
    if (headers[name] === undefined) continue;
    let count = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const sent = rawHeaders[i]!;
      if (sent.length === name.length && sent.toLowerCase() === name) count++;
    }
    if (count > 1)
      return requestError('BAD_REQUEST', { reason: `The header "${name}" was sent more than once.` });
  }
  return undefined;
}

/** What decides who sends a request. */
const credentials = [
  'authorization',
  'x-api-key',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
];
