import { join } from 'node:path';
import { runStandInWhenMain, type AppSyncSubgraph } from '../kit';
import { resolvers } from './resolvers';

/** Carriers and shipments of orders: an AWS AppSync API, for which a stand-in runs here. */
export const shipping: AppSyncSubgraph<'shippingApiKey'> = {
  name: 'shipping',
  port: 4006,
  schema: join(__dirname, 'schema.graphql'),
  options: {
    shippingApiKey: {
      description: "the API's key, which whoever calls must send",
      default: 'da2-development',
    },
  },
  resolvers,
  modes: ({ shippingApiKey }) => [{ type: 'API_KEY', keys: new Set([shippingApiKey]) }],
};

runStandInWhenMain(module, shipping);
