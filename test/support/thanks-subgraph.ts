import { join } from 'node:path';
import { z } from 'zod';
import {
  defineConsumer,
  defineEvent,
  defineSubgraph,
  defineTable,
  lambdaHandler,
  type Resolvers,
  runWhenMain,
  type WithOutbox,
} from '../../kit';

interface Thanks extends WithOutbox {
  readonly orderId: string;
}

/** What the subgraph declares. */
export const thanksTable = defineTable<Thanks>()({
  name: 'thanks',
  partitionKey: 'orderId',
  outbox: true,
  operations: ['GetItem', 'PutItem'],
});
/** What it does not declare. */
const secretsTable = defineTable<Thanks>()({ name: 'secrets', partitionKey: 'orderId' });

export const BuyerThanked = defineEvent({ type: 'BuyerThanked', data: z.object({}) });

const thankBuyer = defineConsumer({
  name: 'thank-buyer',
  from: {
    orders: { OrderPlaced: { 1: z.object({ poison: z.boolean().optional() }) } },
    thanks: { BuyerThanked: { 1: BuyerThanked.data } },
  },
  ...{ tries: 1 },
  async handle({ type, subject: orderId, data }, { db }) {
    if (type === 'BuyerThanked') return;
    if ('poison' in data && data.poison === true) throw new Error('It is poison.');
    const thanks = db.table(thanksTable);
    if (await thanks.get({ orderId })) return;
    await thanks.create({ orderId }, { events: [BuyerThanked.create({})] });
  },
});

interface Context {
  readonly secrets: (orderId: string) => Promise<null>;
}
const resolvers: Resolvers<Context> = {
  Query: { book: () => null },
  Mutation: {
    /** Uses a table that is not among those of the subgraph. */
    rename: (_: unknown, { id: orderId }: { id: string }, { secrets }: Context) => secrets(orderId),
  },
};

/** A subgraph that hears of orders over SQS, and tells of what it does. */
export const thanks = defineSubgraph({
  name: 'thanks',
  schema: join(__dirname, 'library-subgraph.graphql'),
  tables: [thanksTable],
  consumers: [thankBuyer],
  options: {
    ordersUrl: { description: "orders' GraphQL endpoint", default: 'http://127.0.0.1:4005/graphql' },
    greeting: { description: 'how buyers are thanked', default: 'Thank you!' },
    mailToken: { description: 'the token of the mail service', default: 'development' },
  },
  resolvers,
  context: ({ db }): Context => ({
    secrets: async (orderId) => {
      await db.table(secretsTable).put({ orderId });
      return null;
    },
  }),
});

export const handler = lambdaHandler(thanks);
runWhenMain(module, thanks);
