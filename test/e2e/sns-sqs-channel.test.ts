/** Events over SNS and SQS, against moto. Over 300 lines: each setting, and each fault of either service. */
import { SNS } from '@aws-sdk/client-sns';
import { SQS, SQSClient } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { z } from 'zod';
import {
  defineConsumer,
  defineEvent,
  defineSubgraph,
  defineTable,
  type Delivery,
  type DomainEvent,
  openSnsSqsChannel,
  type SnsSqsChannelOptions,
  startSubgraph,
  type WithOutbox,
} from '../../kit';
import { writeEvent } from '../../kit/events/event';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../support/moto';
import { eventually } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';
import { orderPlaced } from '../support/order-events';

sayWithoutMoto('the tests of SNS and SQS');

const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
const traceHeader = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
const selection = { orders: ['OrderPlaced'] };
const folder = temporaryFolder();
const schema = folder.write('schema.graphql', 'type Query { one: Int }');
afterAll(() => folder.remove());

interface Note extends WithOutbox {
  readonly id: string;
  readonly text: string;
}

let count = 0;
const eventOf = (changes: Partial<DomainEvent> = {}): DomainEvent =>
  orderPlaced({ id: `e${++count}`, subject: `o${count}`, ...changes });

(motoPython === undefined ? describe.skip : describe)('the channel over SNS and SQS', () => {
  let moto: Moto;
  let sns: SNS;
  let sqs: SQS;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    moto = await startMoto();
    sns = new SNS(moto.config);
    sqs = new SQS(moto.config);
  });
  beforeEach(() => moto.reset());
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(async () => {
    sns.destroy();
    sqs.destroy();
    await moto.stop();
  });

  async function open(subgraph: string, more: Partial<SnsSqsChannelOptions> = {}) {
    const log = pino({ level: 'silent' });
    const times = { wait: 1, visibility: 2, lookWait: 0 };
    const channel = await openSnsSqsChannel({ subgraph, log, aws: moto.config, ...times, ...more });
    ends.push(() => channel.close());
    return channel;
  }

  /** Opens the consumer `ratings` of the subgraph `products`, with its resources. */
  async function consume(
    handle: (event: DomainEvent) => Promise<void> | void = () => undefined,
    more: Partial<SnsSqsChannelOptions> = {},
  ) {
    const channel = await open('products', { create: true, ...more });
    await channel.prepare({ publishes: false, consumers: { ratings: selection } });
    const subscription = channel.subscribe('ratings', selection, { firstPause: 5 });
    const received: DomainEvent[] = [];
    const retried: DomainEvent[] = [];
    const stopping = new AbortController();
    const handleOne = async (delivery: Delivery) => {
      received.push(delivery.event);
      if ('isRetry' in delivery && delivery.isRetry) retried.push(delivery.event);
      try {
        await handle(delivery.event);
        await subscription.done(delivery);
      } catch (error) {
        await subscription.failed(delivery, (error as Error).message, { isFinal: true });
      }
    };
    const loop = (async () => {
      const running: Promise<void>[] = [];
      for await (const delivery of subscription.receive(stopping.signal)) running.push(handleOne(delivery));
      await Promise.all(running);
    })();
    ends.push(async () => {
      stopping.abort();
      await loop;
      await subscription.stop();
    });
    return { received, retried, failures: subscription.failures };
  }

  const urlOf = async (QueueName: string) => (await sqs.getQueueUrl({ QueueName })).QueueUrl!;
  const ofSubject = (events: readonly DomainEvent[], subject: string) =>
    events.filter((each) => each.subject === subject);

  it('finds what it needs by its ARN or name, and creates nothing without being told to', async () => {
    const missing = await open('products');
    const all = { publishes: true, consumers: { ratings: selection } };
    await expect(missing.prepare(all)).rejects.toThrow(
      'There is no SNS topic "products-events.fifo". Create it, or name another one with --events-topic; docs/events-aws.md has a template.',
    );
    await expect(missing.prepare({ ...all, publishes: false })).rejects.toThrow(
      'There is no SQS queue "products-ratings.fifo" for the consumer "ratings". Create it, or name another one with --events-queue; docs/events-aws.md has a template.',
    );
    expect((await sqs.listQueues({})).QueueUrls ?? []).toEqual([]);
    expect((await sns.listTopics({})).Topics).toEqual([]);

    await (await open('products', { create: true })).prepare(all);
    await missing.prepare(all);
    const account = '123456789012';
    const byArn = await open('products', {
      topic: `arn:aws:sns:us-east-1:${account}:{source}-events.fifo`,
      queue: `arn:aws:sqs:us-east-1:${account}:{subgraph}-{consumer}.fifo`,
    });
    await byArn.prepare(all);
    const elsewhere = await open('products', { topic: `arn:aws:sns:us-east-1:${account}:other.fifo` });
    await expect(elsewhere.prepare(all)).rejects.toThrow(
      `There is no SNS topic "arn:aws:sns:us-east-1:${account}:other.fifo".`,
    );
  });

  it.each([
    ['is not FIFO', 'plain', {}, 'must be a FIFO queue, to keep events in their order.'],
    [
      'has no failure queue',
      'plain.fifo',
      { FifoQueue: 'true' },
      'must have a redrive policy, which names its failure queue.',
    ],
  ])('refuses a queue that %s', async (_, QueueName, Attributes, reason) => {
    await sqs.createQueue({ QueueName, Attributes });
    const channel = await open('products', { queue: QueueName });
    await expect(channel.prepare({ publishes: false, consumers: { ratings: selection } })).rejects.toThrow(
      `The SQS queue "${QueueName}" of the consumer "ratings" ${reason}`,
    );
  });

  it('connects the subgraphs that choose it, which do not start where a resource is missing', async () => {
    const NoteWritten = defineEvent({ type: 'NoteWritten', data: z.object({ text: z.string() }) });
    const table = defineTable<Note>()({ name: 'notes', partitionKey: 'id', outbox: true });
    const notes = defineSubgraph({ name: 'notes', schema, resolvers: {}, tables: [table] });
    const heard: unknown[] = [];
    const copy = defineConsumer({
      name: 'copy',
      from: { notes: { NoteWritten: { 1: NoteWritten.data } } },
      handle: async (event) => void heard.push(event),
    });
    const options = { notesUrl: { description: 'notes', default: 'http://127.0.0.1:1/graphql' } };
    const copies = defineSubgraph({ name: 'copies', schema, resolvers: {}, consumers: [copy], options });
    const settings = {
      port: 0,
      logLevel: 'silent',
      events: { channel: 'sns-sqs', aws: moto.config },
    } as const;
    await expect(startSubgraph(notes, settings)).rejects.toThrow(
      /^There is no SNS topic "notes-events.fifo"\./,
    );
    await expect(startSubgraph(copies, settings)).rejects.toThrow(
      /^There is no SQS queue "copies-copy.fifo"/,
    );
    const away = { ...moto.config, endpoint: 'http://127.0.0.1:1' };
    await expect(
      startSubgraph(copies, { ...settings, events: { channel: 'sns-sqs', aws: away } }),
    ).rejects.toThrow(/^The SQS queue "copies-copy.fifo" cannot be used: .*ECONNREFUSED/);

    const events = { ...settings.events, create: true };
    const consumer = await startSubgraph(copies, { ...settings, events });
    const publisher = await startSubgraph(notes, { ...settings, events });
    ends.push(consumer.stop, publisher.stop);
    const item = { id: 'n1', text: 'hello' };
    await publisher.db.table(table).create(item, { events: [NoteWritten.create({ text: 'hello' })] });
    await eventually(() => heard.length === 1);
    expect(heard[0]).toMatchObject({ source: 'notes', subject: 'n1', sequence: 1, data: { text: 'hello' } });
  });

  it('delivers the types that a consumer wants only', async () => {
    const { received } = await consume();
    const publisher = await open('orders');
    await publisher.publish([eventOf({ type: 'OrderShipped' }), eventOf({ subject: 'wanted' })]);
    await eventually(() => received.length > 0);
    expect(received.map(({ subject }) => subject)).toEqual(['wanted']);
    const { Attributes } = await sqs.getQueueAttributes({
      QueueUrl: await urlOf('products-ratings.fifo'),
      AttributeNames: ['All'],
    });
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '0' });
  });

  it('carries the largest events that may be written, though all their characters are escaped', async () => {
    const { received } = await consume();
    const largest = (subject: string) => {
      // Half of them: each is two characters in JSON.
      const text = writeEvent(
        { type: 'OrderPlaced', dataversion: 1, data: '"'.repeat(102_000) },
        subject,
        undefined,
      );
      return { ...eventOf({ subject }), ...(JSON.parse(text) as Partial<DomainEvent>) };
    };
    const events = [largest('a'), largest('a'), largest('b'), largest('ü')];
    await (await open('orders')).publish(events);
    await eventually(() => received.length === 4);
    for (const subject of ['a', 'b', 'ü'])
      expect(ofSubject(received, subject)).toEqual(ofSubject(events, subject));
  });

  it('reads an event in the envelope of SNS, and the trace of AWS X-Ray where it has no other', async () => {
    const { received } = await consume();
    const QueueUrl = await urlOf('products-ratings.fifo');
    const [plain, enveloped] = [eventOf({ traceparent }), eventOf()];
    const send = (MessageBody: string, id: string) =>
      sqs.sendMessage({
        QueueUrl,
        MessageBody,
        MessageGroupId: id,
        MessageDeduplicationId: id,
        MessageSystemAttributes: {
          AWSTraceHeader: { DataType: 'String', StringValue: traceHeader.replace('5759', '9999') },
        },
      });
    await send(JSON.stringify(plain), 'plain');
    await send(
      JSON.stringify({ Type: 'Notification', MessageId: 'm', Message: JSON.stringify(enveloped) }),
      'enveloped',
    );
    await eventually(() => received.length === 2);
    expect(received).toContainEqual(plain);
    expect(received).toContainEqual({ ...enveloped, traceparent: traceparent.replace('5759', '9999') });
  });

  it('keeps an event from other processes for as long as it is handled', async () => {
    let finish: () => void = () => undefined;
    const isOver = new Promise<void>((resolve) => (finish = resolve));
    const one = await consume(() => isOver);
    const event = eventOf();
    await (await open('orders')).publish([event]);
    await eventually(() => one.received.length === 1);
    const other = await consume(() => isOver);
    // Longer than a message is hidden.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    finish();
    await eventually(async () => {
      const names = ['ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessages'] as const;
      const QueueUrl = await urlOf('products-ratings.fifo');
      const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: [...names] });
      return names.every((name) => Attributes![name] === '0');
    });
    expect([one.received, other.received]).toEqual([[event], []]);
  });

  it('loses nothing and keeps the order while SQS throttles, and credentials have expired', async () => {
    const send = jest.spyOn(SQSClient.prototype, 'send') as unknown as jest.SpyInstance<
      Promise<unknown>,
      [unknown]
    >;
    const names = ['ThrottlingException', 'ExpiredToken'];
    let failures = 0;
    const events = Array.from({ length: 4 }, (_, i) => eventOf({ subject: 'o', sequence: i + 1 }));
    const { received } = await consume(() => {
      if (failures++ < 3)
        send.mockRejectedValueOnce(Object.assign(new Error('no'), { name: names[failures % 2] }));
    });
    await (await open('orders')).publish(events);
    await eventually(() => new Set(received.map(({ id }) => id)).size === 4, 15_000);
    const ids = received.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) === i)).toEqual(events.map(({ id }) => id));
  });

  it('puts an event into the failure queue that has ended each process, and delivers the next one', async () => {
    const channel = await open('products', { create: true });
    await channel.prepare({ publishes: false, consumers: { ratings: selection } });
    const [poison, next] = [eventOf({ subject: 'o', traceparent }), eventOf({ subject: 'o', sequence: 2 })];
    await (await open('orders')).publish([poison, next]);
    const QueueUrl = await urlOf('products-ratings.fifo');
    for (let death = 0; death < 10; death++) {
      const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
      const Entries = Messages!.map(({ ReceiptHandle }, i) => ({
        Id: String(i),
        ReceiptHandle,
        VisibilityTimeout: 0,
      }));
      await sqs.changeMessageVisibilityBatch({ QueueUrl, Entries });
    }
    const { received, retried, failures } = await consume();
    await eventually(() => received.length === 1);
    expect(received).toEqual([next]);
    const [failure] = (await failures.list()).failures;
    expect(failure).toMatchObject({
      reason: 'It was delivered 11 times, and each process ended or lost it.',
      attempts: 11,
      text: JSON.stringify(poison),
    });
    const { Messages } = await sqs.receiveMessage({
      QueueUrl: await urlOf('products-ratings-failures.fifo'),
      MessageSystemAttributeNames: ['AWSTraceHeader'],
      VisibilityTimeout: 0,
    });
    expect(Messages![0]!.Attributes).toMatchObject({ AWSTraceHeader: traceHeader });
    await failures.retry(failure!.id);
    await eventually(() => received.length === 2);
    expect(received[1]).toEqual(poison);
    expect(retried).toEqual([poison]);
  });

  it('lists what SQS has moved to the failure queue by itself, and more failures than one answer holds', async () => {
    const { failures } = await consume();
    const QueueUrl = await urlOf('products-ratings-failures.fifo');
    const events = Array.from({ length: 25 }, (_, i) => eventOf({ subject: 'o', sequence: i + 1 }));
    for (const some of [events.slice(0, 10), events.slice(10, 20), events.slice(20)])
      await sqs.sendMessageBatch({
        QueueUrl,
        Entries: some.map((event) => ({
          Id: event.id,
          MessageBody: JSON.stringify(event),
          MessageGroupId: event.id,
          MessageDeduplicationId: event.id,
        })),
      });
    const { failures: all } = await failures.list();
    expect(
      all
        .map(({ text }) => JSON.parse(text) as DomainEvent)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(events.map(({ id }) => id).sort());
    expect(all[0]!.reason).toBe('SQS has delivered it too often, and no process has dealt with it.');
    const first = await failures.list({ limit: 3 });
    const rest = await failures.list({ after: first.next });
    // Each look counts as a try of what SQS has moved there.
    const idsOf = (failures: readonly { id: string }[]) => failures.map(({ id }) => id);
    expect(idsOf([...first.failures, ...rest.failures])).toEqual(idsOf(all));
    expect([first.failures.length, rest.next]).toEqual([3, undefined]);
    expect(await failures.drop(all[20]!.id)).toBe(true);
    expect((await failures.list()).failures).toHaveLength(24);
  });
});
