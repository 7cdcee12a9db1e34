import type { IncomingHttpHeaders } from 'node:http';
import type { Options } from '../options';
import { compileIsAllowedOrigin } from './cors';

/** Whether a GET is protected against CSRF. */
export type IsPreflighted = (headers: IncomingHttpHeaders) => boolean;

/**
 * Whether a page of another origin could not have sent a GET without a CORS preflight, by the rules of Apollo Server. A
 * content type in an unusual notation is left to Apollo Server. Without CSRF prevention every GET is let through.
 *
 * A browser's `EventSource` can set no header. Its request is let through where the browser reports that the page is of the
 * same origin, or of one that may call.
 */
export function compileIsPreflighted(options: Pick<Options, 'csrf' | 'cors' | 'mode'>): IsPreflighted {
  const { enabled, headers: names } = options.csrf;
  if (!enabled) return () => true;
  const isAllowed = compileIsAllowedOrigin(options);
  return (headers) => {
    const type = headers['content-type'];
    if (type !== undefined) return type === 'application/json';
    if (names.some((name) => !!headers[name])) return true;
    if (headers.accept !== 'text/event-stream') return false;
    const { origin, 'sec-fetch-site': site } = headers;
    return site === 'same-origin' || (origin !== undefined && isAllowed(origin));
  };
}
