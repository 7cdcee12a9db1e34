import { type FastifyBaseLogger } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database } from '../../table/database';
import {
  type Channel,
  type ConsumerSelection,
  type Delivery,
  type Failures,
  type RetryOptions,
  type Subscription,
} from './channel';
import { ConsumerLease } from '../consumers/consumer-lease';
import { tableFailures, type ConsumerItems, type ConsumersTable } from '../consumers/consumers-table';
import { DeliverySession } from '../consumers/delivery-session';
import { type Publisher } from '../log/follow-events';

export interface TableChannelOptions {
  readonly db: Database;
  /** The table of this subgraph's consumers. */
  readonly table: ConsumersTable;
  /** Where the events of a source are read. */
  readonly publisher: (source: string) => Publisher;
  readonly log: FastifyBaseLogger;
  /** Called once a consumer has settled all events that its sources had at some moment since it began to receive. */
  readonly onCaughtUp?: () => void;
  /** Milliseconds after which another process takes over from one that ended without a word. @default 5000 */
  readonly lease?: number;
}

/**
 * The embedded channel: the publisher's event log is the queue. A consumer follows its `GET /events`, and keeps in its
 * own table how far it is. One process works for a consumer at a time.
 */
export function tableChannel(options: TableChannelOptions): Channel {
  return {
    // The log has the events already, and wakes those that follow it.
    publish: () => Promise.resolve(),
    subscribe: (consumer, selection, retry = {}) =>
      new TableSubscription({ ...options, ...retry, consumer, selection }),
  };
}

const outagePauseMilliseconds = 1000;

interface TableSubscriptionOptions extends TableChannelOptions, RetryOptions {
  readonly consumer: string;
  readonly selection: ConsumerSelection;
}

class TableSubscription implements Subscription {
  readonly failures: Failures;
  readonly #options: TableSubscriptionOptions;
  readonly #items: ConsumerItems;
  readonly #leaseMilliseconds: number;
  readonly #lease: ConsumerLease;
  readonly #stopping = new AbortController();
  #session: DeliverySession | undefined;

  constructor(options: TableSubscriptionOptions) {
    const { consumer } = options;
    this.#options = options;
    this.#items = options.db.table(options.table);
    this.#leaseMilliseconds = options.lease ?? 5000;
    this.#lease = new ConsumerLease({
      ...{ items: this.#items, consumer, milliseconds: this.#leaseMilliseconds },
      clock: options.db.clock,
      log: options.log.child({ consumer }),
    });
    this.failures = tableFailures(this.#items, consumer, () => void this.#session?.save());
  }

  async *receive(signal: AbortSignal): AsyncGenerator<Delivery, void> {
    const ended = AbortSignal.any([signal, this.#stopping.signal]);
    const { log, consumer } = this.#options;
    const isOver = () => ended.aborted;
    while (!isOver()) {
      const acquired = await this.#lease.acquire(ended).catch((error: unknown) => {
        log.warn({ consumer, err: error }, 'the consumer cannot read its state');
        return undefined;
      });
      if (acquired === null) return;
      if (acquired === undefined) {
        await sleep(outagePauseMilliseconds, undefined, { signal: ended, ref: false }).catch(() => undefined);
        continue;
      }
      this.#session = new DeliverySession({
        ...this.#options,
        items: this.#items,
        lease: this.#lease,
        leaseMilliseconds: this.#leaseMilliseconds,
        stopping: ended,
        ...acquired,
      });
      yield* this.#session.deliveries();
      // Where it was ended from outside, what was delivered may still be done.
      if (!isOver()) await this.#session.end();
    }
  }

  async done(delivery: Delivery): Promise<void> {
    await this.#session?.done(delivery);
  }

  async failed(
    delivery: Delivery,
    reason: string,
    options: { readonly isFinal?: boolean } = {},
  ): Promise<void> {
    await this.#session?.failed(delivery, reason, options);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#session?.end();
    this.#session = undefined;
  }
}
