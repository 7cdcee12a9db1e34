import { randomUUID } from 'node:crypto';

/** The caller's `x-request-id` when it is one that may stand in headers and logs, otherwise one of our own. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(header) ? header : randomUUID();
}
