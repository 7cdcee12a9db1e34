/** Over 300 lines: the life of a message between receiving, handling and its end is one thing. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { type Message, type SQS } from '@aws-sdk/client-sqs';
import { createBackoff, type Backoff } from '../../backoff';
import { slices } from '../../lists';
import { logged } from '../../traces/trace';
import { longestPoll } from './aws-clients';
import { type QueueTimes } from './aws-settings';
import { type ConsumerSelection, type Delivery, type RetryOptions, type Subscription } from './channel';
import { type ConsumerQueue } from './sns-sqs-resources';
import { SqsFailures } from './sqs-failures';
import { eventTextOf, readMessage, retryAttribute, type MessageContent } from './sqs-message';

export interface SqsSubscriptionOptions extends RetryOptions, QueueTimes {
  readonly consumer: string;
  readonly selection: ConsumerSelection;
  readonly sqs: SQS;
  readonly queue: () => Promise<ConsumerQueue>;
  readonly log: FastifyBaseLogger;
}

/** A message that was received and not deleted. */
interface HeldMessage {
  readonly id: string;
  readonly receipt: string;
  readonly group: string;
  readonly text: string;
  readonly content: MessageContent;
  /** Whether an operator repeats it. */
  readonly isRetry: boolean;
  attempt: number;
  /** When other processes may get it, as `performance.now()` counts. */
  heldUntil: number;
  isDelivered: boolean;
}

/** More is not received before some of these are done with. */
const mostHeld = 100;

/**
 * The deliveries of a consumer from its SQS FIFO queue. The tries of an event are made by the process that has received
 * it, which holds all messages of its group meanwhile: SQS would count a try for those behind it, too.
 */
export class SqsSubscription implements Subscription {
  readonly failures: SqsFailures;
  readonly #options: SqsSubscriptionOptions;
  readonly #log: FastifyBaseLogger;
  readonly #visibility: number;
  /** The messages of each group, in their order. The first one is ready, delivered, or waits to be tried again. */
  readonly #groups = new Map<string, HeldMessage[]>();
  readonly #ready: HeldMessage[] = [];
  readonly #delivered = new Map<Delivery, HeldMessage>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #stopping = new AbortController();
  #renewal: NodeJS.Timeout | undefined;
  #poll: Promise<void> | undefined;
  #isReceiving = false;
  #deletion: Promise<void> | undefined;
  readonly #toDelete: { readonly receipt: string; readonly resolve: () => void }[] = [];
  #outage: Backoff | undefined;

  constructor(options: SqsSubscriptionOptions) {
    this.#options = options;
    this.#log = options.log.child({ consumer: options.consumer });
    this.#visibility = options.visibility ?? 30;
    this.failures = new SqsFailures(options);
  }

  async *receive(signal: AbortSignal): AsyncGenerator<Delivery, void> {
    const ended = AbortSignal.any([signal, this.#stopping.signal]);
    this.#isReceiving = true;
    this.#renewal ??= setInterval(() => void this.#renew(), (this.#visibility * 1000) / 3).unref();
    try {
      while (!ended.aborted) {
        const held = this.#ready.shift();
        if (held === undefined) {
          if (this.#held().length < mostHeld) this.#pollIfNeeded();
          await once(this.#changes, 'change', { signal: ended }).catch(() => undefined);
        } else if (held.heldUntil < performance.now()) {
          // Another process may have it by now, and those behind it.
          await this.#release(({ group }) => group === held.group);
        } else if ('event' in held.content) {
          const { attempt, isRetry } = held;
          const delivery = { event: held.content.event, attempt, isRetry };
          held.isDelivered = true;
          this.#delivered.set(delivery, held);
          yield delivery;
        }
      }
    } finally {
      this.#isReceiving = false;
      await this.#release(({ isDelivered }) => !isDelivered);
    }
  }

  async done(delivery: Delivery): Promise<void> {
    const held = this.#take(delivery);
    if (held) await this.#settle(held);
  }

  async failed(
    delivery: Delivery,
    reason: string,
    { isFinal = false }: { readonly isFinal?: boolean } = {},
  ): Promise<void> {
    const { tries = 5, firstPause = 200 } = this.#options;
    const held = this.#take(delivery);
    if (!held) return;
    if (isFinal || held.attempt >= tries) {
      await this.#moveToFailures(held, reason);
      return;
    }
    const pause = firstPause * 4 ** (held.attempt - 1);
    held.attempt++;
    held.isDelivered = false;
    if (!this.#isReceiving) return this.#release((each) => each === held);
    void sleep(pause, undefined, { signal: this.#stopping.signal, ref: false }).then(
      // It may have been given back meanwhile.
      () => this.#groups.get(held.group)?.includes(held) && this.#offer(held),
      () => undefined,
    );
  }

  async stop(): Promise<void> {
    // A poll that is cut off may have taken messages, which nobody gets for a while then.
    if (this.#poll) await Promise.race([this.#poll, sleep(1000, undefined, { ref: false })]);
    this.#stopping.abort();
    clearInterval(this.#renewal);
    await this.#deletion;
    await this.#release(() => true);
  }

  #pollIfNeeded(): void {
    this.#poll ??= this.#receiveMessages().finally(() => {
      this.#poll = undefined;
      this.#changes.emit('change');
    });
  }

  async #receiveMessages(): Promise<void> {
    const { sqs, queue, wait = longestPoll } = this.#options;
    const { signal } = this.#stopping;
    try {
      const { url: QueueUrl } = await queue();
      const { Messages = [] } = await sqs.receiveMessage(
        {
          QueueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: wait,
          VisibilityTimeout: this.#visibility,
          MessageAttributeNames: [retryAttribute],
          MessageSystemAttributeNames: ['MessageGroupId', 'ApproximateReceiveCount', 'AWSTraceHeader'],
          // A call that the SDK repeats, as its answer was lost, gets the same messages.
          ReceiveRequestAttemptId: randomUUID(),
        },
        { abortSignal: signal },
      );
      if (this.#outage) this.#log.info('the queue answers again');
      this.#outage = undefined;
      for (const message of Messages) this.#accept(message);
      if (!this.#isReceiving) await this.#release(({ isDelivered }) => !isDelivered);
    } catch (error) {
      if (signal.aborted) return;
      this.#log.warn({ err: error }, 'the queue cannot be read');
      this.#outage ??= endlessBackoff(signal);
      await this.#outage.pause();
    }
  }

  #accept(message: Message): void {
    const { MessageId: id = '', ReceiptHandle: receipt = '', Body = '', Attributes = {} } = message;
    const group = Attributes.MessageGroupId ?? '';
    const others = this.#groups.get(group) ?? [];
    const text = eventTextOf(Body);
    const held: HeldMessage = {
      ...{ id, receipt, group, text, attempt: 1, isDelivered: false },
      isRetry: message.MessageAttributes?.[retryAttribute] !== undefined,
      heldUntil: performance.now() + this.#visibility * 1000,
      content: readMessage(
        {
          text,
          traceHeader: Attributes.AWSTraceHeader,
          receives: Number(Attributes.ApproximateReceiveCount),
          isFirst: others.length === 0,
        },
        this.#options.selection,
      ),
    };
    this.#groups.set(group, [...others, held]);
    if (others.length === 0) this.#offer(held);
  }

  /** The first message of a group is to be delivered, or cannot be. */
  #offer(held: HeldMessage): void {
    if ('unusable' in held.content) {
      void this.#moveToFailures(held, held.content.unusable);
      return;
    }
    this.#ready.push(held);
    this.#changes.emit('change');
  }

  #take(delivery: Delivery): HeldMessage | undefined {
    const held = this.#delivered.get(delivery);
    this.#delivered.delete(delivery);
    return held;
  }

  async #moveToFailures(held: HeldMessage, reason: string): Promise<void> {
    const { id: messageId, group, text, content } = held;
    const attempts = 'event' in content ? held.attempt : content.attempts;
    const failure = { messageId, group, reason, attempts, text };
    if (!(await this.#keepTrying(() => this.failures.add(failure)))) return;
    const ids = 'event' in content && logged(content.event);
    this.#log.error({ failure: messageId, ...ids, reason, attempts }, 'an event is in the failure queue');
    await this.#settle(held);
  }

  /** Nothing is left to do for the first message of a group: the next one has its turn. */
  async #settle(held: HeldMessage): Promise<void> {
    await this.#delete(held.receipt);
    const others = (this.#groups.get(held.group) ?? []).filter((each) => each !== held);
    if (others.length === 0) this.#groups.delete(held.group);
    else {
      this.#groups.set(held.group, others);
      this.#offer(others[0]!);
    }
    this.#changes.emit('change');
  }

  /** Those that come while a call is on its way are deleted together by the next one. */
  #delete(receipt: string): Promise<void> {
    return new Promise((resolve) => {
      this.#toDelete.push({ receipt, resolve });
      this.#deletion ??= this.#deleteAll().finally(() => (this.#deletion = undefined));
    });
  }

  async #deleteAll(): Promise<void> {
    const { sqs, queue } = this.#options;
    while (this.#toDelete.length > 0) {
      let left = this.#toDelete.splice(0, 10);
      await this.#keepTrying(async () => {
        const { url: QueueUrl } = await queue();
        const Entries = left.map(({ receipt: ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
        const { Failed = [] } = await sqs.deleteMessageBatch({ QueueUrl, Entries });
        // A receipt that is refused has expired: the message will be delivered again.
        const retried = Failed.filter(({ SenderFault }) => SenderFault !== true);
        const isRetried = (i: number) => retried.some(({ Id }) => Id === String(i));
        for (const [i, { resolve }] of left.entries()) if (!isRetried(i)) resolve();
        left = left.filter((_, i) => isRetried(i));
        if (retried[0]) throw new Error(`${retried[0].Code}: ${retried[0].Message ?? 'no reason'}`);
      });
      for (const { resolve } of left) resolve();
    }
  }

  /** Keeps what is held for as long again. */
  async #renew(): Promise<void> {
    const now = performance.now();
    const kept = this.#held().filter(({ heldUntil }) => heldUntil > now);
    await this.#changeVisibility(kept, this.#visibility, (held) => {
      held.heldUntil = now + this.#visibility * 1000;
    });
  }

  /** Gives messages back at once: other processes get them, in their order. */
  async #release(isMeant: (held: HeldMessage) => boolean): Promise<void> {
    const now = performance.now();
    const released = this.#held().filter(isMeant);
    for (const held of released) {
      const others = this.#groups.get(held.group)!.filter((each) => each !== held);
      if (others.length === 0) this.#groups.delete(held.group);
      else this.#groups.set(held.group, others);
      if (this.#ready.includes(held)) this.#ready.splice(this.#ready.indexOf(held), 1);
    }
    await this.#changeVisibility(
      released.filter(({ heldUntil }) => heldUntil > now),
      0,
    );
  }

  async #changeVisibility(
    messages: readonly HeldMessage[],
    VisibilityTimeout: number,
    onChange: (held: HeldMessage) => void = () => undefined,
  ): Promise<void> {
    const { sqs, queue } = this.#options;
    for (const some of slices(messages, 10)) {
      try {
        const { url: QueueUrl } = await queue();
        const Entries = some.map(({ receipt: ReceiptHandle }, i) => ({
          ...{ Id: String(i), ReceiptHandle, VisibilityTimeout },
        }));
        const { Successful = [] } = await sqs.changeMessageVisibilityBatch({ QueueUrl, Entries });
        for (const { Id } of Successful) onChange(some[Number(Id)]!);
      } catch (error) {
        // They are delivered again when their time is over.
        this.#log.warn({ err: error }, 'the time of messages cannot be changed');
      }
    }
  }

  #held(): HeldMessage[] {
    return [...this.#groups.values()].flat();
  }

  /** Resolves with true when the action, which is repeated while it fails, has succeeded; false if this was stopped. */
  async #keepTrying(action: () => Promise<void>): Promise<boolean> {
    const { signal } = this.#stopping;
    const backoff = endlessBackoff(signal);
    for (;;) {
      try {
        await action();
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        this.#log.warn({ err: error }, 'the queue does not take a change');
        if (!(await backoff.pause())) return false;
      }
    }
  }
}

const endlessBackoff = (signal: AbortSignal): Backoff =>
  createBackoff({
    budgetMilliseconds: Infinity,
    firstMilliseconds: 500,
    longestMilliseconds: 30_000,
    signal,
  });
