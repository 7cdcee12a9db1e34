import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { logged } from '../trace';
import { beginProcess } from '../traces/event-spans';
import { errorTypeOf, type Tracer } from '../traces/tracer';
import {
  type Channel,
  type ConsumerSelection,
  type Delivery,
  type RetryOptions,
  type Subscription,
} from './channel';
import { UnprocessableEvent, type ConsumedEvents, type Consumer, type ConsumerScope } from './consumer';
import { type Cause } from './event';

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
}

/** A consumer at work. */
export interface RunningConsumer {
  /** Takes no more events, waits for those that are being handled, and lets another process take over. */
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
  const handling = new Set<Promise<void>>();

  async function handle(delivery: Delivery): Promise<void> {
    const failure = await handleEvent(consumer, delivery, { ...options, log });
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
      await running;
      await Promise.all(handling);
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

/** Handles one event. Resolves with the reason if it has failed, and never rejects. */
export async function handleEvent(
  consumer: Consumer,
  delivery: Delivery,
  {
    log,
    scopeOf,
    tracer,
    timeout = consumer.timeout,
  }: Pick<RunConsumerOptions, 'log' | 'scopeOf' | 'tracer'> & { readonly timeout?: number },
): Promise<EventFailure | undefined> {
  const { event, attempt, isRetry = false } = delivery;
  const span = beginProcess(tracer, consumer.name, delivery);
  const cause = span?.causing(event.correlationid) ?? event;
  const eventLog = log.child({ event: event.id, ...logged(event), type: event.type, subject: event.subject });
  const begin = performance.now();
  try {
    const scoped = (signal: AbortSignal) => scopeOf(cause, { log: eventLog, signal, attempt, isRetry });
    await inTime(timeout, (signal) => consumer.handle(event, scoped(signal)));
    eventLog.info({ milliseconds: Math.round(performance.now() - begin) }, 'event');
    return undefined;
  } catch (error) {
    eventLog.warn({ err: error, attempt }, 'event failed');
    span?.fail(errorTypeOf(error));
    const { message: reason } = error instanceof Error ? error : new Error(String(error));
    return { reason, isFinal: error instanceof UnprocessableEvent };
  } finally {
    span?.end();
  }
}

/** Rejects when the action takes longer; its signal is aborted then. */
async function inTime(milliseconds: number, action: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const late = new AbortController();
  const ended = new AbortController();
  const timeout = sleep(milliseconds, undefined, { signal: ended.signal, ref: false }).then(() => {
    late.abort();
    throw new Error(`The event was not handled within ${milliseconds} ms.`);
  });
  try {
    await Promise.race([action(late.signal), timeout]);
  } finally {
    ended.abort();
    timeout.catch(() => undefined);
  }
}
