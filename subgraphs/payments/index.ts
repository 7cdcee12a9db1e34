import { join } from 'node:path';
import { defineSubgraph, lambdaHandler, runWhenMain } from '../../kit';
import { chargesTable, fakeProvider } from './fake-provider';
import { createLoaders } from './loaders';
import { resolvers, type Context } from './resolvers';
import { paymentsTable } from './table';

/** Payments of orders, over a fake provider. */
export const payments = defineSubgraph({
  name: 'payments',
  port: 4007,
  schema: join(__dirname, 'schema.graphql'),
  tables: [paymentsTable, chargesTable],
  resolvers,
  context: ({ db, identity }): Context => {
    const [provider, loaders] = [fakeProvider(db), createLoaders(db)];
    return { db, identity, provider, loaders };
  },
});

export const handler = lambdaHandler(payments);
runWhenMain(module, payments);
