/** Over 300 lines: what is read, delivered, failed and saved in one lease is one state. */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { logged } from '../../traces/trace';
import { Backlog, mostPending, type PendingEvent } from './backlog';
import { shortened, type ConsumerSelection, type Delivery, type RetryOptions } from '../channels/channel';
import { type ConsumerLease } from './consumer-lease';
import {
  failedKey,
  retryKey,
  type ConsumerItems,
  type ConsumerState,
  type StoredFailure,
} from './consumers-table';
import { type Cause } from '../event';
import { followEvents, type Publisher } from '../log/follow-events';
import { readEvent } from '../log/read-event';

export interface DeliverySessionOptions extends RetryOptions {
  readonly consumer: string;
  readonly selection: ConsumerSelection;
  readonly items: ConsumerItems;
  readonly lease: ConsumerLease;
  /** The state at the time when the lease was taken. */
  readonly state: ConsumerState;
  /** Whether the one that had the lease before has ended without a word. */
  readonly isAfterDeath: boolean;
  readonly publisher: (source: string) => Publisher;
  readonly log: FastifyBaseLogger;
  /** As `TableChannelOptions.onCaughtUp`. */
  readonly onCaughtUp?: () => void;
  /** Ends the deliveries. What was delivered may still be done, until `end` is called. */
  readonly stopping: AbortSignal;
  /** As `TableChannelOptions.lease`. */
  readonly leaseMilliseconds: number;
}

/** Failures that are retried at once. */
const retriedAtOnce = 100;
/** Stands for a source where events are retried. */
const retriesOrigin = '';

/** The time in which one process works for a consumer: from the lease that it took to its release or loss. */
export class DeliverySession {
  readonly #options: DeliverySessionOptions;
  readonly #log: FastifyBaseLogger;
  readonly #backlog: Backlog;
  /** How often events behind the cursor were delivered and not done; kept, so that a new owner goes on to count. */
  readonly #attempts: Map<string, number>;
  /** How many events of each source, and of those to be retried, may have ended the process that had the lease before. */
  readonly #suspects: Map<string, number>;
  readonly #delivered = new Map<Delivery, PendingEvent>();
  readonly #retried = new Set<string>();
  /** When a source was read to its end, and all of it is settled, by source. */
  readonly #asOf: Record<string, string>;
  /** The sources of which all was settled that they had at some moment. */
  readonly #caughtUp = new Set<string>();
  /** Aborted when the lease is lost or given back. */
  readonly #over = new AbortController();
  /** Aborted then, and before, when nothing is to be delivered any more. */
  readonly #ended: AbortSignal;
  /** Emits `change` whenever there may be something to deliver or room to read more. */
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #settled: number;
  #seenRetries: number;
  #isLost = false;
  #isDirty = false;
  #saving: Promise<boolean> | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: DeliverySessionOptions) {
    const { log, consumer, state, isAfterDeath, stopping } = options;
    this.#options = options;
    this.#log = log.child({ consumer });
    this.#backlog = new Backlog(state.cursors ?? {});
    this.#attempts = new Map(Object.entries(state.attempts ?? {}));
    this.#settled = state.settled ?? 0;
    const origins = isAfterDeath ? [...Object.keys(options.selection), retriesOrigin] : [];
    this.#suspects = new Map(origins.map((origin) => [origin, mostPending]));
    this.#seenRetries = state.retries ?? 0;
    this.#asOf = { ...state.asOf };
    this.#ended = AbortSignal.any([stopping, this.#over.signal]);
  }

  /** Deliveries until the session is to stop or the lease is lost. `done` and `failed` are taken until the session ends. */
  async *deliveries(): AsyncGenerator<Delivery, void> {
    const { selection } = this.#options;
    const reading = Object.entries(selection).map(([source, types]) => this.#read(source, types));
    this.#running = Promise.all([this.#keepLease(), this.#takeRetries(), ...reading]);
    while (!this.#isOver()) {
      const pending = this.#backlog.take();
      if (!pending) await this.#change();
      else if (!this.#isSuspect(pending)) yield this.#deliver(pending);
      else if (await this.#countFirst(pending)) {
        const delivery = this.#deliver(pending);
        yield delivery;
        // Alone, so that no other event is blamed.
        while (this.#delivered.has(delivery) && !this.#isOver()) await this.#change();
      }
    }
  }

  #isOver(): boolean {
    return this.#ended.aborted;
  }

  #deliver(pending: PendingEvent): Delivery {
    const { event, failureId } = pending;
    const isRetry = failureId !== undefined;
    const delivery = { event, attempt: ++pending.attempts, ...(isRetry && { isRetry }) };
    this.#delivered.set(delivery, pending);
    return delivery;
  }

  /** Whether the event may have ended a process: one of those that the process before may have handled at its end. */
  #isSuspect({ event, failureId }: PendingEvent): boolean {
    const origin = failureId === undefined ? event.source : retriesOrigin;
    const left = this.#suspects.get(origin) ?? 0;
    if (left > 0) this.#suspects.set(origin, left - 1);
    return left > 0;
  }

  /**
   * Notes the try before it is made, when no other one is going on. False if it was the last one before, or the session
   * has ended.
   */
  async #countFirst(pending: PendingEvent): Promise<boolean> {
    const { tries = 5 } = this.#options;
    while (this.#delivered.size > 0 && !this.#isOver()) await this.#change();
    if (pending.attempts < tries) {
      await this.#keepTrying(() => this.#keepAttempts(pending, pending.attempts + 1));
      return !this.#isOver();
    }
    const reason = `It was tried ${pending.attempts} times, and the process ended the last time.`;
    if (await this.#keepTrying(() => this.#putIntoFailureQueue(pending, reason))) this.#settle(pending);
    return false;
  }

  async #keepAttempts(pending: PendingEvent, attempts: number): Promise<void> {
    const { items, consumer } = this.#options;
    const { position, failureId } = pending;
    if (position === undefined)
      await items.update({ consumer, item: retryKey(failureId!) }, { set: { attempts } });
    else {
      this.#attempts.set(originOf(pending), attempts);
      if (!(await this.save())) throw new Error('The state was not written.');
    }
  }

  async done(delivery: Delivery): Promise<void> {
    const pending = this.#take(delivery);
    if (!pending) return;
    const { failureId } = pending;
    if (failureId === undefined || (await this.#keepTrying(() => this.#forgetRetry(failureId))))
      this.#settle(pending);
  }

  async failed(
    delivery: Delivery,
    reason: string,
    { isFinal = false }: { readonly isFinal?: boolean },
  ): Promise<void> {
    const { tries = 5, firstPause = 200 } = this.#options;
    const pending = this.#take(delivery);
    if (!pending) return;
    if (isFinal || pending.attempts >= tries) {
      if (await this.#keepTrying(() => this.#putIntoFailureQueue(pending, reason))) this.#settle(pending);
      return;
    }
    void this.#keepTrying(() => this.#keepAttempts(pending, pending.attempts));
    void sleep(firstPause * 4 ** (pending.attempts - 1), undefined, { signal: this.#over.signal, ref: false })
      .then(() => this.#backlog.giveAgain(pending))
      .then(() => this.#changes.emit('change'))
      .catch(() => undefined);
  }

  /** Writes how far the consumer is, soon: many changes are one write. False if it was not written. */
  save(): Promise<boolean> {
    if (this.#isLost) return Promise.resolve(false);
    this.#isDirty = true;
    this.#saving ??= this.#saveAll();
    return this.#saving;
  }

  /** Writes what is done, and lets another process take over. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#running;
    if (this.#isLost) return;
    try {
      await this.save();
      await this.#options.lease.release();
    } catch (error) {
      this.#log.warn({ err: error }, 'the state of the consumer was not written');
    }
  }

  async #read(source: string, types: readonly string[]): Promise<void> {
    const { publisher } = this.#options;
    let trouble: string | undefined;
    const followed = followEvents({
      publisher: publisher(source),
      types,
      after: this.#backlog.cursors[source] ?? '',
      signal: this.#ended,
      onTrouble: (reason) => {
        this.#log[reason === trouble ? 'debug' : 'warn']({ source, reason }, 'the events cannot be followed');
        trouble = reason;
      },
    });
    for await (const each of followed) {
      const { position } = each;
      trouble = undefined;
      if (each.kind === 'event') {
        // Nothing behind an event may be passed that is neither accepted nor a failure.
        if (!(await this.#accept(each.text, { source, types, position }))) return;
      } else this.#passEnd(source, position, new Date().toISOString());
      while (this.#backlog.isFull && !this.#isOver()) await this.#change();
    }
  }

  /** Into the backlog, or into the failure queue. False if it is in neither. */
  async #accept(
    text: string,
    { source, types, position }: { source: string; types: readonly string[]; position: string },
  ): Promise<boolean> {
    const read = readEvent(text);
    const unreadable =
      'unreadable' in read
        ? read.unreadable
        : read.event.source !== source
          ? `The event says that it comes from "${read.event.source}", but it was read from "${source}".`
          : !types.includes(read.event.type)
            ? `The consumer does not know events of the type "${read.event.type}".`
            : undefined;
    if ('event' in read && unreadable === undefined) {
      const pending = { event: read.event, text, position, failureId: undefined, attempts: 0 };
      pending.attempts = this.#attempts.get(originOf(pending)) ?? 0;
      this.#backlog.add(pending);
      this.#changes.emit('change');
      return true;
    }
    const id = idOf(source, position);
    const cause = 'event' in read ? read.event : undefined;
    const failure = { reason: unreadable!, attempts: 0, text };
    const isKept = await this.#keepTrying(() => this.#putFailure(id, failure, cause));
    if (isKept) this.#pass(source, position);
    return isKept;
  }

  #pass(source: string, position: string, onReached?: () => void): void {
    const before = this.#backlog.cursors[source];
    this.#backlog.pass(source, position, onReached);
    if (this.#backlog.cursors[source] !== before) void this.save();
  }

  #passEnd(source: string, position: string, time: string): void {
    this.#pass(source, position, () => {
      this.#asOf[source] = time;
      this.#caughtUpWith(source);
    });
  }

  #caughtUpWith(source: string): void {
    const { selection, onCaughtUp } = this.#options;
    if (this.#caughtUp.has(source)) return;
    this.#caughtUp.add(source);
    if (this.#caughtUp.size === Object.keys(selection).length) onCaughtUp?.();
  }

  #take(delivery: Delivery): PendingEvent | undefined {
    const pending = this.#delivered.get(delivery);
    this.#delivered.delete(delivery);
    this.#changes.emit('change');
    return pending;
  }

  #settle(pending: PendingEvent): void {
    this.#backlog.settle(pending);
    if (pending.position !== undefined) {
      this.#attempts.delete(originOf(pending));
      this.#settled++;
    }
    this.#changes.emit('change');
    void this.save();
  }

  async #putIntoFailureQueue(pending: PendingEvent, reason: string): Promise<void> {
    const { failureId, position, event, attempts, text } = pending;
    await this.#putFailure(failureId ?? idOf(event.source, position!), { reason, attempts, text }, event);
    if (failureId !== undefined) await this.#forgetRetry(failureId);
  }

  /** `cause`: the event, where it could be read. */
  async #putFailure(
    id: string,
    failure: Pick<StoredFailure, 'reason' | 'attempts' | 'text'>,
    cause: Cause | undefined,
  ): Promise<void> {
    const { items, consumer } = this.#options;
    const { attempts } = failure;
    const { reason, text } = shortened(failure);
    await items.put({
      ...{ consumer, item: failedKey(id), failuresOf: consumer, reason, attempts },
      failedAt: new Date().toISOString(),
      text,
    });
    const facts = { failure: id, reason, attempts, ...(cause && logged(cause)) };
    this.#log.error(facts, 'an event is in the failure queue');
  }

  async #forgetRetry(id: string): Promise<void> {
    const { items, consumer } = this.#options;
    await items.delete({ consumer, item: retryKey(id) });
    this.#retried.delete(id);
    // There may be more than were taken at once.
    if (this.#retried.size === 0) void this.#takeRetries();
  }

  /** Takes the failures that an operator wants to be delivered again. */
  async #takeRetries(): Promise<void> {
    const { items, consumer } = this.#options;
    const sort = { beginsWith: retryKey('') };
    let found: StoredFailure[] = [];
    await this.#keepTrying(async () => {
      found = (await items.query({ partition: consumer, sort, limit: retriedAtOnce })) as StoredFailure[];
    });
    const pending = found.flatMap(({ item, text, attempts }): PendingEvent[] => {
      const id = item.slice(retryKey('').length);
      if (this.#retried.has(id)) return [];
      this.#retried.add(id);
      const read = readEvent(text);
      if ('event' in read) return [{ event: read.event, text, position: undefined, failureId: id, attempts }];
      void this.#keepTrying(async () => {
        await this.#putFailure(id, { reason: read.unreadable, attempts: 0, text }, undefined);
        await this.#forgetRetry(id);
      });
      return [];
    });
    for (const each of pending.sort((a, b) => a.event.sequence - b.event.sequence)) this.#backlog.add(each);
    this.#changes.emit('change');
  }

  async #saveAll(): Promise<boolean> {
    let isSaved = true;
    while (isSaved && this.#isDirty) {
      this.#isDirty = false;
      isSaved = await this.#saveOnce();
    }
    this.#saving = undefined;
    return isSaved;
  }

  async #saveOnce(): Promise<boolean> {
    let state: ConsumerState | null;
    try {
      state = await this.#options.lease.save({
        cursors: this.#backlog.cursors,
        attempts: Object.fromEntries(this.#attempts),
        asOf: { ...this.#asOf },
        settled: this.#settled,
      });
    } catch (error) {
      this.#log.warn({ err: error }, 'the state of the consumer was not written');
      return false;
    }
    if (!state) {
      this.#log.warn('another process works for the consumer now');
      this.#lose();
      return false;
    }
    const { retries = 0 } = state;
    if (retries !== this.#seenRetries) void this.#takeRetries();
    this.#seenRetries = retries;
    return true;
  }

  /** Renews the lease at half of its time, and soon again where that fails. */
  async #keepLease(): Promise<void> {
    const { lease, leaseMilliseconds } = this.#options;
    const { signal } = this.#over;
    let pause = leaseMilliseconds / 2;
    for (;;) {
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      pause = (await this.save()) ? leaseMilliseconds / 2 : leaseMilliseconds / 10;
      if (!lease.isHeld) this.#lose();
    }
  }

  #lose(): void {
    this.#isLost = true;
    this.#over.abort();
  }

  /**
   * Repeats the action while the store fails. False when it still does as the session ends or is to stop: then the event
   * must not be passed, so that it is delivered again.
   */
  async #keepTrying(action: () => Promise<void>): Promise<boolean> {
    for (let pause = 50; ; pause = Math.min(2 * pause, 2000)) {
      try {
        await action();
        return true;
      } catch (error) {
        this.#log.warn({ err: error }, 'the store of the consumer failed');
        if (this.#isOver()) return false;
        await sleep(pause, undefined, { signal: this.#ended, ref: false }).catch(() => undefined);
      }
    }
  }

  async #change(): Promise<void> {
    await once(this.#changes, 'change', { signal: this.#ended }).catch(() => undefined);
  }
}

/** The same for each process that meets the event, so that it is in the failure queue once. */
const idOf = (source: string, position: string): string =>
  createHash('sha256').update(`${source} ${position}`).digest('hex').slice(0, 16);

const originOf = ({ event, position }: Pick<PendingEvent, 'event' | 'position'>): string =>
  `${event.source} ${position!}`;
