import { type SendMessageCommandInput } from '@aws-sdk/client-sqs';
import { type ConsumerSelection } from './channel';
import { type DomainEvent } from '../event';
import { readEvent } from '../log/read-event';
import { traceparentOf, xRayHeaderOf } from './x-ray';

/** The event in the body of a message: as it is (raw message delivery), or in the envelope of SNS. */
export function eventTextOf(body: string): string {
  if (!body.includes('"Notification"')) return body;
  try {
    const { Type, Message } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    return Type === 'Notification' && typeof Message === 'string' ? Message : body;
  } catch {
    return body;
  }
}

/** What a message is to a consumer: an event, or something that goes to the failure queue with a reason. */
export type MessageContent =
  | { readonly event: DomainEvent }
  | { readonly unusable: string; readonly attempts: number };

export interface ReceivedMessage {
  /** As {@link eventTextOf} has it. */
  readonly text: string;
  readonly traceHeader: string | undefined;
  /** How often SQS has delivered it. */
  readonly receives: number;
  /** Whether it is the first of its group, and so was handled before if it was delivered before. */
  readonly isFirst: boolean;
}

/** A message that is first of its group and was received more often has ended each process that handled it. */
const mostReceives = 10;

/** Reads a message for a consumer that selects some events. */
export function readMessage(
  { text, traceHeader, receives, isFirst }: ReceivedMessage,
  selection: ConsumerSelection,
): MessageContent {
  if (isFirst && receives > mostReceives)
    return {
      unusable: `It was delivered ${receives} times, and each process ended or lost it.`,
      attempts: receives,
    };
  const read = readEvent(text);
  if ('unreadable' in read) return { unusable: read.unreadable, attempts: 0 };
  const { event } = read;
  const { source, type } = event;
  if (!Object.hasOwn(selection, source) || !selection[source]!.includes(type))
    return {
      unusable: `The consumer does not know events of the type "${type}" from "${source}".`,
      attempts: 0,
    };
  if (event.traceparent !== undefined || traceHeader === undefined) return { event };
  const traceparent = traceparentOf(traceHeader);
  return { event: { ...event, ...(traceparent !== undefined && { traceparent }) } };
}

/** The attribute of a message that an operator sends again from the failure queue. */
export const retryAttribute = 'retry';

/** The text of an event for SNS and SQS, which refuse two characters that JSON may hold. */
export const textOf = (event: DomainEvent): string =>
  JSON.stringify(event).replaceAll('\ufffe', '\\ufffe').replaceAll('\uffff', '\\uffff');

/** The trace of an event as AWS X-Ray reads it. */
export function systemAttributesOf(
  event: DomainEvent | undefined,
): Pick<SendMessageCommandInput, 'MessageSystemAttributes'> {
  const header = event?.traceparent === undefined ? undefined : xRayHeaderOf(event.traceparent);
  return header === undefined
    ? {}
    : { MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: header } } };
}
