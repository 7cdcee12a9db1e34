import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { missing } from '../condition';
import { type ConsumerItems, type ConsumerState } from './consumers-table';

/** The right to work for a consumer, which one process has at a time. It is kept in the consumer's state. */
export class ConsumerLease {
  readonly #items: ConsumerItems;
  readonly #key: { readonly consumer: string; readonly item: 'state' };
  readonly #milliseconds: number;
  readonly #owner = randomUUID();
  #until = 0;

  constructor(items: ConsumerItems, consumer: string, milliseconds: number) {
    this.#items = items;
    this.#key = { consumer, item: 'state' };
    this.#milliseconds = milliseconds;
  }

  /** Whether nobody else can have taken it, as far as the clocks agree. */
  get isHeld(): boolean {
    return Date.now() < this.#until;
  }

  /**
   * Takes it when nobody has it; `null` when the signal is aborted before. `isAfterDeath`: who had it before has not
   * released it. Rejects when the store fails.
   */
  async acquire(
    signal: AbortSignal,
  ): Promise<{ readonly state: ConsumerState; readonly isAfterDeath: boolean } | null> {
    while (!signal.aborted) {
      const current = (await this.#items.get(this.#key, { consistent: true })) as ConsumerState | null;
      const free = (current?.until ?? 0) - Date.now();
      if (free <= 0) {
        const condition = current ? { owner: current.owner, until: current.until } : { owner: missing };
        const state = await this.#write({}, condition);
        if (state) return { state, isAfterDeath: (current?.until ?? 0) > 0 };
      }
      const pause = Math.min(Math.max(free, 20), this.#milliseconds);
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
    return null;
  }

  /** Writes the state and renews the lease; `null` when another process has it: nothing was written. */
  save(
    state: Pick<ConsumerState, 'cursors' | 'attempts' | 'asOf' | 'settled'>,
  ): Promise<ConsumerState | null> {
    return this.#write(state, { owner: this.#owner });
  }

  /** Another process may take it at once. */
  async release(): Promise<void> {
    this.#until = 0;
    await this.#items.update(this.#key, { set: { until: 0 }, condition: { owner: this.#owner } });
  }

  async #write(
    state: Partial<ConsumerState>,
    condition: { readonly owner: unknown; readonly until?: number },
  ): Promise<ConsumerState | null> {
    const until = Date.now() + this.#milliseconds;
    const set = { ...state, owner: this.#owner, until };
    const written = await this.#items.update(this.#key, {
      set,
      condition: condition as object,
      upsert: true,
    });
    if (written) this.#until = until;
    return written as ConsumerState | null;
  }
}
