import { fetchOutgoing } from '../net/outgoing';
import { timeLimit } from '../net/time-limit';
import { createPolling } from './polling';
import type { SupergraphSource } from './source';

export interface UrlSourceOptions {
  readonly url: string;
  /** @default {} */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds between two polls. @default 10_000 */
  readonly pollInterval?: number;
  /** Timeout of a poll, in milliseconds. @default 10_000 */
  readonly timeout?: number;
}

/** A supergraph from a server, polled with `ETag`, more slowly after failures, also if the first poll fails. */
export function urlSource(options: UrlSourceOptions): SupergraphSource {
  const { url, headers = {}, pollInterval = 10_000, timeout = 10_000 } = options;
  let etag: string | undefined;
  let reported: string | undefined;

  async function look(signal: AbortSignal): Promise<string | undefined> {
    const response = await fetchOutgoing(url, {
      headers: { ...headers, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      signal: AbortSignal.any([signal, timeLimit(timeout)]),
    }).catch((error: unknown) => {
      throw new Error(`The supergraph at ${url} cannot be fetched: ${reasonOf(error)}.`, { cause: error });
    });
    if (response.status === 304 && reported !== undefined) return undefined;
    const content = await response.text();
    if (!response.ok)
      throw new Error(`The supergraph at ${url} cannot be fetched: HTTP status ${response.status}.`);
    if (content.trim() === '') throw new Error(`The supergraph at ${url} is empty.`);
    etag = response.headers.get('etag') ?? undefined;
    if (content === reported) return undefined;
    reported = content;
    return content;
  }

  return createPolling({ look, interval: pollInterval });
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
