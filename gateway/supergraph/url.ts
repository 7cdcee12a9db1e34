import { setTimeout as delay } from 'node:timers/promises';
import type { SupergraphListener, SupergraphSource } from './source';

export interface UrlSourceOptions {
  readonly url: string;
  /** @default {} */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds between two looks. @default 10_000 */
  readonly pollInterval?: number;
  /** Milliseconds that one look may take. @default 10_000 */
  readonly timeout?: number;
}

/**
 * A supergraph that a server has. It is asked again and again, for the answer only if it changed (`ETag`); when it
 * fails, ever more rarely. When it fails at the start the gateway starts without a supergraph, and goes on trying.
 */
export function urlSource(options: UrlSourceOptions): SupergraphSource {
  const { url, headers = {}, pollInterval = 10_000, timeout = 10_000 } = options;
  const stopped = new AbortController();
  let polling: Promise<void> | undefined;
  let etag: string | undefined;
  let reported: string | undefined;

  /** Resolves with the supergraph when it is another one than before. */
  async function fetchSupergraph(): Promise<string | undefined> {
    const response = await fetch(url, {
      headers: { ...headers, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(timeout)]),
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

  async function poll(listener: SupergraphListener, failed: boolean): Promise<void> {
    let failures = failed ? 1 : 0;
    for (;;) {
      await delay(waitingTime(pollInterval, failures), undefined, { signal: stopped.signal });
      try {
        const supergraphSdl = await fetchSupergraph();
        if (supergraphSdl !== undefined && !stopped.signal.aborted) listener.onSupergraph(supergraphSdl);
        failures = 0;
      } catch (error) {
        if (stopped.signal.aborted) return;
        failures++;
        listener.onUnavailable(error as Error);
      }
    }
  }

  return {
    start: async (listener) => {
      const first = await fetchSupergraph().catch((error: unknown) => {
        if (!stopped.signal.aborted) listener.onUnavailable(error as Error);
      });
      polling = poll(listener, first === undefined).catch(() => undefined);
      return first ?? undefined;
    },
    stop: async () => {
      stopped.abort();
      await polling;
    },
  };
}

/**
 * The first failures are looked at again soon, because most are over soon; after that the time doubles up to a
 * minute. Half of it is chance, so that many gateways do not come back at the same moment.
 */
function waitingTime(pollInterval: number, failures: number): number {
  if (failures === 0) return pollInterval;
  const longest = Math.max(pollInterval, 60_000);
  return Math.min(longest, Math.min(pollInterval, 1000) * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
