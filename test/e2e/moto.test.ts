/** Whether moto stands in for AWS as the tests that start it need. */
import { CreateTopicCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../support/moto';

sayWithoutMoto('the tests of moto itself');

(motoPython === undefined ? describe.skip : describe)('moto', () => {
  let moto: Moto;
  let sqs: SQSClient;
  let sns: SNSClient;
  beforeAll(async () => {
    moto = await startMoto();
    sqs = new SQSClient(moto.config);
    sns = new SNSClient(moto.config);
  });
  afterAll(async () => {
    sqs.destroy();
    sns.destroy();
    await moto.stop();
  });
  const resources = async () => {
    const { QueueUrls: queues = [] } = await sqs.send(new ListQueuesCommand({}));
    const { Topics: topics = [] } = await sns.send(new ListTopicsCommand({}));
    return { queues, topics };
  };

  it('keeps resources until it is reset, at the address that it says', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'orders' }));
    expect(QueueUrl).toMatch(`${moto.url}/`);
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'orders' }));
    expect(await resources()).toEqual({ queues: [QueueUrl], topics: [{ TopicArn }] });
    await moto.reset();
    expect(await resources()).toEqual({ queues: [], topics: [] });
  });

  it('delivers the first message of a group first, when the time of all that were received is over', async () => {
    const Attributes = { FifoQueue: 'true', VisibilityTimeout: '1' };
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'groups.fifo', Attributes }));
    const groups = Array.from({ length: 10 }, (_, i) => `g${i}`);
    for (const MessageBody of ['first', 'second', 'third']) {
      const Entries = groups.map((group) => ({
        ...{ Id: group, MessageBody, MessageGroupId: group },
        MessageDeduplicationId: `${group} ${MessageBody}`,
      }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    }
    // Nobody deletes one: the time of each group is over some times, while others poll.
    const received: string[] = [];
    const poll = async (): Promise<void> => {
      while (received.length < 40) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            ...{ QueueUrl, MaxNumberOfMessages: 10 },
            ...{ WaitTimeSeconds: 1, MessageSystemAttributeNames: ['MessageGroupId'] },
          }),
        );
        const firstOf = new Map(
          Messages.toReversed().map(({ Attributes: of, Body }) => [of!.MessageGroupId, Body!]),
        );
        received.push(...firstOf.values());
      }
    };
    await Promise.all(Array.from({ length: 12 }, poll));
    expect(new Set(received)).toEqual(new Set(['first']));
  });

  it('has ended when it is stopped', async () => {
    const other = await startMoto();
    await other.stop();
    await other.stop();
    await expect(fetch(other.url)).rejects.toThrow();
  });
});
