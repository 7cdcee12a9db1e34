import { type SqsRecord } from '../events/channels/sqs-batch';
import { type SubgraphConsumers } from '../events/consumers/subgraph-consumers';
import { type TaskQueue } from '../workflows/engine';

/** An event of AWS Lambda with messages from a queue of SQS. */
export interface QueueEvent {
  /** At least one; all are from one queue. */
  readonly Records: readonly SqsRecord[];
}

/** The answer to Lambda for a batch, where its event source has `ReportBatchItemFailures`. */
export interface BatchAnswer {
  /** The messages that must come again. The others are done with. */
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface QueueEventOptions {
  readonly subgraph: string;
  readonly consumers: Pick<SubgraphConsumers, 'handleBatch'>;
  readonly taskQueue: TaskQueue | undefined;
  /** When the answer must be there, as `performance.now()` counts. */
  readonly deadline: number;
}

export function isQueueEvent(event: unknown): event is QueueEvent {
  const { Records } = Object(event) as { readonly Records?: unknown };
  return (
    Array.isArray(Records) &&
    (Records[0] as { readonly eventSource?: unknown } | undefined)?.eventSource === 'aws:sqs'
  );
}

/** Handles the events of a consumer, or the tasks of workflows. Rejects where the queue is of neither. */
export async function handleQueueEvent(
  { Records }: QueueEvent,
  { subgraph, consumers, taskQueue, deadline }: QueueEventOptions,
): Promise<BatchAnswer> {
  const { eventSourceARN: arn } = Records[0]!;
  const left = await (taskQueue && isQueue(taskQueue.url, arn)
    ? runTasks(Records, taskQueue, deadline)
    : consumers.handleBatch(arn, Records, deadline));
  if (left === undefined)
    throw new Error(
      `The subgraph "${subgraph}" does not know the queue ${arn}. A consumer's is found with EVENTS_CHANNEL=sns-sqs and EVENTS_QUEUE, that of workflows is WEIR_TASK_QUEUE.`,
    );
  return { batchItemFailures: left.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** Runs tasks all at once, as they are of no order. Resolves with the ids of those that must come again. */
async function runTasks(
  records: readonly SqsRecord[],
  taskQueue: TaskQueue,
  deadline: number,
): Promise<string[]> {
  const signal = AbortSignal.timeout(Math.max(0, Math.round(deadline - performance.now())));
  const areOver = await Promise.all(records.map(({ body }) => taskQueue.handle(body, signal)));
  return records.flatMap(({ messageId }, i) => (areOver[i] === true ? [] : [messageId]));
}

/** Whether a queue's URL, such as `https://sqs.eu-west-1.amazonaws.com/123456789012/tasks`, and its ARN fit. */
const isQueue = (url: string, arn: string): boolean =>
  new URL(url).pathname.split('/').slice(-2).join(':') === arn.split(':').slice(-2).join(':');
