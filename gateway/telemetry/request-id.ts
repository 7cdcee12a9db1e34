import { randomUUID } from 'node:crypto';

/** Whether a text is valid as a request id: in headers, in logs, and as a step of a URL's path, which `.` and `..` are not. */
export const isRequestId = (text: unknown): text is string =>
  typeof text === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(text) && text !== '.' && text !== '..';

/** The client's `x-request-id` if it is valid, otherwise a new id. */
export function requestIdOf(header: string | string[] | undefined): string {
  return isRequestId(header) ? header : randomUUID();
}
