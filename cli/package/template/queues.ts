import type { DeclaredConsumer } from '../../../kit/declaration';
import { allow, awsPermissions, codePermissions, type Statement } from './permissions';
import { ageAlarm } from './function';
import { arnOf, idOf, ref, sub, type Resource } from './template';

/** What a part of a subgraph adds to the template of its function. */
export interface TemplatePart {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly statements: readonly Statement[];
  readonly issuedByAws: readonly Statement[];
  /** Event sources of the function. */
  readonly events: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, unknown>>;
  /** Ids of alarms that roll a deployment back. */
  readonly alarms: readonly string[];
}

/** 14 days, the most that SQS keeps a message, in seconds. */
const retention = 1_209_600;

const fifo = {
  FifoQueue: true,
  DeduplicationScope: 'messageGroup',
  FifoThroughputLimit: 'perMessageGroupId',
  MessageRetentionPeriod: retention,
};

const topicId = 'EventsTopic';
const topicName = (subgraph: string): string => `${subgraph}-events.fifo`;

/** The topic to which a subgraph publishes its events. */
export const topicPart = (subgraph: string): TemplatePart => ({
  resources: {
    [topicId]: {
      Type: 'AWS::SNS::Topic',
      Properties: { TopicName: topicName(subgraph), FifoTopic: true, FifoThroughputScope: 'MessageGroup' },
    },
  },
  statements: [allow({ sid: topicId, on: ref(topicId) }, codePermissions.topic)],
  ...{ issuedByAws: [], events: {}, alarms: [] },
  environment: { EVENTS_TOPIC: ref(topicId) },
});

/** The queue of a consumer, its failure queue, and its subscriptions to the topics of who publishes. */
export function consumerPart(
  { name, from }: DeclaredConsumer,
  { subgraph, timeout }: { readonly subgraph: string; readonly timeout: number },
): TemplatePart {
  const id = `${idOf(name)}Queue`;
  const failures = `${idOf(name)}Failures`;
  const queueName = `${subgraph}-${name}`;
  const topicOf = (source: string) =>
    source === subgraph
      ? ref(topicId)
      : sub(`arn:\${AWS::Partition}:sns:\${AWS::Region}:\${AWS::AccountId}:${topicName(source)}`);
  const subscriptions = Object.entries(from).map(([source, types]): [string, Resource] => [
    `${idOf(name)}Of${idOf(source)}`,
    {
      Type: 'AWS::SNS::Subscription',
      Properties: {
        ...{ TopicArn: topicOf(source), Protocol: 'sqs', Endpoint: arnOf(id), RawMessageDelivery: true },
        FilterPolicy: { type: types },
      },
    },
  ]);
  return {
    resources: {
      [id]: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          ...{ QueueName: `${queueName}.fifo`, ...fifo, VisibilityTimeout: 6 * timeout },
          // The function moves what fails; SQS counts a message with each delivery of those before it.
          RedrivePolicy: { deadLetterTargetArn: arnOf(failures), maxReceiveCount: 100 },
        },
      },
      [failures]: {
        Type: 'AWS::SQS::Queue',
        Properties: { QueueName: `${queueName}-failures.fifo`, ...fifo },
      },
      [`${id}Policy`]: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: {
          Queues: [ref(id)],
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                ...{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' } },
                ...{ Action: 'sqs:SendMessage', Resource: arnOf(id) },
                Condition: { ArnEquals: { 'aws:SourceArn': Object.keys(from).map(topicOf) } },
              },
            ],
          },
        },
      },
      ...Object.fromEntries(subscriptions),
      [`${id}Alarm`]: ageAlarm(id),
    },
    statements: [
      allow({ sid: id, on: arnOf(id) }, codePermissions.queue),
      allow({ sid: failures, on: arnOf(failures) }, codePermissions.failureQueue),
    ],
    issuedByAws: [allow({ sid: id, on: arnOf(id) }, awsPermissions.poller)],
    events: { [idOf(name)]: queueEvent(id) },
    environment: {},
    alarms: [`${id}Alarm`],
  };
}

/** An event source mapping that is told which messages must come again. */
export const queueEvent = (id: string) => ({
  Type: 'SQS',
  Properties: { Queue: arnOf(id), BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] },
});

/** A queue of SQS whose messages need no order, and its failure queue. */
export const plainQueues = (
  { id, name }: { readonly id: string; readonly name: string },
  timeout: number,
): Record<string, Resource> => ({
  [id]: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      ...{ QueueName: name, MessageRetentionPeriod: retention, VisibilityTimeout: 6 * timeout },
      RedrivePolicy: { deadLetterTargetArn: arnOf(`${id}Failures`), maxReceiveCount: 20 },
    },
  },
  [`${id}Failures`]: {
    Type: 'AWS::SQS::Queue',
    Properties: { QueueName: `${name}-failures`, MessageRetentionPeriod: retention },
  },
});
