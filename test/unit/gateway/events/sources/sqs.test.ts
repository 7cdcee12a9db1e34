/** Queues of SQS for each process, against moto: what is left of others, envelopes, and what is removed by others. */
import { CreateTopicCommand, ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { DeleteQueueCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DomainEventSource, EventBatch } from '../../../../../gateway/events/source';
import { sqsEvents, unpack } from '../../../../../gateway/events/sources/sqs';
import { deepJson, writesDeepJson } from '../../../../support/deep-json';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../../../../support/moto';

sayWithoutMoto('the tests of queues of gateways');

describe('the event in a message', () => {
  const event = '{"specversion":"1.0","type":"A"}';
  const bridge = { 'detail-type': 'A', id: '1', source: 'shop', time: 't' };
  const detail = `{"list":${deepJson(50_000)}}`;
  const tooDeep = `{"detail-type":"A","detail":${detail}}`;
  it.each([
    ['as it is', event, event],
    ['in the envelope of SNS', JSON.stringify({ Type: 'Notification', Message: event }), event],
    ['in that of EventBridge', JSON.stringify({ ...bridge, detail: JSON.parse(event) }), event],
    [
      'in both',
      JSON.stringify({
        Type: 'Notification',
        Message: JSON.stringify({ ...bridge, detail: JSON.parse(event) }),
      }),
      event,
    ],
    [
      'as data of EventBridge',
      JSON.stringify({ ...bridge, detail: { upc: 'p1' } }),
      '{"specversion":"1.0","id":"1","source":"shop","type":"A","time":"t","data":{"upc":"p1"}}',
    ],
    ['which is none', 'nonsense', 'nonsense'],
    ['which is null', 'null', 'null'],
    [
      'which is nested too deep to be written in that of EventBridge',
      tooDeep,
      writesDeepJson ? `{"specversion":"1.0","type":"A","data":${detail}}` : tooDeep,
    ],
  ])('is read %s', (_, message, expected) => {
    expect(unpack(message).body.toString()).toBe(expected);
  });
});

(motoPython === undefined ? describe.skip : describe)('the queue of a process', () => {
  let moto: Moto;
  let sqs: SQSClient;
  let sns: SNSClient;
  let topic: string;
  beforeAll(async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    moto = await startMoto();
    sqs = new SQSClient(moto.config);
    sns = new SNSClient(moto.config);
    topic = (await sns.send(new CreateTopicCommand({ Name: 'shop' }))).TopicArn!;
  });
  afterAll(async () => {
    sqs.destroy();
    sns.destroy();
    await moto.stop();
  });

  const queues = async () =>
    (await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'weir-' }))).QueueUrls ?? [];
  const subscriptions = async () =>
    (await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topic }))).Subscriptions!.length;
  const open = (now = Date.now): DomainEventSource =>
    sqsEvents({ ...{ topic, prefix: 'weir', retention: 60_000, endpoint: moto.url, wait: 0 }, now });
  const begin = async (source: DomainEventSource): Promise<EventBatch> => {
    const stop = new AbortController();
    for await (const batch of source.read({ types: [], signal: stop.signal })) {
      stop.abort();
      return batch;
    }
    throw new Error('It gave no batch.');
  };

  it('is one for each, and is removed at its end', async () => {
    const [one, two] = [open(), open()];
    await begin(one);
    await begin(two);
    expect([(await queues()).length, await subscriptions()]).toEqual([2, 2]);
    await one.close();
    await two.close();
    expect([await queues(), await subscriptions()]).toEqual([[], 0]);
  });

  it('is removed by others an hour after its process has ended without it', async () => {
    await begin(open(() => Date.now() - 3_700_000));
    const [dead] = await queues();
    const living = open();
    await begin(living);
    const left = await queues();
    expect([left.length, left.includes(dead!), await subscriptions()]).toEqual([1, false, 1]);
    await living.close();
  });

  it('is made again where somebody has removed it, and tells of a gap', async () => {
    const source = open();
    expect((await begin(source)).isGap).toBe(false);
    for (const url of await queues()) await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
    const broken = async () => {
      for await (const batch of source.read({ types: [], signal: new AbortController().signal }))
        if (batch.isIdle === true) return;
    };
    await expect(broken()).rejects.toThrow();
    expect((await begin(source)).isGap).toBe(true);
    await source.close();
  });
});
