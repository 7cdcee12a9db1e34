import { join } from 'node:path';
import { runStandInWhenMain, type AppSyncSubgraph } from '../../kit';
import { resolvers } from './resolvers';
import { shipmentsTable } from './table';

/** Carriers and shipments of orders: an AWS AppSync API, for which a stand-in runs here. */
export const shipping: AppSyncSubgraph<'shippingApiKey' | 'carrierToken'> = {
  name: 'shipping',
  port: 4006,
  schema: join(__dirname, 'schema.graphql'),
  options: {
    shippingApiKey: {
      description: "the API's key, which whoever calls must send",
      default: 'da2-development',
    },
    carrierToken: {
      description: 'the token of carriers, which say where parcels are',
      default: 'carrier-development',
    },
  },
  tables: [shipmentsTable],
  resolvers,
  modes: ({ shippingApiKey, carrierToken }) => [
    { type: 'API_KEY', keys: new Set([shippingApiKey]) },
    { type: 'AWS_LAMBDA', isAuthorized: (token) => token === carrierToken },
  ],
};

runStandInWhenMain(module, shipping);
