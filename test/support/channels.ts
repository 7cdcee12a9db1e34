import { pino } from 'pino';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { openDatabase, openEmbeddedDynamoDB } from '../../kit';
import { type Channel, type ConsumerSelection } from '../../kit/events/channels/channel';
import { consumersTable } from '../../kit/events/consumers/consumers-table';
import { type DomainEvent } from '../../kit/events/event';
import { tableChannel } from '../../kit/events/channels/table-channel';
import { prepareTable } from '../../kit/serve/prepare';
import { openSnsSqsChannel } from '../../kit/events/channels/sns-sqs-channel';
import { startFakePublisher } from './fake-publisher';
import { snsSqsEngine } from './sns-sqs-engine';

/** What the contract suite of channels needs of an engine. */
export interface ChannelEngine {
  readonly name: string;
  /** Why the suite is not run here, such as a program that is missing. @default undefined: it is run */
  readonly skipped?: string | undefined;
  /** How many random plans of failures are tried. */
  readonly rounds: number;
  /** Starts what the channel needs, with the sources `orders` and `inventory`. */
  readonly start: () => Promise<ChannelBackend>;
  /** Opens the channel as a process does that is given `settings`, which went through JSON. */
  readonly open: (settings: unknown) => Promise<OpenChannel>;
}

export interface ChannelBackend {
  readonly settings: unknown;
  /** Publishes events as the relay of their source does: some may be published twice. */
  publish(...events: readonly DomainEvent[]): Promise<void>;
  /** Sends a text as an event of the source and subject, past all checks. */
  sendText(text: string, of: Pick<DomainEvent, 'source' | 'subject'>): Promise<void>;
  /** The channel keeps what a consumer selects from now on, if it keeps nothing for consumers that it does not know. */
  expect(consumer: string, selection: ConsumerSelection): Promise<void>;
  stop(): Promise<void>;
}

export interface OpenChannel {
  readonly channel: Channel;
  readonly close: () => Promise<void>;
}

interface TableSettings {
  readonly endpoint: string;
  readonly urls: Readonly<Record<string, string>>;
}

const table = consumersTable('tested');

const tableEngine: ChannelEngine = {
  name: 'table',
  rounds: 5,

  async start() {
    const dynamodb = await openEmbeddedDynamoDB();
    const { client, stop } = await connectDynamoDB({ kind: 'endpoint', endpoint: dynamodb.endpoint });
    await prepareTable(table, { db: openDatabase({ client }), client, seed: false });
    const publishers = { orders: await startFakePublisher(), inventory: await startFakePublisher() };
    type Source = keyof typeof publishers;
    const { orders, inventory } = publishers;
    return {
      settings: { endpoint: dynamodb.endpoint, urls: { orders: orders.url, inventory: inventory.url } },
      async publish(...events) {
        for (const event of events) publishers[event.source as Source].push(event);
      },
      async sendText(text, { source }) {
        publishers[source as Source].pushText(text);
      },
      // The log has all that was ever published.
      expect: async () => undefined,
      async stop() {
        await Promise.all([orders.stop(), inventory.stop()]);
        await stop();
        await dynamodb.stop();
      },
    };
  },

  async open(settings) {
    const { endpoint, urls } = settings as TableSettings;
    const { client, stop } = await connectDynamoDB({ kind: 'endpoint', endpoint });
    const channel = tableChannel({
      db: openDatabase({ client }),
      table,
      publisher: (source) => ({ url: urls[source]!, headers: () => ({}) }),
      log: pino({ level: 'silent' }),
      lease: 600,
    });
    return { channel, close: stop };
  },
};

/** Every engine of channels. */
export const channelEngines: readonly ChannelEngine[] = [tableEngine, snsSqsEngine];

/** The implementations, for `every-implementation.test.ts`. */
export const channels = [tableChannel, openSnsSqsChannel];
