import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { groupBy } from '../../lists';
import { createLimiter } from '../../serve/limiter';
import { logged } from '../../traces/trace';
import { type ConsumerSelection, type Delivery, type Failure, type RetryOptions } from './channel';
import { type EventFailure } from '../consumers/run-consumer';
import { eventTextOf, readMessage, retryAttribute } from './sqs-message';

/** A message of SQS in an event of AWS Lambda. */
export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Partial<Record<string, string>>>;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
  readonly eventSourceARN: string;
}

/** A message that becomes a failure. */
export interface FailedMessage extends Pick<Failure, 'reason' | 'attempts' | 'text'> {
  readonly messageId: string;
  readonly group: string;
}

export interface EventBatchOptions extends RetryOptions {
  readonly selection: ConsumerSelection;
  readonly failures: { add(message: FailedMessage): Promise<void> };
  /** How many groups are handled at once. */
  readonly concurrency: number;
  /** Handles an event within so many milliseconds, if there are fewer than usual. As `handleEvent` otherwise. */
  readonly handle: (delivery: Delivery, milliseconds: number) => Promise<EventFailure | undefined>;
  /** When the batch must be done with, as `performance.now()` counts. */
  readonly deadline: number;
  readonly log: FastifyBaseLogger;
}

/**
 * Handles a batch of events that Lambda has received for a consumer. The events of a group are handled one after the
 * other, with all tries of each, so that SQS need not count them. Resolves with the ids of the messages that must come
 * again: those for which the time was too short, and those behind them in their group.
 */
export async function handleEventBatch(
  records: readonly SqsRecord[],
  options: EventBatchOptions,
): Promise<string[]> {
  const groups = groupBy(records, groupOf);
  const limit = createLimiter(options.concurrency);
  const left = await Promise.all(
    Array.from(groups.values(), (group) => limit(() => handleGroup(group, options))),
  );
  return left.flat();
}

const groupOf = ({ attributes }: SqsRecord): string => attributes['MessageGroupId'] ?? '';

async function handleGroup(group: readonly SqsRecord[], options: EventBatchOptions): Promise<string[]> {
  for (const [i, record] of group.entries()) {
    const isSettled = await settle(record, i === 0, options).catch((error: unknown) => {
      options.log.error({ err: error, message: record.messageId }, 'an event comes again');
      return false;
    });
    if (!isSettled) return group.slice(i).map(({ messageId }) => messageId);
  }
  return [];
}

/** Resolves with true when the event was handled, or is in the failure queue; false when it must come again. */
async function settle(record: SqsRecord, isFirst: boolean, options: EventBatchOptions): Promise<boolean> {
  const { selection, failures, handle, deadline, tries = 5, firstPause = 200, log } = options;
  const { messageId, attributes, messageAttributes } = record;
  const text = eventTextOf(record.body);
  const traceHeader = attributes['AWSTraceHeader'];
  const receives = Number(attributes['ApproximateReceiveCount']);
  const content = readMessage({ text, traceHeader, receives, isFirst }, selection);
  const isRetry = messageAttributes[retryAttribute] !== undefined;
  const left = () => deadline - performance.now();

  async function give(reason: string, attempts: number): Promise<true> {
    await failures.add({ messageId, group: groupOf(record), reason, attempts, text });
    const ids = 'event' in content && logged(content.event);
    log.error({ failure: messageId, ...ids, reason, attempts }, 'an event is in the failure queue');
    return true;
  }

  if ('unusable' in content) return give(content.unusable, content.attempts);
  for (let attempt = 1; ; attempt++) {
    if (left() <= 0) return false;
    const failure = await handle({ event: content.event, attempt, isRetry }, left());
    if (!failure) return true;
    const pause = firstPause * 4 ** (attempt - 1);
    if (failure.isFinal) return give(failure.reason, attempt);
    // A try that was cut off by the end of the time does not count.
    if (left() <= 0) return false;
    if (attempt >= tries) return give(failure.reason, attempt);
    if (left() <= pause) return false;
    await sleep(pause);
  }
}
