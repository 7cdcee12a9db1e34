import type { IncomingHttpHeaders } from 'node:http';
import { compileIsAllowedOrigin } from '../http/cors';
import type { Options } from '../options';

/**
 * Whether the page that sends a request, if one does, may call tools: a page of the own origin, or one that `cors` lists. A page
 * whose name was bound to a loopback address is of neither. That `cors` lets all pages in does not count here.
 */
export function compileIsOwnPage({
  mode,
  cors,
  mcp,
}: Pick<Options, 'mode' | 'cors' | 'mcp'>): (headers: IncomingHttpHeaders) => boolean {
  const listed = { ...cors, origins: cors.origins === '*' ? [] : cors.origins };
  const isListed = compileIsAllowedOrigin({ mode, cors: listed });
  const own = mcp?.resource === undefined ? undefined : new URL(mcp.resource).origin;
  return ({ origin, host }) =>
    origin === undefined || origin === own || isListed(origin) || isOfOwnMachine(origin, host);
}

function isOfOwnMachine(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const { host: own, hostname } = new URL(origin);
  return own === host && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
