import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { logged } from '../../traces/trace';
import { beginProcess } from '../../traces/event-spans';
import { errorTypeOf, type Tracer } from '../../traces/tracer';
import {
  type Channel,
  type ConsumerSelection,
  type Delivery,
  type RetryOptions,
  type Subscription,
} from '../channels/channel';
import { UnprocessableEvent, type ConsumedEvents, type Consumer, type ConsumerScope } from './consumer';
import { type Cause } from '../event';

export interface RunConsumerOptions {
  readonly subscription: Subscription;
  readonly log: FastifyBaseLogger;
  /** Makes the scope in which an event is handled, which is the cause of all that is done there. */
  readonly scopeOf: (
    cause: Cause,
    of: Pick<ConsumerScope, 'log' | 'signal' | 'attempt' | 'isRetry'>,
  ) => ConsumerScope;
  /** @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
  /** Milliseconds after its `stop` in which handlers may end, before their signals are aborted. @default 10000 */
  readonly stopMilliseconds?: number;
}

/** A consumer at work. */
export interface RunningConsumer {
  /**
   * Takes no more events, waits for those that are being handled, which have failed after a while, and lets another process
   * take over.
   */
  stop(): Promise<void>;
}

/** Opens the deliveries of a consumer. */
export const subscriptionOf = (consumer: Consumer, channel: Channel): Subscription =>
  channel.subscribe(consumer.name, selectionOf(consumer.from), retryOf(consumer));

/** How a consumer wants its events to be repeated. */
export const retryOf = ({ tries, firstPause }: Consumer): RetryOptions => ({ tries, firstPause });

/** The types that a consumer wants, by source. */
export const selectionOf = (from: ConsumedEvents): ConsumerSelection =>
  Object.fromEntries(Object.entries(from).map(([source, types]) => [source, Object.keys(types)]));

/** Handles what is delivered to a consumer, as many events at once as it wants. */
export function runConsumer(consumer: Consumer, options: RunConsumerOptions): RunningConsumer {
  const { subscription } = options;
  const log = options.log.child({ consumer: consumer.name });
  const stopping = new AbortController();
  const ending = new AbortController();
  const handling = new Set<Promise<void>>();

  async function handle(delivery: Delivery): Promise<void> {
    const failure = await handleEvent(consumer, delivery, { ...options, log, ending: ending.signal });
    if (failure) await subscription.failed(delivery, failure.reason, failure);
    else await subscription.done(delivery);
  }

  async function run(): Promise<void> {
    for await (const delivery of subscription.receive(stopping.signal)) {
      const one = handle(delivery)
        .catch((error: unknown) => log.error({ err: error }, 'the channel failed'))
        .finally(() => handling.delete(one));
      handling.add(one);
      if (handling.size >= consumer.concurrency) await Promise.race(handling);
    }
  }
  const running = run().catch((error: unknown) => log.error({ err: error }, 'the consumer ended'));

  return {
    async stop() {
      stopping.abort();
      const end = (): void => ending.abort(new Error('The process stops.'));
      const timer = setTimeout(end, options.stopMilliseconds ?? 10_000).unref();
      await running;
      await Promise.all(handling);
      clearTimeout(timer);
      await subscription.stop();
    },
  };
}

/** Why a consumer could not handle an event. */
export interface EventFailure {
  /** One sentence. */
  readonly reason: string;
  /** Whether it would fail however often it is repeated. */
  readonly isFinal: boolean;
}

/** The event was not handled within the `timeout` of its consumer. */
export class EventTimeout extends Error {
  override readonly name = 'EventTimeout';
}

export interface HandleEventOptions extends Pick<RunConsumerOptions, 'log' | 'scopeOf' | 'tracer'> {
  /** Milliseconds. @default the consumer's */
  readonly timeout?: number;
  /** Aborted when the event is to be given up. @default never */
  readonly ending?: AbortSignal;
  /** Milliseconds for which a handler is waited for that has been aborted. @default 5000, or `timeout` if it is shorter */
  readonly grace?: number;
}

/** Handles one event. Resolves with the reason if it has failed, and never rejects. */
export async function handleEvent(
  consumer: Consumer,
  delivery: Delivery,
  { log, scopeOf, tracer, timeout = consumer.timeout, ending, grace }: HandleEventOptions,
): Promise<EventFailure | undefined> {
  const { event, attempt, isRetry = false } = delivery;
  const span = beginProcess(tracer, consumer.name, delivery);
  const cause = span?.causing(event.correlationid) ?? event;
  const eventLog = log.child({ event: event.id, ...logged(event), type: event.type, subject: event.subject });
  const begin = performance.now();
  const late = new AbortController();
  const signal = ending ? AbortSignal.any([late.signal, ending]) : late.signal;
  const timer = setTimeout(
    () => late.abort(new EventTimeout(`The event was not handled within ${timeout} ms.`)),
    timeout,
  ).unref();
  try {
    const handled = consumer.handle(event, scopeOf(cause, { log: eventLog, signal, attempt, isRetry }));
    await unlessAborted(handled, signal, grace ?? Math.min(timeout, 5000));
    eventLog.info({ milliseconds: Math.round(performance.now() - begin) }, 'event');
    return undefined;
  } catch (error) {
    eventLog.warn({ err: error, attempt }, 'event failed');
    span?.fail(errorTypeOf(error));
    const { message: reason } = error instanceof Error ? error : new Error(String(error));
    return { reason, isFinal: error instanceof UnprocessableEvent };
  } finally {
    clearTimeout(timer);
    span?.end();
  }
}

/**
 * Settles as the work does. Rejects with the reason of the signal if it fails after that, or
 * has not ended when the grace is over.
 */
async function unlessAborted(work: Promise<void>, signal: AbortSignal, grace: number): Promise<void> {
  const ended = new AbortController();
  const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort', ended);
  const over = aborted.then(() => sleep(grace, undefined, ended));
  const givenUp = over.then(() => Promise.reject(signal.reason as Error));
  try {
    await Promise.race([work, givenUp]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    ended.abort();
    givenUp.catch(() => undefined);
    work.catch(() => undefined);
  }
}
