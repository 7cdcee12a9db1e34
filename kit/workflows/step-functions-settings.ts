import { type AwsSettings } from '../events/channels/aws-settings';

/** Where the state machines and the queue of their tasks are. */
export interface StepFunctionsSettings {
  /**
   * The ARN of the state machines without the workflow's name, such as
   * `arn:aws:states:eu-west-1:123456789012:stateMachine:shop-`.
   */
  readonly stateMachines: string;
  /** The URL of the SQS queue that their Task states send to: `TaskQueueUrl` in the definitions. */
  readonly taskQueue: string;
  readonly aws?: AwsSettings;
}
