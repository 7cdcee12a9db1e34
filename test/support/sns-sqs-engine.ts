import { pino } from 'pino';
import { type DomainEvent } from '../../kit/events/event';
import { openSnsSqsChannel, type SnsSqsChannel } from '../../kit/events/channels/sns-sqs-channel';
import { openAwsClients } from '../../kit/events/channels/aws-clients';
import { groupOf } from '../../kit/events/channels/sns-publisher';
import { type ChannelEngine } from './channels';
import { type Moto, sayWithoutMoto, skippedWithoutMoto, startMoto } from './moto';

sayWithoutMoto('the tests of events over SNS and SQS');

/** SNS and SQS, for which moto stands in: quick enough for tests, where AWS waits for minutes. */
export const snsSqsEngine: ChannelEngine = {
  name: 'sns-sqs',
  skipped: skippedWithoutMoto,

  rounds: 2,

  async start() {
    const moto = await startMoto();
    const publisher = await open(moto.config, { create: true });
    const { sns, destroy } = await openAwsClients(moto.config);
    return {
      settings: moto.config,
      publish: (...events) => publisher.publish(events),
      expect: async (consumer, selection) =>
        publisher.prepare({ publishes: false, consumers: { [consumer]: selection } }),
      async sendText(text, { source, subject }) {
        const { TopicArn } = await sns.createTopic({
          Name: `${source}-events.fifo`,
          Attributes: { FifoTopic: 'true' },
        });
        await sns.publish({
          TopicArn,
          Message: text,
          MessageGroupId: groupOf({ source, subject } as DomainEvent),
          MessageDeduplicationId: `text-${performance.now()}`,
          MessageAttributes: { type: { DataType: 'String', StringValue: 'OrderPlaced' } },
        });
      },
      async stop() {
        publisher.close();
        destroy();
        await moto.stop();
      },
    };
  },

  async open(settings) {
    const channel = await open(settings as Moto['config']);
    return { channel, close: async () => channel.close() };
  },
};

const open = (aws: Moto['config'], more: object = {}): Promise<SnsSqsChannel> =>
  openSnsSqsChannel({
    subgraph: 'tested',
    log: pino({ level: 'silent' }),
    aws,
    ...{ wait: 1, visibility: 2, lookWait: 0 },
    ...more,
  });
