import { type FastifyBaseLogger } from 'fastify';
import { type AwsSettings, type ResourceNames } from './aws-settings';
import { openSnsSqsChannel, type SnsSqsChannel } from './sns-sqs-channel';

/** Events go to consumers over SNS and SQS. */
export interface EventSettings extends ResourceNames {
  readonly channel: 'sns-sqs';
  /** @default what the AWS SDK reads from the environment */
  readonly aws?: AwsSettings;
}

/** The channel that the settings choose; undefined where consumers read event logs. */
export async function openChannel(
  settings: EventSettings | undefined,
  of: { readonly subgraph: string; readonly log: FastifyBaseLogger },
): Promise<SnsSqsChannel | undefined> {
  return settings && openSnsSqsChannel({ ...settings, ...of });
}
