/**
 * What the subgraph history projects, and a consumer besides, for tests that kill processes. The consumer ends its
 * process at each order of the buyer `exit`.
 */
import { pino } from 'pino';
import { z } from 'zod';
import { orderHistory } from '../../subgraphs/history/order-history';
import { popularity } from '../../subgraphs/history/popularity';
import { defineConsumer, defineTable, openDatabase } from '../../kit';
import { atMost, missing } from '../../kit/table/condition';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { openSubgraphConsumers } from '../../kit/events/consumers/subgraph-consumers';

interface Note {
  readonly orderId: string;
  readonly last: number;
  /** The sequences of the order's events, as they came. */
  readonly sequences: readonly number[];
}
export const notesTable = defineTable<Note>()({ name: 'notes', partitionKey: 'orderId' });

const someData = { 1: z.object({ buyerId: z.string() }) };

export const noteOrder = defineConsumer({
  name: 'note-order',
  from: { orders: { OrderPlaced: someData, OrderStatusChanged: someData, OrderCancelled: someData } },
  // Where processes are killed at random, the same event may meet some of them.
  tries: Number(process.env['TRIES'] ?? 10),
  firstPause: 5,
  async handle({ subject, sequence, data }, { db }) {
    if (data.buyerId === 'exit') process.kill(process.pid, 'SIGKILL');
    await db.table(notesTable).update(
      { orderId: subject },
      {
        set: { last: sequence },
        append: { sequences: [sequence] },
        condition: [{ last: missing }, { last: atMost(sequence - 1) }],
        upsert: true,
      },
    );
  },
});

/** As their subgraph does. The tables must be there. Resolves with what stops them. */
async function runConsumers(endpoint: string, ordersUrl: string): Promise<() => Promise<void>> {
  const { client, stop } = await connectDynamoDB({ kind: 'endpoint', endpoint });
  const consumers = openSubgraphConsumers({
    subgraph: { name: 'history', consumers: [noteOrder], projections: [orderHistory, popularity] },
    db: openDatabase({ client }),
    client,
    seed: false,
    workflowsOf: () => undefined as never,
    options: { ordersUrl },
    linkKeys: undefined,
    log: pino({ level: 'silent' }),
  });
  await consumers.projections.prepare(new AbortController().signal);
  consumers.start('');
  return async () => {
    await consumers.stop();
    await stop();
  };
}

/** `ENDPOINT ORDERS_URL`: runs them until SIGTERM. */
export async function runConsumersProcess(): Promise<void> {
  const [endpoint = '', ordersUrl = ''] = process.argv.slice(2);
  const stop = await runConsumers(endpoint, ordersUrl);
  // As the server of a subgraph does. One that waits for a lease has only timers that let it end.
  setInterval(() => undefined, 60_000);
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void stop().then(() => process.exit(0)));
  process.stdout.write('ready\n');
}
