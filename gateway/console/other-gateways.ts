import { randomUUID } from 'node:crypto';
import type { Clock, CacheEntry, Store } from '../cache/stores/store';
import type { Gateways } from './api';
import { decodeSummary, encodeSummary, type GatewaySummary, summaryFormat } from './gateway-summary';
import { askSeldom } from './operators';

export interface OtherGatewaysOptions {
  /** A store that several gateways share. */
  readonly store: Pick<Store, 'get' | 'set'>;
  /** What other gateways call this one. */
  readonly name: string;
  /** What this gateway writes. If it rejects, nothing is written this time. */
  readonly collect: () => Promise<Pick<GatewaySummary, 'figures' | 'requests'>>;
  /** Milliseconds between two summaries. @default 5000 */
  readonly interval?: number;
  /** Milliseconds that a summary is shown. A gateway that ends without a word is shown so long. @default 20,000 */
  readonly lifetime?: number;
  /** How many gateways can share their figures. @default 32 */
  readonly slots?: number;
}

/** What is known of the other gateways. */
export interface KnownGateways {
  /** By name. */
  readonly others: readonly ReadableSummary[];
  readonly view: Gateways;
}

/**
 * Shares figures with the other gateways of a store, in the background: each writes a summary every few seconds to one of the
 * numbered slots, so that a single look-up finds all of them. While the store is down, nothing is written, and what was read
 * before is shown for its lifetime.
 */
export class OtherGateways {
  readonly #options: Required<OtherGatewaysOptions>;
  readonly #id = randomUUID();
  readonly #timer: NodeJS.Timeout;
  /** Undefined until this gateway has one. */
  #slot: number | undefined;
  /** Whether others have all slots. */
  #isCrowded = false;
  #writing: Promise<void> | undefined;
  /** What was read last, by slot. */
  #read = new Map<number, { readonly storedAt: number; readonly summary: Summary }>();
  #isDown = false;
  readonly #ask: () => Promise<true | undefined>;

  constructor(options: OtherGatewaysOptions) {
    this.#options = { interval: 5_000, lifetime: 20_000, slots: 32, ...options };
    const { interval } = this.#options;
    this.#ask = askSeldom(() => this.#readAll(), { period: interval / 2 });
    this.#timer = setInterval(() => this.#write(), interval).unref();
    this.#write();
  }

  /** Makes nobody wait longer than a quarter of a second. Never rejects. */
  async known(): Promise<KnownGateways> {
    const hasRead = (await this.#ask()) === true;
    const { name, lifetime, slots } = this.#options;
    const now = Date.now();
    const others: ReadableSummary[] = [];
    const gone: string[] = [];
    const troubles: string[] = [];
    for (const { storedAt, summary } of this.#read.values())
      if (now - storedAt >= lifetime) gone.push(summary.name);
      else if (hasFigures(summary)) others.push(summary);
      else troubles.push(`${summary.name} ${reasonWithout(summary)}, and is not shown.`);
    others.sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const other of others)
      if (other.requests === undefined)
        troubles.push(`${other.name} has more requests than can be shared: they are not listed.`);
    if (!hasRead) troubles.push('The store that gateways share has not answered yet.');
    if (this.#isDown) troubles.push(`The store that gateways share does not answer${missing(gone)}.`);
    if (this.#isCrowded)
      troubles.push(`${slots} others share their figures already: they do not see this one.`);
    const ages = others.map((other) => ({ name: other.name, age: Math.max(0, now - other.at) }));
    return { others, view: { own: name, all: [{ name, age: 0 }, ...ages], troubles } };
  }

  /** Removes this gateway for the others. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    if (this.#slot === undefined) return;
    const { store } = this.#options;
    await store
      .get([])
      .then(({ clock }) => store.set(entryAt(this.#slot!, Buffer.alloc(0), 1_000), clock))
      .catch(() => undefined);
  }

  #write(): void {
    this.#writing ??= this.#publish()
      .catch(() => undefined)
      .finally(() => (this.#writing = undefined));
  }

  async #publish(): Promise<void> {
    const { store, name, collect, lifetime } = this.#options;
    const clock = await this.#takeSlot();
    if (this.#slot === undefined) return;
    const collected = await collect();
    const summary = { format: summaryFormat, id: this.#id, name, at: Date.now(), ...collected } as const;
    await store.set(entryAt(this.#slot, encodeSummary(summary), lifetime), clock);
  }

  /** Keeps the slot of this gateway, or takes a free one. If another has taken it at the same time, one of them moves. */
  async #takeSlot(): Promise<Clock> {
    const { store, slots } = this.#options;
    if (this.#slot !== undefined) {
      const { entries, clock } = await store.get([keyOf(this.#slot)]);
      if ((idIn(entries[0]) ?? this.#id) === this.#id) return clock;
    }
    const { entries, clock } = await store.get(keysOf(slots));
    const free = entries.flatMap((entry, slot) => (idIn(entry) === undefined ? slot : []));
    this.#slot = free[Math.floor(Math.random() * free.length)];
    this.#isCrowded = this.#slot === undefined;
    return clock;
  }

  async #readAll(): Promise<true> {
    const { store, slots } = this.#options;
    try {
      const { entries } = await store.get(keysOf(slots));
      const before = this.#read;
      this.#read = new Map();
      entries.forEach((entry, slot) => {
        if (entry === undefined) return;
        const { storedAt, value } = entry;
        const known = before.get(slot);
        const summary = known?.storedAt === storedAt ? known.summary : decodeSummary(value);
        if (summary !== undefined && summary.id !== this.#id) this.#read.set(slot, { storedAt, summary });
      });
      this.#isDown = false;
    } catch {
      this.#isDown = true;
    }
    return true;
  }
}

type Summary = NonNullable<ReturnType<typeof decodeSummary>>;
type ReadableSummary = GatewaySummary & Required<Pick<GatewaySummary, 'figures'>>;

const hasFigures = (summary: Summary): summary is ReadableSummary =>
  'format' in summary && summary.figures !== undefined;

const reasonWithout = (summary: Summary): string =>
  'format' in summary ? 'has more figures than can be shared' : 'is of another version';

/** @param names of those that were there when the store answered */
const missing = (names: string[]): string =>
  names.length === 0 ? '' : `: what is missing is of ${names.sort().join(', ')}`;

const keyOf = (slot: number): string => `console:gateway:${slot}`;
const keysOf = (slots: number): string[] => Array.from({ length: slots }, (_, slot) => keyOf(slot));

const idIn = (entry: CacheEntry | undefined): string | undefined => entry && decodeSummary(entry.value)?.id;

function entryAt(slot: number, value: Buffer, lifetime: number): ReadonlyMap<string, CacheEntry> {
  const now = Date.now();
  const keptUntil = now + lifetime;
  return new Map([[keyOf(slot), { value, tags: [], storedAt: now, freshUntil: keptUntil, keptUntil }]]);
}
