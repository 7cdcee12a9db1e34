import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a page of another origin could not have sent this GET without a CORS preflight, by the rules of Apollo Server. A
 * content type in an unusual notation is left to Apollo Server.
 */
export function isPreflighted(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'];
  if (type !== undefined) return type === 'application/json';
  return !!headers['apollo-require-preflight'] || !!headers['x-apollo-operation-name'];
}
