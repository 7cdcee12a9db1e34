/** Settings of SNS and SQS, whose declarations do without the packages: these may not be installed. */

/** Where services of AWS are. What is not given is read as the AWS SDK does: `AWS_REGION`, `AWS_ENDPOINT_URL` and others. */
export interface AwsSettings {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** How the topics and queues of subgraphs are found. */
export interface ResourceNames {
  /** The name or ARN of a subgraph's topic. @default '{source}-events.fifo' */
  readonly topic?: string;
  /** The name or ARN of a consumer's queue. @default '{subgraph}-{consumer}.fifo' */
  readonly queue?: string;
  /** Creates what is not there: for development. @default false: the start fails */
  readonly create?: boolean;
}

/** Events go to consumers over SNS and SQS. */
export interface EventSettings extends ResourceNames {
  readonly channel: 'sns-sqs';
  /** @default what the AWS SDK reads from the environment */
  readonly aws?: AwsSettings;
}

export const defaultTopic = '{source}-events.fifo';
export const defaultQueue = '{subgraph}-{consumer}.fifo';

/** How long a consumer waits for SQS. */
export interface QueueTimes {
  /** Seconds of a long poll, 1 to 20. @default 20 */
  readonly wait?: number;
  /**
   * Seconds in which no other process gets a message that one has received; renewed while it has it. After them another
   * one takes over from a process that was killed. @default 30
   */
  readonly visibility?: number;
  /** As in `SqsFailures`. */
  readonly lookWait?: number;
}
