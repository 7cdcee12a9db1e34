import { type SNS } from '@aws-sdk/client-sns';
import { type SQS } from '@aws-sdk/client-sqs';
import { loadPackages } from '../../../optional-packages';
import { type AwsSettings } from './aws-settings';

export interface AwsClients {
  readonly sns: SNS;
  readonly sqs: SQS;
  readonly destroy: () => void;
}

/** The longest time, in seconds, in which SQS may answer to a long poll. */
export const longestPoll = 20;

/**
 * Opens clients of both. The packages are loaded only now: who has another channel does not pay for them.
 *
 * @throws {MissingPackage} if one of them is not installed
 */
export async function openAwsClients(settings: AwsSettings = {}): Promise<AwsClients> {
  const [{ SNS }, { SQS }] = await loadPackages(
    'The channel sns-sqs',
    ['@aws-sdk/client-sns', '@aws-sdk/client-sqs'],
    () => Promise.all([import('@aws-sdk/client-sns'), import('@aws-sdk/client-sqs')]),
  );
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
