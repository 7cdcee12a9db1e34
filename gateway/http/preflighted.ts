import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a page of another origin could not have sent a GET without asking first, as Apollo Server sees it. One with a
 * type that is written in another way is left to it.
 */
export function isPreflighted(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'];
  if (type !== undefined) return type === 'application/json';
  return !!headers['apollo-require-preflight'] || !!headers['x-apollo-operation-name'];
}
