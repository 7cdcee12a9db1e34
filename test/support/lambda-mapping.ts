import { type Message, type SQS } from '@aws-sdk/client-sqs';
import { type LambdaHandler } from '../../kit';
import { type BatchAnswer } from '../../kit/serve/lambda-records';

/** A queue whose messages a handler of AWS Lambda gets, as an event source mapping gives them to it. */
export interface Mapping {
  readonly sqs: SQS;
  readonly queue: string;
  readonly handler: LambdaHandler;
  /** The time that the function has, in milliseconds. @default 10,000 */
  readonly time?: number;
}

/**
 * Takes up to ten messages from the queue and invokes the handler with them. Those that it does not name are deleted; the
 * others can be received again at once. Resolves with the texts of the latter.
 */
export async function invokeWithMessages({ sqs, queue, handler, time = 10_000 }: Mapping): Promise<string[]> {
  const { QueueUrl } = await sqs.getQueueUrl({ QueueName: queue });
  const { Messages = [] } = await sqs.receiveMessage({
    ...{ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60 },
    ...{ MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] },
  });
  if (Messages.length === 0) throw new Error(`There is no message in the queue ${queue}.`);
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] });
  const end = performance.now() + time;
  const { batchItemFailures } = (await handler(
    { Records: Messages.map((message) => recordOf(message, Attributes!['QueueArn']!)) },
    { awsRequestId: 'x', getRemainingTimeInMillis: () => end - performance.now() },
  )) as BatchAnswer;
  const left = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const texts: string[] = [];
  for (const { MessageId, ReceiptHandle, Body } of Messages)
    if (left.has(MessageId!)) {
      texts.push(Body!);
      await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    } else await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
  return texts;
}

/** A record as AWS documents it: names begin with small letters, and system attributes are texts. */
const recordOf = (
  { MessageId, ReceiptHandle, Body, MD5OfBody, Attributes, MessageAttributes = {} }: Message,
  eventSourceARN: string,
) => ({
  messageId: MessageId,
  receiptHandle: ReceiptHandle,
  body: Body,
  attributes: Attributes,
  messageAttributes: Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => [
      name,
      { stringValue: StringValue, stringListValues: [], binaryListValues: [], dataType: DataType },
    ]),
  ),
  md5OfBody: MD5OfBody,
  eventSource: 'aws:sqs',
  eventSourceARN,
  awsRegion: eventSourceARN.split(':')[3],
});
