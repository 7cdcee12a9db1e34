import { randomUUID } from 'node:crypto';

/** The client's `x-request-id` if it is valid in headers and logs, otherwise a new id. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(header) ? header : randomUUID();
}
