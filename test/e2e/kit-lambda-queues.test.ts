/** Consumers and tasks of workflows of a subgraph on AWS Lambda, with the queues of moto. */
import { readFileSync } from 'node:fs';
import { SFN } from '@aws-sdk/client-sfn';
import { SQS } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { z } from 'zod';
import {
  defineConsumer,
  defineEvent,
  defineSubgraph,
  defineTable,
  type DomainEvent,
  type EmbeddedDynamoDB,
  lambdaHandler,
  type LambdaHandler,
  openEmbeddedDynamoDB,
  openSnsSqsChannel,
  type SnsSqsChannel,
  type WithOutbox,
} from '../../kit';
import { invokeWithMessages } from '../support/lambda-mapping';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../support/moto';
import { eventually } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';
import { taskState } from '../support/workflows';
import { orderPlaced } from '../support/order-events';

sayWithoutMoto('the tests of consumers and workflows on Lambda');

const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
const selection = { orders: ['OrderPlaced'] };
const folder = temporaryFolder();
const schema = folder.write('schema.graphql', 'type Query { one: Int }');

interface Note extends WithOutbox {
  readonly id: string;
}
const notesTable = defineTable<Note>()({ name: 'notes', partitionKey: 'id', outbox: true });
const Noted = defineEvent({ type: 'Noted', data: z.object({}) });

/** What was handled, in its order. */
let handled: { readonly text: string; readonly attempt: number; readonly isRetry: boolean }[] = [];
const note = defineConsumer({
  name: 'note',
  from: { orders: { OrderPlaced: { 1: z.object({ text: z.string() }) } } },
  ...{ tries: 3, firstPause: 1 },
  async handle({ id, data: { text } }, { db, attempt, isRetry }) {
    handled.push({ text, attempt, isRetry });
    if (text.startsWith('poison')) throw new Error('It is poison.');
    if (text.startsWith('slow')) await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
    await db.table(notesTable).create({ id }, { events: [Noted.create({})] });
  },
});
const task = taskState('greet', { End: true });
const notes = defineSubgraph({
  name: 'notes',
  schema,
  resolvers: { Query: { one: () => 1 } },
  tables: [notesTable],
  consumers: [note],
  options: { ordersUrl: { description: 'orders', default: 'http://127.0.0.1:1/graphql' } },
  workflows: [
    {
      definition: folder.write(
        'greeting.asl.json',
        JSON.stringify({ StartAt: 'Greet', States: { Greet: task } }),
      ),
      tasks: {
        greet: ({ name }: { name: string }, { propagation, key }) => ({ hello: name, propagation, key }),
      },
    },
  ],
});

let count = 0;
const eventOf = (text: string, changes: Partial<DomainEvent> = {}): DomainEvent =>
  orderPlaced({ id: `e${++count}`, subject: `o${count}`, data: { text }, ...changes });

(motoPython === undefined ? describe.skip : describe)('a subgraph on Lambda', () => {
  const before = { ...process.env };
  let moto: Moto;
  let dynamodb: EmbeddedDynamoDB;
  let sqs: SQS;
  let orders: SnsSqsChannel;
  let handler: LambdaHandler;
  beforeAll(async () => {
    [moto, dynamodb] = await Promise.all([startMoto(), openEmbeddedDynamoDB()]);
    await moto.configure({ stepfunctions: { execute_state_machine: true } });
    sqs = new SQS(moto.config);
    const { QueueUrl } = await sqs.createQueue({ QueueName: 'notes-tasks' });
    Object.assign(process.env, {
      ...{ DYNAMODB_ENDPOINT: dynamodb.endpoint, LOG_LEVEL: 'silent', EVENTS_CHANNEL: 'sns-sqs' },
      ...{ AWS_ENDPOINT_URL: moto.url, AWS_REGION: moto.config.region },
      ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
      WEIR_TASK_QUEUE: QueueUrl,
      WEIR_STATE_MACHINES: 'arn:aws:states:us-east-1:123456789012:stateMachine:notes-',
    });
    const channelOf = (subgraph: string) =>
      openSnsSqsChannel({ subgraph, create: true, aws: moto.config, log: pino({ level: 'silent' }) });
    orders = await channelOf('orders');
    const own = await channelOf('notes');
    await own.prepare({ publishes: true, consumers: { note: selection } });
    const hearers = await channelOf('hearers');
    await hearers.prepare({ publishes: false, consumers: { hear: { notes: ['Noted'] } } });
    for (const each of [own, hearers]) each.close();
    handler = lambdaHandler(notes);
  });
  beforeEach(() => void (handled = []));
  afterAll(async () => {
    process.env = before;
    orders.close();
    sqs.destroy();
    folder.remove();
    await Promise.all([moto.stop(), dynamodb.stop()]);
  });

  const invoke = (time?: number) =>
    invokeWithMessages({ sqs, queue: 'notes-note.fifo', handler, ...(time !== undefined && { time }) });
  const queueOf = async (QueueName: string) => (await sqs.getQueueUrl({ QueueName })).QueueUrl!;
  const failuresOf = async () => {
    const channel = await openSnsSqsChannel({
      ...{ subgraph: 'notes', aws: moto.config, lookWait: 0, log: pino({ level: 'silent' }) },
    });
    const { failures } = channel.subscribe('note', selection);
    return { failures, found: (await failures.list()).failures, close: () => channel.close() };
  };
  const texts = () => handled.map(({ text }) => text);

  it('handles the events of a batch, those of a subject in their order, and answers requests besides', async () => {
    const of = (subject: string) =>
      [1, 2, 3].map((sequence) => eventOf(`${subject}${sequence}`, { subject, sequence }));
    await orders.publish([...of('a'), ...of('b')]);
    const answer = handler({ httpMethod: 'GET', path: '/graphql', queryStringParameters: {} }, {});
    while (texts().length < 6) expect(await invoke()).toEqual([]);
    for (const subject of ['a', 'b'])
      expect(texts().filter((text) => text.startsWith(subject))).toEqual(
        [1, 2, 3].map((sequence) => `${subject}${sequence}`),
      );
    expect(await answer).toMatchObject({ statusCode: 400 });
  });

  it('tries an event as often as its consumer says, and puts it into the failure queue then', async () => {
    await orders.publish([
      eventOf('poison', { subject: 'c', traceparent }),
      eventOf('next', { subject: 'c', sequence: 2 }),
      eventOf('unread', { subject: 'd', data: { other: 1 } }),
    ]);
    while (!texts().includes('next')) expect(await invoke()).toEqual([]);
    expect(handled.map(({ text, attempt }) => [text, attempt])).toEqual([
      ...[1, 2, 3].map((attempt) => ['poison', attempt]),
      ['next', 1],
    ]);
    const { failures, found, close } = await failuresOf();
    expect(found.map(({ reason, attempts }) => [reason, attempts]).sort()).toEqual([
      ['It is poison.', 3],
      [expect.stringContaining('The data of OrderPlaced is not as "note" needs it'), 1],
    ]);
    for (const { id, reason } of found)
      expect(await (reason === 'It is poison.' ? failures.retry(id) : failures.drop(id))).toBe(true);
    await invoke();
    expect(handled.at(-1)).toEqual({ text: 'poison', attempt: 3, isRetry: true });
    const { failures: again } = await failures.list();
    expect(again).toHaveLength(1);
    expect(await failures.drop(again[0]!.id)).toBe(true);
    close();
  });

  it('gives back what its time was too short for, and what is behind it in its group', async () => {
    const [slow, behind, other] = [
      eventOf('slow', { subject: 'e' }),
      eventOf('behind', { subject: 'e', sequence: 2 }),
      eventOf('other', { subject: 'f' }),
    ];
    await orders.publish([slow, behind, other]);
    const left: string[] = [];
    for (let i = 0; i < 5 && !(left.length >= 2 && texts().includes('other')); i++)
      left.push(...(await invoke(1300)));
    expect(left.slice(0, 2).map((text) => (JSON.parse(text) as DomainEvent).id)).toEqual([
      slow.id,
      behind.id,
    ]);
    expect(texts()).not.toContain('behind');
    const { found, close } = await failuresOf();
    expect(found).toEqual([]);
    close();
    await sqs.purgeQueue({ QueueUrl: await queueOf('notes-note.fifo') });
  });

  it('has published what a consumer wrote when it answers, with the request id and trace of the event', async () => {
    const published = await queueOf('hearers-hear.fifo');
    await sqs.purgeQueue({ QueueUrl: published });
    const [traced, traceless] = [
      eventOf('traced', { correlationid: 'r7', traceparent }),
      eventOf('traceless', { correlationid: 'r8' }),
    ];
    await orders.publish([traced]);
    await invoke();
    // SNS keeps the header of X-Ray, which moto does not: so the event is sent to the queue itself.
    await sqs.sendMessage({
      QueueUrl: await queueOf('notes-note.fifo'),
      MessageBody: JSON.stringify(traceless),
      ...{ MessageGroupId: 'g', MessageDeduplicationId: 'd' },
      MessageSystemAttributes: {
        AWSTraceHeader: {
          DataType: 'String',
          StringValue: 'Root=1-9999e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
        },
      },
    });
    await invoke();
    const events: DomainEvent[] = [];
    for (let i = 0; i < 3 && events.length < 2; i++) {
      const { Messages = [] } = await sqs.receiveMessage({ QueueUrl: published, MaxNumberOfMessages: 10 });
      events.push(...Messages.map(({ Body }) => JSON.parse(Body!) as DomainEvent));
    }
    expect(events.map((each) => [each.type, each.correlationid, each.traceparent])).toEqual([
      ['Noted', 'r7', traceparent],
      ['Noted', 'r8', traceparent.replace('5759', '9999')],
    ]);
  });

  it('runs the tasks of executions in Step Functions, and gives back those that it does not know', async () => {
    const sfn = new SFN(moto.config);
    const QueueUrl = await queueOf('notes-tasks');
    const { stateMachineArn } = await sfn.createStateMachine({
      name: 'notes-greeting',
      definition: readFileSync(notes.workflows![0]!.definition, 'utf8').replace('${TaskQueueUrl}', QueueUrl),
      roleArn: 'arn:aws:iam::123456789012:role/workflows',
    });
    const input = JSON.stringify({ name: 'Ada', trace: { correlationid: 'r9', traceparent } });
    const { executionArn } = await sfn.startExecution({ stateMachineArn, name: 'greeting.1', input });
    await eventually(async () => {
      const { Attributes } = await sqs.getQueueAttributes({
        QueueUrl,
        AttributeNames: ['ApproximateNumberOfMessages'],
      });
      return Attributes!['ApproximateNumberOfMessages'] === '1';
    });
    await sqs.sendMessage({ QueueUrl, MessageBody: '{"task":"other"}' });
    const left: string[] = [];
    for (let i = 0; i < 3 && left.length === 0; i++)
      left.push(...(await invokeWithMessages({ sqs, queue: 'notes-tasks', handler })));
    expect(left).toEqual(['{"task":"other"}']);
    let output: string | undefined;
    await eventually(async () => {
      ({ output } = await sfn.describeExecution({ executionArn }));
      return output !== undefined;
    });
    sfn.destroy();
    expect(JSON.parse(output!)).toEqual({
      hello: 'Ada',
      propagation: { 'x-request-id': 'r9', traceparent },
      key: 'greeting.1#Greet',
    });
  });

  it('refuses messages of a queue that is not its own', async () => {
    const record = { eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:other' };
    await expect(handler({ Records: [record] }, {})).rejects.toThrow(
      'The subgraph "notes" does not know the queue arn:aws:sqs:us-east-1:123456789012:other. A consumer\'s is found with EVENTS_CHANNEL=sns-sqs and EVENTS_QUEUE, that of workflows is WEIR_TASK_QUEUE.',
    );
  });
});
