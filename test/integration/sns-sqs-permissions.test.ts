/** What docs/events.md says of the resources and permissions on AWS. */
import { SNS, SNSClient } from '@aws-sdk/client-sns';
import { SQS, SQSClient } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { type DomainEvent, openSnsSqsChannel, type Subscription } from '../../subgraphs/kit';
import { namesIn, readTemplate, type Resource } from '../support/cloudformation';
import { examplesOf } from '../support/documentation';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../support/moto';

sayWithoutMoto('the tests of permissions on SNS and SQS');

const examples = examplesOf('docs/events.md');
const selection = { orders: ['OrderPlaced', 'OrderCancelled'] };
const topic = 'arn:aws:sns:us-east-1:123456789012:{source}-events.fifo';

const eventOf = (subject: string, type = 'OrderPlaced'): DomainEvent => ({
  specversion: '1.0',
  id: `of ${subject}`,
  source: 'orders',
  type,
  dataversion: 1,
  subject,
  sequence: 1,
  time: '2026-01-01T00:00:00.000Z',
  data: null,
  correlationid: 'r1',
});

interface Policy {
  readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: string }[];
}

/** The permissions of the policies for subgraphs on the page, in its order, each as `ACTION RESOURCE`. */
const [publisher, consumer, operator] = examples
  .filter(({ text }) => text.includes('"Statement"') && !text.includes('weir-events-'))
  .map(({ text }) =>
    (JSON.parse(text) as Policy).Statement.flatMap(({ Action, Resource }) =>
      Action.map((action) => `${action} ${Resource.split(':').at(-1)!}`),
    ).sort(),
  );

(motoPython === undefined ? describe.skip : describe)('with the resources of docs/events.md', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
    await deploy(examples.find(({ file }) => file === 'template.yaml')!.text, moto);
  });
  afterAll(() => moto.stop());

  const open = (subgraph: string) =>
    openSnsSqsChannel({
      ...{ subgraph, topic, aws: moto.config, log: pino({ level: 'silent' }) },
      ...{ wait: 1, visibility: 1, lookWait: 0 },
    });

  it('a publisher and a consumer need the permissions of their policies, and no others', async () => {
    const calls = recordCalls();
    const orders = await open('orders');
    await orders.prepare({ publishes: true, consumers: {} });
    await orders.publish([eventOf('a'), eventOf('b'), eventOf('poison'), eventOf('c', 'OrderShipped')]);
    orders.close();
    expect(calls()).toEqual(publisher);

    const products = await open('products');
    await products.prepare({ publishes: false, consumers: { ratings: selection } });
    const subscription = products.subscribe('ratings', selection, { tries: 1 });
    expect(await handleAll(subscription, 3)).toEqual(['a', 'b', 'poison']);
    products.close();
    expect(calls()).toEqual(consumer);

    const operated = await open('products');
    const { failures } = operated.subscribe('ratings', selection);
    const found = await failures.list();
    expect(found).toMatchObject([{ reason: 'It is poison.', attempts: 1 }]);
    expect(await failures.retry(found[0]!.id)).toBe(true);
    expect(await failures.drop('nothing')).toBe(false);
    operated.close();
    expect(calls()).toEqual(operator);
  });
});

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

/** Records the calls of all clients. The function that it returns gives those since it was called last. */
function recordCalls(): () => string[] {
  let calls = new Set<string>();
  for (const [service, client] of [
    ['sns', SNSClient],
    ['sqs', SQSClient],
  ] as const) {
    const send = Reflect.get(client.prototype, 'send') as (...args: unknown[]) => unknown;
    jest.spyOn(client.prototype, 'send').mockImplementation(function (this: unknown, ...args: unknown[]) {
      const [command] = args as [{ constructor: { name: string }; input: Readonly<Record<string, string>> }];
      const { TopicArn, QueueUrl, QueueName } = command.input;
      // The permission of a call for several messages is the one for a single message.
      const action = command.constructor.name.replace(/(Batch)?Command$/, '');
      calls.add(`${service}:${action} ${QueueName ?? (TopicArn ?? QueueUrl)!.split(/[/:]/).at(-1)!}`);
      return send.apply(this, args);
    });
  }
  return () => {
    const seen = [...calls].sort();
    calls = new Set();
    return seen;
  };
}

/** Creates the resources of a template: those that others need come first. */
async function deploy(text: string, { config }: Moto): Promise<void> {
  const { Resources } = readTemplate(text);
  const [sns, sqs] = [new SNS(config), new SQS(config)];
  const created = new Map<string, { readonly ref: string; readonly arn: string }>();
  while (created.size < Object.keys(Resources).length) {
    const [name, resource] = Object.entries(Resources).find(
      ([each, { Properties }]) =>
        !created.has(each) && namesIn(Properties).every((other) => created.has(other)),
    )!;
    created.set(name, await create(resource));
  }
  sns.destroy();
  sqs.destroy();

  /** A value as the API takes it: a text, or JSON. */
  function attribute(value: unknown): string {
    const resolved = resolve(value);
    return typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
  }
  function resolve(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(resolve);
    const [[key, name]] = Object.entries(value) as [[string, string | string[]]];
    if (key === 'Ref') return created.get(name as string)!.ref;
    if (key === 'Fn::GetAtt') return created.get(name[0]!)!.arn;
    return Object.fromEntries(Object.entries(value).map(([each, inner]) => [each, resolve(inner)]));
  }
  async function create({ Type, Properties = {} }: Resource) {
    const { TopicName, QueueName, TopicArn, Protocol, Endpoint, Queues, PolicyDocument, ...others } =
      Properties;
    const Attributes = Object.fromEntries(
      Object.entries(others).map(([name, value]) => [name, attribute(value)]),
    );
    switch (Type) {
      case 'AWS::SNS::Topic': {
        const { TopicArn: arn = '' } = await sns.createTopic({ Name: TopicName as string, Attributes });
        return { ref: arn, arn };
      }
      case 'AWS::SQS::Queue': {
        const { QueueUrl = '' } = await sqs.createQueue({ QueueName: QueueName as string, Attributes });
        const { Attributes: read } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] });
        return { ref: QueueUrl, arn: read!['QueueArn']! };
      }
      case 'AWS::SNS::Subscription':
        await sns.subscribe({
          TopicArn: attribute(TopicArn),
          Protocol: attribute(Protocol),
          Endpoint: attribute(Endpoint),
          Attributes,
        });
        return { ref: '', arn: '' };
      case 'AWS::SQS::QueuePolicy':
        for (const QueueUrl of resolve(Queues) as string[])
          await sqs.setQueueAttributes({ QueueUrl, Attributes: { Policy: attribute(PolicyDocument) } });
        return { ref: '', arn: '' };
      default:
        throw new Error(`This test does not create ${Type}.`);
    }
  }
}
