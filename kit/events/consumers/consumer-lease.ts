import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { missing } from '../../table/condition';
import { SeenLeases } from '../../store/seen-leases';
import { type StoreClock } from '../../store/clock';
import { type ConsumerItems, type ConsumerState } from './consumers-table';

export interface ConsumerLeaseOptions {
  readonly items: ConsumerItems;
  readonly consumer: string;
  /** How long it lasts when it is not renewed. */
  readonly milliseconds: number;
  readonly clock: Pick<StoreClock, 'allowsLease'>;
  readonly log: Pick<FastifyBaseLogger, 'error'>;
}

/**
 * The right to work for a consumer, which one process has at a time. It is kept in the consumer's state, and ends when
 * whoever waits for it has not seen it renewed for its time.
 */
export class ConsumerLease {
  readonly #options: ConsumerLeaseOptions;
  readonly #key: { readonly consumer: string; readonly item: 'state' };
  readonly #owner = randomUUID();
  readonly #seen = new SeenLeases();
  #renewals = 0;
  /** As `performance.now()` counts. */
  #until = 0;

  constructor(options: ConsumerLeaseOptions) {
    this.#options = options;
    this.#key = { consumer: options.consumer, item: 'state' };
  }

  /** Whether nobody else can have taken it: it was renewed by a write that was sent within its time. */
  get isHeld(): boolean {
    return performance.now() < this.#until;
  }

  /**
   * Takes it when nobody has it and the clock of this process is right; `null` when the signal is aborted before.
   * `isAfterDeath`: who had it before has not released it. Rejects when the store fails.
   */
  async acquire(
    signal: AbortSignal,
  ): Promise<{ readonly state: ConsumerState; readonly isAfterDeath: boolean } | null> {
    const { items, milliseconds, clock, log } = this.#options;
    while (!signal.aborted) {
      const current = (await items.get(this.#key, { consistent: true })) as ConsumerState | null;
      const { owner = missing, renewals = missing, lease = 0 } = current ?? {};
      const age = this.#seen.age(this.#key.consumer, `${String(current?.owner)} ${current?.renewals}`);
      let pause = Math.max(lease - age, 20);
      // A wrong clock is logged also while another process has the lease.
      const isAllowed = clock.allowsLease(log);
      if (age >= lease) {
        if (isAllowed) {
          this.#renewals = current?.renewals ?? 0;
          const state = await this.#write({}, { owner, renewals });
          if (state) return { state, isAfterDeath: lease > 0 };
        } else pause = milliseconds;
      }
      await sleep(Math.min(pause, milliseconds), undefined, { signal, ref: false }).catch(() => undefined);
    }
    return null;
  }

  /** Writes the state and renews the lease; `null` when another process has it: nothing was written. */
  save(
    state: Pick<ConsumerState, 'cursors' | 'attempts' | 'asOf' | 'settled'>,
  ): Promise<ConsumerState | null> {
    const { clock, log } = this.#options;
    // A wrong clock is logged, but what the process has it keeps: there may be no other.
    clock.allowsLease(log);
    return this.#write(state, { owner: this.#owner });
  }

  /** Another process may take it at once. */
  async release(): Promise<void> {
    this.#until = 0;
    await this.#options.items.update(this.#key, { set: { lease: 0 }, condition: { owner: this.#owner } });
  }

  async #write(state: Partial<ConsumerState>, condition: object): Promise<ConsumerState | null> {
    const { items, milliseconds } = this.#options;
    const until = performance.now() + milliseconds;
    const set = { ...state, owner: this.#owner, renewals: ++this.#renewals, lease: milliseconds };
    const written = await items.update(this.#key, { set, condition, upsert: true });
    if (written) this.#until = until;
    return written as ConsumerState | null;
  }
}
