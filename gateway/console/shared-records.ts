import type { CacheEntry, Store } from '../cache/stores/store';
import type { Span } from '../telemetry/traces/span';
import type { RequestSummary } from './api';
import type { RecordedRequest } from './source';
import { summaryOf } from './summary';

export interface SharedRecordsOptions {
  /** A store that several gateways share. */
  readonly store: Pick<Store, 'get' | 'set'>;
  readonly explain: (first: Span) => Promise<RecordedRequest>;
  /** What other gateways show as the one that has recorded a request. */
  readonly gateway: string;
  /** Milliseconds between two writes of some requests. @default 1000 */
  readonly interval?: number;
}

/**
 * Lets other gateways find requests by their ids, for 15 minutes: some of those that are recorded are explained and written
 * to the store, in the background. While the store is down they are not.
 */
export class SharedRecords {
  readonly #options: SharedRecordsOptions;
  #waiting: Span[] = [];
  /** What is in the store, the oldest first. */
  #written: RequestSummary[] = [];
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> | undefined;

  constructor(options: SharedRecordsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#flush(), options.interval ?? 1000).unref();
  }

  /** Notes a request that is over. Of more than can be written in time, the rest is left out. */
  add(first: Span): void {
    if (this.#waiting.length < mostWrites) this.#waiting.push(first);
  }

  /** @returns undefined also if the store does not answer */
  async find(id: string): Promise<RecordedRequest | undefined> {
    try {
      const [entry] = (await this.#options.store.get([keyOf(id)])).entries;
      return entry === undefined ? undefined : (JSON.parse(entry.value.toString()) as RecordedRequest);
    } catch {
      return undefined;
    }
  }

  /** The newest of those that are in the store, the newest first. */
  list(): readonly RequestSummary[] {
    const since = Date.now() - lifetime;
    return this.#written.filter(({ at }) => at > since).reverse();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  #flush(): void {
    if (this.#writing !== undefined || this.#waiting.length === 0) return;
    const taken = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#write(taken)
      // The store logs that it is down.
      .catch(() => undefined)
      .finally(() => (this.#writing = undefined));
  }

  async #write(taken: readonly Span[]): Promise<void> {
    const { store, explain, gateway } = this.#options;
    const now = Date.now();
    const entries = new Map<string, CacheEntry>();
    const written: RequestSummary[] = [];
    for (const first of taken) {
      const summary = summaryOf(first);
      const { id, traceId } = summary;
      const value = Buffer.from(JSON.stringify({ ...(await explain(first)), gateway }));
      if (value.length > mostBytes) continue;
      const keptUntil = now + lifetime;
      const entry = { value, tags: [], storedAt: now, freshUntil: keptUntil, keptUntil };
      written.push(summary);
      for (const each of traceId === undefined ? [id] : [id, traceId]) entries.set(keyOf(each), entry);
    }
    const { clock } = await store.get([]);
    await store.set(entries, clock);
    this.#written = [...this.#written, ...written].slice(-mostShared);
  }
}

/** Apart from those of summaries: clients choose ids. */
const keyOf = (id: string): string => `console:request:${id}`;

/** The most that a gateway shares with others. */
export const mostShared = 100;
/** Requests in an interval. */
const mostWrites = 5;
/** An item of DynamoDB has at most 400 kB. */
const mostBytes = 200_000;
const lifetime = 15 * 60_000;
