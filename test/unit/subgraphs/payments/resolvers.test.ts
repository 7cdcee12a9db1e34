import { type Identity } from '../../../../kit';
import { createLoaders } from '../../../../subgraphs/payments/loaders';
import { resolvers, type Context } from '../../../../subgraphs/payments/resolvers';
import { paymentsTable } from '../../../../subgraphs/payments/table';
import { openTestDatabase } from '../../../support/subgraph-kit';

type PaymentOf = (order: { id: string }, args: object, context: Partial<Context>) => Promise<unknown>;
const { payment: paymentOf } = resolvers['Order'] as unknown as { payment: PaymentOf };

let database: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  database = await openTestDatabase(paymentsTable);
  const payments = database.db.table(paymentsTable);
  await payments.create({ orderId: 'o1', payerId: 'u1', amount: 1250, status: 'TAKEN' });
  await payments.create({ orderId: 'refunded-first', status: 'REFUNDED' });
});
afterAll(() => database.stop());

it.each<[string, Identity | null, string, string | null]>([
  ['who pays', { id: 'u1' }, 'o1', 'TAKEN'],
  ['support staff', { id: 'u9', scopes: ['support'] }, 'o1', 'TAKEN'],
  ['another user', { id: 'u2' }, 'o1', null],
  ['a user with another scope', { id: 'u2', scopes: ['shop'] }, 'o1', null],
  ['nobody', null, 'o1', null],
  ['a user, for a refund that nobody had paid', { id: 'u1' }, 'refunded-first', null],
])('shows the payment of an order to %s, or null', async (_, identity, id, status) => {
  const payment = await paymentOf({ id }, {}, { identity, loaders: createLoaders(database.db) });
  expect(payment).toEqual(status === null ? null : expect.objectContaining({ orderId: id, status }));
});
