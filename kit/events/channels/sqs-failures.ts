import { setTimeout as sleep } from 'node:timers/promises';
import { type Message, type SQS } from '@aws-sdk/client-sqs';
import {
  pageOf,
  positionOf,
  shortened,
  type Failure,
  type FailurePage,
  type Failures,
  type ListFailuresOptions,
} from './channel';
import { slices } from '../../lists';
import { readEvent } from '../log/read-event';
import { fifoId } from './sns-publisher';
import { type ConsumerQueue } from './sns-sqs-resources';
import { type FailedMessage } from './sqs-batch';
import { eventTextOf, retryAttribute, systemAttributesOf } from './sqs-message';

export interface SqsFailuresOptions {
  readonly sqs: SQS;
  readonly queue: () => Promise<ConsumerQueue>;
  /** Seconds that SQS waits for more failures. It may miss some of them without. @default 1 */
  readonly lookWait?: number;
}

/** Seconds in which others do not see a failure that somebody looks at. */
const lookSeconds = 20;
const mostLookedAt = 1000;

/** The failure queue of a consumer. A look hides its messages from others until it is over. */
export class SqsFailures implements Failures {
  readonly #options: SqsFailuresOptions;
  /** One look at a time, as each hides messages from the others. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SqsFailuresOptions) {
    this.#options = options;
  }

  /** SQS has no order of ours: the oldest of those that one look finds, 1,000 at most. */
  async list({ limit = 100, after = '' }: ListFailuresOptions = {}): Promise<FailurePage> {
    const oldest: Failure[] = [];
    await this.#look((message) => {
      const failure = failureOf(message);
      if (positionOf(failure) <= after) return false;
      oldest.push(failure);
      oldest.sort((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
      // One more shows that there is a next page.
      oldest.splice(limit + 1);
      return false;
    });
    return pageOf(oldest, limit);
  }

  retry(id: string): Promise<boolean> {
    return this.#take(id, async (message) => {
      const { url } = await this.#options.queue();
      const { text } = failureOf(message);
      const read = readEvent(text);
      await this.#options.sqs.sendMessage({
        QueueUrl: url,
        MessageBody: text,
        MessageGroupId: groupIn(message),
        // Not the event's own id: SQS forgets no id for five minutes.
        MessageDeduplicationId: fifoId(`retry:${id}`),
        MessageAttributes: { [retryAttribute]: { DataType: 'String', StringValue: 'true' } },
        ...systemAttributesOf('event' in read ? read.event : undefined),
      });
    });
  }

  drop(id: string): Promise<boolean> {
    return this.#take(id, () => Promise.resolve());
  }

  /** Puts a message into the queue. Repeated for the same message within five minutes it is one failure. */
  async add({ messageId, group, attempts, ...failure }: FailedMessage): Promise<void> {
    const { failuresUrl } = await this.#options.queue();
    const { reason, text } = shortened(failure);
    const read = readEvent(text);
    await this.#options.sqs.sendMessage({
      QueueUrl: failuresUrl,
      MessageBody: text,
      // Not the group of the event: a look would see only the first failures of a group.
      MessageGroupId: messageId,
      MessageDeduplicationId: messageId,
      MessageAttributes: Object.fromEntries(
        Object.entries({
          group,
          reason: printable(reason),
          attempts: String(attempts),
          failedAt: new Date().toISOString(),
        }).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
      ),
      ...systemAttributesOf('event' in read ? read.event : undefined),
    });
  }

  /** Resolves with false if there is no such failure. */
  async #take(id: string, action: (message: Message) => Promise<void>): Promise<boolean> {
    const { failuresUrl } = await this.#options.queue();
    for (let look = 1; ; look++) {
      let taken: Message | undefined;
      await this.#look(
        (message) => {
          if (message.MessageId === id) taken = message;
          return taken !== undefined;
        },
        async () => {
          if (taken === undefined) return;
          await action(taken);
          await this.#options.sqs.deleteMessage({
            QueueUrl: failuresUrl,
            ReceiptHandle: taken.ReceiptHandle,
          });
        },
      );
      if (taken !== undefined) return true;
      if (look === mostLooks || !(await this.#areHidden(failuresUrl))) return false;
      await sleep(500);
    }
  }

  /** Whether somebody else looks at some of them now. */
  async #areHidden(failuresUrl: string): Promise<boolean> {
    const name = 'ApproximateNumberOfMessagesNotVisible';
    const { Attributes } = await this.#options.sqs.getQueueAttributes({
      QueueUrl: failuresUrl,
      AttributeNames: [name],
    });
    return Number(Attributes?.[name]) > 0;
  }

  /** Shows the messages to `visit` until it returns true. Then runs `act`, and shows the messages to others again. */
  #look(visit: (message: Message) => boolean, act?: () => Promise<void>): Promise<void> {
    const looked = this.#turn.then(() => this.#lookNow(visit, act));
    this.#turn = looked.catch(() => undefined);
    return looked;
  }

  async #lookNow(visit: (message: Message) => boolean, act?: () => Promise<void>): Promise<void> {
    const { sqs, queue, lookWait = 1 } = this.#options;
    const { failuresUrl: QueueUrl } = await queue();
    const seen: Pick<Message, 'ReceiptHandle'>[] = [];
    try {
      for (let isOver = false; !isOver && seen.length < mostLookedAt;) {
        const { Messages = [] } = await sqs.receiveMessage({
          QueueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: lookWait,
          VisibilityTimeout: lookSeconds,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['MessageGroupId', 'SentTimestamp', 'ApproximateReceiveCount'],
        });
        seen.push(...Messages.map(({ ReceiptHandle }) => ({ ReceiptHandle })));
        isOver = Messages.map(visit).includes(true) || Messages.length === 0;
      }
      await act?.();
    } finally {
      for (const some of slices(seen, 10))
        await sqs.changeMessageVisibilityBatch({
          QueueUrl,
          Entries: some.map(({ ReceiptHandle }, i) => ({
            Id: String(i),
            ReceiptHandle,
            VisibilityTimeout: 0,
          })),
        });
    }
  }
}

/** How often a failure is looked for while others hide some. */
const mostLooks = 5;

const attributeOf = ({ MessageAttributes }: Message, name: string): string | undefined =>
  MessageAttributes?.[name]?.StringValue;

const groupIn = (message: Message): string | undefined =>
  attributeOf(message, 'group') ?? message.Attributes?.MessageGroupId;

/** What SQS has moved there by itself has no attributes of ours. */
function failureOf(message: Message): Failure {
  const { MessageId, Body = '', Attributes = {} } = message;
  const received = Number(Attributes.ApproximateReceiveCount);
  return {
    id: MessageId!,
    reason:
      attributeOf(message, 'reason') ?? 'SQS has delivered it too often, and no process has dealt with it.',
    failedAt: attributeOf(message, 'failedAt') ?? new Date(Number(Attributes.SentTimestamp)).toISOString(),
    attempts: Number(attributeOf(message, 'attempts') ?? received),
    text: eventTextOf(Body),
  };
}

/** Of the characters that SQS takes. */
const printable = (text: string): string =>
  text.replace(/[^\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ' ').trim() || 'no reason';
