import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RegistryReader } from '../../../schema/registry/reader';
import type { Version } from '../../../schema/registry/version';
import { mostUndelivered, type WebhookCursor } from '../../../schema/registry/webhook-cursors';
import type { Logger } from '../../telemetry/logger';
import type { Meter } from '../../telemetry/metrics/meter';
import { webhookMessage } from './message';
import { attemptTimeout, type SendWebhook } from './send';

/** What deliveries read of a registry. */
export type WebhookEvents = Pick<RegistryReader, 'name' | 'current' | 'version' | 'errors' | 'webhooks'>;

export interface WebhookDeliveriesOptions {
  readonly webhook: string;
  /** The kinds of versions that the receiver wants. */
  readonly events: readonly Version['kind'][];
  readonly send: SendWebhook;
  readonly open: () => Promise<WebhookEvents>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly meter: Meter;
  /** @default those of the process */
  readonly clock?: WebhookClock;
}

export interface WebhookClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since any moment. Never set. */
  monotonic(): number;
  /** From 0 to 1. */
  random(): number;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * Delivers the versions of a registry to one receiver, each at least once, and one after the other.
 *
 * Several processes deliver to the same receiver. Before an attempt a process writes to the cursor that it sends, by
 * compare-and-set; the others leave the event alone until they have seen this unchanged for {@link leaseTime}.
 */
export class WebhookDeliveries {
  readonly #options: WebhookDeliveriesOptions;
  readonly #clock: WebhookClock;
  readonly #results;
  readonly #id = randomUUID();
  readonly #stopped = new AbortController();
  /** The last version that needs no delivery, as far as this process knows. */
  #delivered: number | undefined;
  /** The write of another process that sends, and since when it was seen. */
  #seen: { readonly revision: number; readonly since: number } | undefined;
  /** The last delivery and the last failure, of any process. */
  #last: Pick<WebhookCursor, 'delivery' | 'failure'> = {};
  #running: Promise<void> | undefined;

  constructor(options: WebhookDeliveriesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? processClock;
    this.#results = options.meter.sum('weir.registry.webhooks');
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Aborts an attempt in progress. Another process, or the next start, makes it again. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.race([this.#running, delay(shutdownTimeout, undefined, { ref: false })]);
  }

  async #run(): Promise<void> {
    const { webhook, logger } = this.#options;
    const { signal } = this.#stopped;
    for (let failures = 0; !signal.aborted;) {
      let pause: number;
      try {
        pause = await this.look();
        failures = 0;
      } catch (error) {
        pause = this.#pauseAfter(++failures);
        // Logged once. Polling of supergraphs logs that the registry is down.
        if (failures === 1) {
          const { message } = error as Error;
          logger.warn({ webhook, reason: message }, 'the events of a webhook cannot be read or written');
        }
      }
      await this.#clock.wait(pause, signal);
    }
  }

  /** Delivers what is new, if no other process does. Resolves with the milliseconds until it is of use to look again. */
  async look(): Promise<number> {
    const events = await this.#options.open();
    const newest = (await events.current())?.number ?? 0;
    if (newest === this.#delivered) return this.#pollTime();
    // A preview that has expired: its cursors are deleted, too.
    if (newest === 0 && this.#delivered !== undefined) return this.#pollTime();
    const found = await events.webhooks.get(this.#options.webhook);
    if (found === undefined) {
      // The first event is that of the next version.
      await this.#settle(events, newest, 0);
      return this.#pollTime();
    }
    this.#last = found.cursor;
    this.#delivered = found.cursor.delivered;
    if (found.cursor.delivered >= newest) return this.#pollTime();
    const waiting = this.#waitingFor(found.cursor, found.revision);
    if (waiting > 0) return Math.min(waiting, this.#pollTime());
    return this.#deliver(events, newest, found.cursor, found.revision);
  }

  /** How long to leave the next event alone: another process sends it, or it has failed a moment ago. */
  #waitingFor({ by, isSending, retryAt }: WebhookCursor, revision: number): number {
    const now = this.#clock.monotonic();
    if (this.#seen?.revision !== revision) this.#seen = { revision, since: now };
    // What this process has written says nothing about others: its own attempts have ended, and it has waited.
    if (by === this.#id) return 0;
    const lease = isSending ? leaseTime - (now - this.#seen.since) : 0;
    // A clock that is wrong makes no process wait longer than a retry does.
    const retry = retryAt === undefined ? 0 : Date.parse(retryAt) - this.#clock.now();
    return Math.max(lease, Math.min(retry, longestPause + attemptTimeout), 0);
  }

  /** Delivers all that is new, until an attempt fails. */
  async #deliver(
    events: WebhookEvents,
    newest: number,
    { delivered, attempts }: WebhookCursor,
    revision: number,
  ): Promise<number> {
    const { webhook, send, logger } = this.#options;
    for (; ; revision++) {
      const version = await this.#nextAfter(events, delivered, newest);
      if (version === undefined) {
        await this.#settle(events, newest, revision);
        return this.#pollTime();
      }
      const { number } = version;
      const message = webhookMessage(events.name, version, await events.errors(version));
      const pause = this.#pauseAfter(++attempts);
      const retryAt = new Date(this.#clock.now() + attemptTimeout + pause).toISOString();
      const claim = { delivered: number - 1, attempts, retryAt, isSending: true };
      const began = this.#clock.monotonic();
      if (!(await this.#write(events, claim, revision))) return this.#pollTime();
      // The write took so long that the attempt could end after the lease.
      if (this.#clock.monotonic() - began > leaseTime - attemptTimeout) return 0;
      try {
        await send(message, this.#stopped.signal);
      } catch (error) {
        return this.#failed(error as Error, { events, version, claim, revision: revision + 1, pause });
      }
      this.#results.add(1, { webhook, result: 'delivered' });
      logger.info({ webhook, version: number, attempts }, 'the event of a webhook is delivered');
      this.#last = { ...this.#last, delivery: { version: number, at: this.#timestamp() } };
      if (this.#stopped.signal.aborted) {
        await this.#settle(events, number, revision + 1);
        return 0;
      }
      delivered = number;
      attempts = 0;
    }
  }

  async #failed({ message: reason }: Error, attempt: FailedAttempt): Promise<number> {
    const { webhook, logger } = this.#options;
    const { events, version, claim, revision, pause } = attempt;
    if (this.#stopped.signal.aborted) {
      const released = { ...claim, attempts: claim.attempts - 1, retryAt: undefined, isSending: false };
      await this.#write(events, released, revision);
      return 0;
    }
    const isDropped = this.#clock.now() - Date.parse(version.at) > longestRetries;
    const facts = {
      version: version.number,
      attempts: claim.attempts,
      reason: reason.slice(0, longestReason),
    };
    this.#results.add(1, { webhook, result: isDropped ? 'dropped' : 'failed' });
    if (isDropped)
      logger.error(
        { webhook, ...facts },
        'the event of a webhook is dropped: it is too old for another attempt',
      );
    else
      logger.warn(
        { webhook, ...facts, retryIn: Math.round(pause) },
        'the event of a webhook could not be delivered',
      );
    this.#last = { ...this.#last, failure: { ...facts, at: this.#timestamp(), isDropped } };
    const delivered = isDropped ? version.number : claim.delivered;
    await this.#write(events, { ...claim, delivered, isSending: false }, revision);
    return pause;
  }

  /** The next version that the receiver wants; undefined if there is none. */
  async #nextAfter(events: WebhookEvents, delivered: number, newest: number): Promise<Version | undefined> {
    const { webhook, logger, events: wanted } = this.#options;
    const oldest = newest - mostUndelivered + 1;
    if (delivered + 1 < oldest) {
      const count = oldest - delivered - 1;
      this.#results.add(count, { webhook, result: 'dropped' });
      logger.error({ webhook, count }, 'events of a webhook are dropped: too many are not delivered');
    }
    for (let number = Math.max(delivered + 1, oldest); number <= newest; number++) {
      const version = await events.version(number);
      if (wanted.includes(version.kind)) return version;
    }
    return undefined;
  }

  /** Writes that nothing is to be delivered up to a version. */
  async #settle(events: WebhookEvents, delivered: number, revision: number): Promise<void> {
    await this.#write(events, { delivered, attempts: 0, isSending: false }, revision);
  }

  /** Resolves with false if another process was faster. */
  async #write(events: WebhookEvents, progress: Progress, revision: number): Promise<boolean> {
    const { delivery, failure } = this.#last;
    const cursor = { ...progress, by: this.#id, delivery, failure };
    const isWritten = await events.webhooks.put(this.#options.webhook, cursor, revision);
    if (isWritten) this.#delivered = cursor.delivered;
    return isWritten;
  }

  #timestamp(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #pollTime(): number {
    return pollInterval * (0.75 + this.#clock.random() / 4);
  }

  /** Doubles with each attempt that failed. A part is random, so that many do not retry at the same time. */
  #pauseAfter(failures: number): number {
    return Math.min(longestPause, firstPause * 2 ** (failures - 1)) * (0.5 + this.#clock.random() / 2);
  }
}

type Progress = Pick<WebhookCursor, 'delivered' | 'attempts' | 'isSending' | 'retryAt'>;

interface FailedAttempt {
  readonly events: WebhookEvents;
  readonly version: Version;
  readonly claim: Progress;
  /** That of the claim. */
  readonly revision: number;
  /** Milliseconds before the next attempt. */
  readonly pause: number;
}

const processClock: WebhookClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  wait: (milliseconds, signal) => delay(milliseconds, undefined, { signal }).catch(() => undefined),
};

/** Milliseconds between two looks for new versions, of which up to a quarter is random. */
const pollInterval = 5_000;
/** Milliseconds before the second attempt, at most. */
const firstPause = 1_000;
const longestPause = 300_000;
/** Milliseconds after which a process that sends counts as dead, unless it has written again. */
const leaseTime = 30_000;
/** An event that is older, in milliseconds, is dropped when an attempt fails. */
const longestRetries = 3 * 86_400_000;
/** Characters of a reason that are kept. */
const longestReason = 500;
const shutdownTimeout = 2_000;
