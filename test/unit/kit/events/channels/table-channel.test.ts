/** What the contract of channels does not have: a consumer of the engine `table` that stops while its store fails. */
import { pino } from 'pino';
import { openDatabase } from '../../../../../kit';
import {
  consumersTable,
  failedKey,
  type ConsumerState,
} from '../../../../../kit/events/consumers/consumers-table';
import { tableChannel } from '../../../../../kit/events/channels/table-channel';
import { startFakePublisher } from '../../../../support/fake-publisher';
import { orderPlaced } from '../../../../support/order-events';
import { eventually } from '../../../../support/process';
import { openTestDatabase } from '../../../../support/subgraph-kit';

const table = consumersTable('tested');
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let publisher: Awaited<ReturnType<typeof startFakePublisher>>;
beforeAll(async () => {
  database = await openTestDatabase(table);
  publisher = await startFakePublisher();
});
afterAll(async () => {
  await publisher.stop();
  await database.stop();
});

/** A subscription whose failure queue cannot be written while `fails`, with the lines that it logs. */
function subscribe(consumer: string) {
  const store = { fails: false };
  const { client } = database;
  const failing = {
    send(command: { readonly input: { readonly Item?: { readonly item?: string } } }) {
      const isFailure = command.input.Item?.item?.startsWith(failedKey('')) === true;
      return isFailure && store.fails
        ? Promise.reject(new Error('The store is away.'))
        : client.send(command as never);
    },
  };
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const channel = tableChannel({
    db: openDatabase({ client: failing as unknown as typeof client }),
    table,
    publisher: () => ({ url: publisher.url, headers: () => ({}) }),
    log: pino({}, { write }),
  });
  return {
    store,
    lines,
    subscription: channel.subscribe(consumer, { orders: ['OrderPlaced'] }, { tries: 1 }),
  };
}
const failuresOf = (consumer: string) =>
  database.db.table(table).query({ partition: consumer, sort: { beginsWith: failedKey('') } });
const isAway = ({ lines }: ReturnType<typeof subscribe>) =>
  eventually(() => lines.some(({ msg }) => msg === 'the store of the consumer failed'));

it('stops while an event that has failed cannot be noted, and delivers it again', async () => {
  const first = subscribe('failing');
  first.store.fails = true;
  publisher.push(orderPlaced({ id: 'failing', subject: 'failing', traceparent }));
  const stopping = new AbortController();
  const deliveries = first.subscription.receive(stopping.signal)[Symbol.asyncIterator]();
  const { value: delivery } = await deliveries.next();
  const failed = first.subscription.failed(delivery, 'It is poison.');
  const next = deliveries.next();
  await isAway(first);
  stopping.abort();
  await next;
  await failed;
  await first.subscription.stop();

  const second = subscribe('failing');
  const again = second.subscription.receive(new AbortController().signal)[Symbol.asyncIterator]();
  const { value: repeated } = await again.next();
  expect(repeated).toMatchObject({ event: { id: 'failing' } });
  await second.subscription.failed(repeated, 'It is poison.');
  expect(await failuresOf('failing')).toHaveLength(1);
  expect(second.lines.find(({ msg }) => msg === 'an event is in the failure queue')).toMatchObject({
    ...{ reason: 'It is poison.', requestId: 'request-1', traceId: '0af7651916cd43dd8448eb211c80319c' },
  });
  await second.subscription.stop();
});

it('stops while an event that cannot be read cannot be noted, and does not pass it', async () => {
  const first = subscribe('unreadable');
  first.store.fails = true;
  publisher.pushText('{}');
  const stopping = new AbortController();
  const received = (async () => {
    for await (const delivery of first.subscription.receive(stopping.signal))
      await first.subscription.done(delivery);
  })();
  await isAway(first);
  stopping.abort();
  await received;
  await first.subscription.stop();
  expect(await failuresOf('unreadable')).toEqual([]);

  const second = subscribe('unreadable');
  const reading = second.subscription.receive(new AbortController().signal)[Symbol.asyncIterator]();
  void reading.next();
  await eventually(async () => (await failuresOf('unreadable')).length === 1);
  await second.subscription.stop();
  const state = await database.db.table(table).get({ consumer: 'unreadable', item: 'state' });
  expect((state as ConsumerState).lease).toBe(0);
});
