import type { IncomingHttpHeaders } from 'node:http';
import type { Options } from '../options';

/** Whether a GET is protected against CSRF. */
export type IsPreflighted = (headers: IncomingHttpHeaders) => boolean;

/**
 * Whether a page of another origin could not have sent a GET without a CORS preflight, by the rules of Apollo Server. A
 * content type in an unusual notation is left to Apollo Server. Without CSRF prevention every GET is let through.
 */
export function compileIsPreflighted({ enabled, headers: names }: Options['csrf']): IsPreflighted {
  if (!enabled) return () => true;
  return (headers) => {
    const type = headers['content-type'];
    if (type !== undefined) return type === 'application/json';
    return names.some((name) => !!headers[name]);
  };
}
