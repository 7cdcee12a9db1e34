import { type SendMessageCommandInput } from '@aws-sdk/client-sqs';
import { type DomainEvent } from './event';
import { xRayHeaderOf } from './x-ray';

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

/** In pieces of at most `size`. */
export function slices<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
