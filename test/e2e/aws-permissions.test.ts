/** What the documentation says of the resources and permissions on AWS. Over 300 lines: each role sends all of its calls. */
import { S3 } from '@aws-sdk/client-s3';
import { SFN } from '@aws-sdk/client-sfn';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { type DomainEvent, openSnsSqsChannel, type Subscription } from '../../kit';
import { archiveEvents } from '../../gateway/events/archive/archive';
import { readS3Trail } from '../../gateway/events/archive/archive-bucket';
import { type DomainEventSource } from '../../gateway/events/source';
import { sqsEvents } from '../../gateway/events/sources/sqs';
import { readStart } from '../../kit/workflows/engine';
import { openStepFunctionsEngine } from '../../kit/workflows/step-functions-engine';
import { differencesOf, policiesOf, type Policy, recordAwsCalls } from '../support/aws-policies';
import { readTemplate } from '../support/cloudformation';
import { deploy } from '../support/deploy';
import { examplesOf } from '../support/documentation';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../support/moto';
import { startFakePublisher } from '../support/fake-publisher';
import { eventually } from '../support/process';
import { define, taskState } from '../support/workflows';
import { orderPlaced } from '../support/order-events';

sayWithoutMoto('the tests of permissions on AWS');

const examples = examplesOf('docs/events-aws.md');
const selection = { orders: ['OrderPlaced', 'OrderCancelled'] };
const topic = 'arn:aws:sns:us-east-1:123456789012:{source}-events.fifo';

const eventOf = (subject: string, type = 'OrderPlaced'): DomainEvent =>
  orderPlaced({ id: `of ${subject}`, type, subject });

const [publisher, consumer, operator, creator, gateway] = policiesOf('docs/events-aws.md') as [
  ...[Policy, Policy, Policy, Policy, Policy],
];
const [, workflows] = policiesOf('docs/workflows.md') as [Policy, Policy];
const [archive] = policiesOf('docs/audit.md') as [Policy];
const exact = { refused: [], unused: [] };

let moto: Moto;
const before = { ...process.env };
beforeAll(async () => {
  if (motoPython === undefined) return;
  moto = await startMoto();
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  process.env = before;
  if (motoPython !== undefined) await moto.stop();
});

(motoPython === undefined ? describe.skip : describe)('with the resources of docs/events-aws.md', () => {
  beforeAll(async () => {
    const { text } = examples.find(({ file }) => file === 'template.yaml')!;
    await deploy(readTemplate(text), { aws: moto.config });
  });

  const open = (subgraph: string) =>
    openSnsSqsChannel({
      ...{ subgraph, topic, aws: moto.config, log: pino({ level: 'silent' }) },
      ...{ wait: 1, visibility: 1, lookWait: 0 },
    });

  it('a publisher and a consumer need the permissions of their policies, and no others', async () => {
    const calls = recordAwsCalls();
    const orders = await open('orders');
    await orders.prepare({ publishes: true, consumers: {} });
    await orders.publish([eventOf('a'), eventOf('b'), eventOf('poison'), eventOf('c', 'OrderShipped')]);
    orders.close();
    expect(differencesOf(publisher, calls())).toEqual(exact);

    const products = await open('products');
    await products.prepare({ publishes: false, consumers: { ratings: selection } });
    const subscription = products.subscribe('ratings', selection, { tries: 1 });
    expect(await handleAll(subscription, 3)).toEqual(['a', 'b', 'poison']);
    products.close();
    expect(differencesOf(consumer, calls())).toEqual(exact);

    const operated = await open('products');
    const { failures } = operated.subscribe('ratings', selection);
    const { failures: found } = await failures.list();
    expect(found).toMatchObject([{ reason: 'It is poison.', attempts: 1 }]);
    expect(await failures.retry(found[0]!.id)).toBe(true);
    expect(await failures.drop('nothing')).toBe(false);
    operated.close();
    expect(differencesOf(operator, calls())).toEqual(exact);
  });
});

(motoPython === undefined ? describe.skip : describe)('without resources', () => {
  beforeAll(async () => {
    await moto.reset();
    await moto.configure({ stepfunctions: { execute_state_machine: true } });
  });

  it('a subgraph that creates what it needs has to have those of one more policy', async () => {
    const calls = recordAwsCalls();
    const channel = await openSnsSqsChannel({
      ...{ subgraph: 'products', create: true, aws: moto.config, log: pino({ level: 'silent' }) },
    });
    await channel.prepare({ publishes: true, consumers: { ratings: selection } });
    channel.close();
    const made = calls();
    expect(differencesOf([...consumer, ...creator], made).refused).toEqual([]);
    expect(differencesOf(creator, made).unused).toEqual([]);
  });

  it('a gateway that reads a topic needs the permissions of its policy, and no others', async () => {
    const sns = new SNS(moto.config);
    const Attributes = { FifoTopic: 'true', ContentBasedDeduplication: 'true' };
    const { TopicArn: events = '' } = await sns.createTopic({ Name: 'shop-events.fifo', Attributes });
    const calls = recordAwsCalls();
    let now = Date.now();
    const openSource = () =>
      sqsEvents({
        ...{ topic: events, prefix: 'weir-events', retention: 60_000, endpoint: moto.url, wait: 0 },
        now: () => now,
      });
    await readOnce(openSource());
    // The queue of a gateway that was killed is removed by one that starts two hours later.
    now += 7_200_000;
    const source = openSource();
    let batches = 0;
    const stopping = new AbortController();
    for await (const batch of source.read({ types: [], signal: stopping.signal })) {
      if (batch.events.length > 0) stopping.abort();
      if (batches++ > 0) continue;
      await sns.publish({
        TopicArn: events,
        Message: '{}',
        MessageGroupId: 'g',
        MessageDeduplicationId: 'd',
      });
      now += 3_600_000;
    }
    await source.close();
    sns.destroy();
    // The test has published.
    const made = calls().filter(({ action }) => action !== 'sns:Publish');
    expect(differencesOf(gateway, made)).toEqual(exact);
  });

  it('an archive of events in S3 needs the permissions of its policy, and no others', async () => {
    const s3 = new S3({ ...moto.config, forcePathStyle: true });
    await s3.createBucket({ Bucket: 'shop-archive' });
    s3.destroy();
    const publisher = await startFakePublisher();
    publisher.push(eventOf('a'));
    const calls = recordAwsCalls();
    const trail = `s3://shop-archive/events/orders?region=us-east-1&endpoint=${encodeURIComponent(moto.url)}`;
    const lines: string[] = [];
    // The second time, it goes on where the trail ends.
    for (let time = 0; time < 2; time++) {
      const stopping = new AbortController();
      const url = new URL('graphql', publisher.url).href;
      const ended = archiveEvents({
        ...{ source: 'orders', url, trail, signal: stopping.signal },
        onChange: () => undefined,
      });
      await eventually(async () => {
        lines.length = 0;
        for await (const part of readS3Trail(trail)) lines.push(...part.lines);
        return lines.length === time + 1;
      });
      publisher.push({ ...eventOf('a'), id: 'second', sequence: 2 });
      stopping.abort();
      await ended;
    }
    await publisher.stop();
    expect(differencesOf(archive, calls())).toEqual(exact);
  });

  it('a subgraph with workflows in Step Functions needs the permissions of its policy, and no others', async () => {
    const [sfn, sqs] = [new SFN(moto.config), new SQS(moto.config)];
    const { QueueUrl: taskQueue = '' } = await sqs.createQueue({ QueueName: 'orders-tasks' });
    const definition = define({ Take: taskState('take', { End: true }) }, 'greeting');
    await sfn.createStateMachine({
      name: 'shop-greeting',
      definition: definition.text.replaceAll('${TaskQueueUrl}', taskQueue),
      roleArn: 'arn:aws:iam::123456789012:role/workflows',
    });
    for (const client of [sfn, sqs]) client.destroy();
    const calls = recordAwsCalls();
    const definitions = new Map([[definition.name, definition]]);
    const engine = await openStepFunctionsEngine({
      stateMachines: 'arn:aws:states:us-east-1:123456789012:stateMachine:shop-',
      ...{ taskQueue, definitions, pollsTasks: true, wait: 1, visibility: 1 },
      ...{ aws: moto.config, log: pino({ level: 'silent' }) },
      async runTask({ input }) {
        // Longer than a message is hidden.
        await new Promise((resolve) => setTimeout(resolve, 500));
        const { fails } = input as { fails: boolean };
        return fails ? { failure: { error: 'NO', cause: 'No.' } } : { output: {} };
      },
    });
    const start = (id: string, input: object) =>
      engine.start(readStart(definitions, { workflow: 'greeting', id }, input, { correlationid: 'r1' }));
    for (const [id, fails] of [
      ['good', false],
      ['bad', true],
    ] as const) {
      await start(id, { fails });
      await eventually(async () => {
        const found = await engine.wait({ workflow: 'greeting', id }, 5000);
        return found?.status === (fails ? 'FAILED' : 'SUCCEEDED');
      });
    }
    await engine.history({ workflow: 'greeting', id: 'good' });
    await engine.list('FAILED', 10);
    // moto has no such call.
    await expect(engine.retry({ workflow: 'greeting', id: 'bad' })).rejects.toThrow();
    await engine.stop();
    expect(differencesOf(workflows, calls())).toEqual(exact);
  });
});

/** Opens a source of the gateway, and leaves it as a process does that is killed. */
async function readOnce(source: DomainEventSource): Promise<void> {
  const stopping = new AbortController();
  for await (const batch of source.read({ types: [], signal: stopping.signal })) {
    expect(batch.events).toEqual([]);
    stopping.abort();
  }
}

/** Handles some events, one of them in vain and one for longer than its message is hidden, and stops. */
async function handleAll(subscription: Subscription, count: number): Promise<string[]> {
  const subjects: string[] = [];
  const stopping = new AbortController();
  for await (const delivery of subscription.receive(stopping.signal)) {
    const { subject } = delivery.event;
    if (subject === 'poison') await subscription.failed(delivery, 'It is poison.');
    else {
      if (subject === 'a') await new Promise((resolve) => setTimeout(resolve, 500));
      await subscription.done(delivery);
    }
    if (subjects.push(subject) === count) stopping.abort();
  }
  await subscription.stop();
  return subjects.sort();
}
