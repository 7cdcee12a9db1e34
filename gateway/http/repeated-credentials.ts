import type { GraphQLError } from 'graphql';
import { requestError } from '../errors';
import type { Options } from '../options';
import { tokenHeadersOf } from '../options/token-headers';
import { credentials } from '../options/values';
import type { SentHead } from './header-limits';

/**
 * Refuses a request with repeated credentials. Node takes the first of two such headers or joins them, but a proxy in front
 * may have checked the other one.
 */
export function refuseRepeatedCredentials(
  { headers, rawHeaders }: SentHead,
  /** In lower case. */
  credentials: readonly string[],
): GraphQLError | undefined {
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

/** The headers that carry credentials, with or without a mode for them. */
export const headersOfCredentials = ({ auth }: Pick<Options, 'auth'>): readonly string[] => [
  ...credentials,
  ...tokenHeadersOf(auth),
];
