import { type SNS } from '@aws-sdk/client-sns';
import { type SQS } from '@aws-sdk/client-sqs';

/** Where SNS and SQS are. What is not given is read as the AWS SDK does: `AWS_REGION`, `AWS_ENDPOINT_URL` and others. */
export interface AwsSettings {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface AwsClients {
  readonly sns: SNS;
  readonly sqs: SQS;
  readonly destroy: () => void;
}

/** The longest time, in seconds, in which SQS may answer to a long poll. */
export const longestPoll = 20;

/** Opens clients of both. The packages are loaded only now: who has another channel does not pay for them. */
export async function openAwsClients(settings: AwsSettings = {}): Promise<AwsClients> {
  const [{ SNS }, { SQS }] = await Promise.all([
    import('@aws-sdk/client-sns'),
    import('@aws-sdk/client-sqs'),
  ]);
  const timeouts = { connectionTimeout: 1000, throwOnRequestTimeout: true };
  const sns = new SNS({ maxAttempts: 3, requestHandler: { ...timeouts, requestTimeout: 5000 }, ...settings });
  const requestTimeout = (longestPoll + 5) * 1000;
  const sqs = new SQS({ maxAttempts: 3, requestHandler: { ...timeouts, requestTimeout }, ...settings });
  return {
    sns,
    sqs,
    destroy() {
      sns.destroy();
      sqs.destroy();
    },
  };
}
