/** Whether moto stands in for AWS as the tests that start it need. */
import { CreateTopicCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
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

  it('has ended when it is stopped', async () => {
    const other = await startMoto();
    await other.stop();
    await other.stop();
    await expect(fetch(other.url)).rejects.toThrow();
  });
});
