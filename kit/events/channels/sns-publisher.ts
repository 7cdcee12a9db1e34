import { createHash } from 'node:crypto';
import { type PublishBatchRequestEntry, type SNS } from '@aws-sdk/client-sns';
import { createBackoff } from '../../backoff';
import { groupBy } from '../../lists';
import { type DomainEvent } from '../event';
import { textOf } from './sqs-message';
import { xRayHeaderOf } from './x-ray';

/** What SNS takes in one call: messages, and their bytes with those of their attributes. */
const mostEntries = 10;
const mostBatchBytes = 256 * 1024;

/** An event as a message of a FIFO topic. */
interface OutgoingEvent {
  readonly event: DomainEvent;
  /** Messages of one group are kept in their order. */
  readonly group: string;
  readonly text: string;
  readonly bytes: number;
}

/**
 * Publishes events to a FIFO topic, those of one source and subject in their order: a call holds at most one of them, as
 * SNS may refuse one message of a call and take a later one. Refused ones are sent again for 10 s; rejects if some are
 * left then.
 */
export async function publishEvents(
  events: readonly DomainEvent[],
  {
    sns,
    topicArn,
    budget = 10_000,
  }: { readonly sns: SNS; readonly topicArn: string; readonly budget?: number },
): Promise<void> {
  const waiting = groupBy(events.map(outgoing), ({ group }) => group);
  const backoff = createBackoff({ budgetMilliseconds: budget, firstMilliseconds: 50 });
  while (waiting.size > 0) {
    const batch = nextBatch(waiting);
    const refused = await sendBatch(batch, { sns, topicArn });
    for (const [i, { group }] of batch.entries()) if (!refused.has(i)) takeFirst(waiting, group);
    if (refused.size > 0 && !(await backoff.pause())) {
      const [i, reason] = [...refused][0]!;
      const { type, id } = batch[i]!.event;
      throw new Error(
        `SNS does not take the event ${type} "${id}" for ${topicArn}: ${reason instanceof Error ? reason.message : String(reason)}`,
        { cause: reason },
      );
    }
  }
}

function outgoing(event: DomainEvent): OutgoingEvent {
  const text = textOf(event);
  const bytes = Buffer.byteLength(text) + attributeBytes(event.type);
  return { event, group: groupOf(event), text, bytes };
}

/** The first event of as many groups as one call takes. */
function nextBatch(waiting: ReadonlyMap<string, readonly OutgoingEvent[]>): OutgoingEvent[] {
  const batch: OutgoingEvent[] = [];
  let bytes = 0;
  for (const [first] of waiting.values()) {
    if (batch.length > 0 && bytes + first!.bytes > mostBatchBytes) continue;
    bytes += first!.bytes;
    batch.push(first!);
    if (batch.length === mostEntries) break;
  }
  return batch;
}

/** The group in which SNS and SQS keep order: the source and subject. */
export const groupOf = ({ source, subject }: DomainEvent): string => fifoId(`${source}/${subject}`);

/** Ids of groups and of messages have at most 128 letters, digits and signs of ASCII: of others a hash is taken. */
export const fifoId = (text: string): string =>
  /^[\x21-\x7e]{1,128}$/.test(text) ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Puts the group behind the others, so that each has its turn. */
function takeFirst(waiting: Map<string, OutgoingEvent[]>, group: string): void {
  const [, ...others] = waiting.get(group)!;
  waiting.delete(group);
  if (others.length > 0) waiting.set(group, others);
}

/** Resolves with those that were not taken, by their index, with the reason. */
async function sendBatch(
  batch: readonly OutgoingEvent[],
  { sns, topicArn: TopicArn }: { readonly sns: SNS; readonly topicArn: string },
): Promise<Map<number, unknown>> {
  const command = new (await import('@aws-sdk/client-sns')).PublishBatchCommand({
    TopicArn,
    PublishBatchRequestEntries: batch.map(entryOf),
  });
  const header = commonXRayHeader(batch);
  if (header !== undefined)
    command.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers['x-amzn-trace-id'] = header;
        return next(args);
      },
      { step: 'build', name: 'traceHeader' },
    );
  try {
    const { Failed = [] } = await sns.send(command);
    return new Map(Failed.map(({ Id, Code, Message }) => [Number(Id), `${Code}: ${Message ?? 'no reason'}`]));
  } catch (error) {
    return new Map(batch.map((_, i) => [i, error]));
  }
}

const entryOf = ({ event, group, text }: OutgoingEvent, i: number): PublishBatchRequestEntry => ({
  Id: String(i),
  Message: text,
  MessageGroupId: group,
  MessageDeduplicationId: fifoId(event.id),
  MessageAttributes: { type: { DataType: 'String', StringValue: event.type } },
});

const attributeBytes = (type: string): number => Buffer.byteLength(`typeString${type}`);

/** SNS passes the header of a call on as `AWSTraceHeader` of its messages: only where all are of one trace. */
function commonXRayHeader(batch: readonly OutgoingEvent[]): string | undefined {
  const { traceparent } = batch[0]!.event;
  const isCommon = batch.every(({ event }) => event.traceparent === traceparent);
  return isCommon && traceparent !== undefined ? xRayHeaderOf(traceparent) : undefined;
}
