import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accounts } from '../../subgraphs/accounts';
import { history } from '../../subgraphs/history';
import { inventory } from '../../subgraphs/inventory';
import { openEmbeddedDynamoDB, startSubgraph, type RunningSubgraph, type Settings } from '../../kit';
import { startAppSyncSubgraph } from '../../kit/appsync/stand-in';
import { startService, type RunningService } from '../../kit/serve/service';
import { openLinkKeys } from '../../kit/identity/link-keys';
import { signRequest } from '../../kit/identity/private-link';
import { orders } from '../../subgraphs/orders';
import { payments } from '../../subgraphs/payments';
import { products } from '../../subgraphs/products';
import { reviews } from '../../subgraphs/reviews';
import { shipping } from '../../subgraphs/shipping';
import { suppliers } from '../../subgraphs/suppliers';
import { wishlists } from '../../subgraphs/wishlists';
import { loadSupergraphConfig, readSubgraphSchemas } from '../../schema';
import { composeOrRecall, type Composed } from './kept-composition';

export type SubgraphName =
  | 'accounts'
  | 'products'
  | 'inventory'
  | 'reviews'
  | 'orders'
  | 'payments'
  | 'history';

/** The reference graph in this process. */
export interface Shop {
  readonly subgraphs: Readonly<Record<SubgraphName, RunningSubgraph>>;
  readonly urls: Readonly<Record<SubgraphName, string>>;
  /** What the AppSync API among the subgraphs takes. */
  readonly apiKey: string;
  readonly shippingUrl: string;
  readonly carrierToken: string;
  /** Those that are no subgraphs of Federation; none unless they are wanted. */
  readonly services: Readonly<Partial<Record<'wishlists' | 'suppliers', RunningService>>>;
  /** Composed with `urls` as routing URLs. */
  readonly supergraphSdl: string;
  /** Sends an operation straight to one subgraph. */
  send(name: SubgraphName, operation: Operation): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Operation {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** The id of who is signed in. */
  readonly as?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read answers as they come
  readonly data: any;
  readonly errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

export interface ShopOptions {
  /** Seeding takes a few seconds; without it the tables are empty. @default true */
  readonly seed?: boolean;
  /** The key of a private link, which all calls are then signed with. */
  readonly linkKey?: string;
  /** Whether the graph has the two services that are no subgraphs of Federation. @default false */
  readonly sources?: boolean;
  /** Exports the spans of all subgraphs to this collector. */
  readonly collector?: string;
}

/** Starts the subgraphs on free ports, over one DynamoDB in memory. */
export async function startShop({
  seed = true,
  linkKey,
  sources = false,
  collector,
}: ShopOptions = {}): Promise<Shop> {
  const dynamodb = await openEmbeddedDynamoDB();
  const settings: Settings = {
    port: 0,
    database: { kind: 'endpoint', endpoint: dynamodb.endpoint },
    seed,
    logLevel: 'silent',
    ...(collector !== undefined && { traces: { url: collector } }),
    ...(linkKey !== undefined && { link: { keys: [linkKey] }, development: true }),
  };
  const api = await startAppSyncSubgraph(shipping, settings);
  // orders calls the others, so they come first; history follows its events.
  const running = await settled({
    inventory: startSubgraph(inventory, settings),
    accounts: startSubgraph(accounts, settings),
    products: startSubgraph(products, settings),
    reviews: startSubgraph(reviews, settings),
    payments: startSubgraph(payments, settings),
  });
  const ordering = await startSubgraph(orders, {
    ...settings,
    options: {
      inventoryUrl: running.inventory.url,
      paymentsUrl: running.payments.url,
      productsUrl: running.products.url,
      shippingUrl: api.url,
    },
  });
  const subgraphs = {
    ...{ ...running, orders: ordering },
    history: await startSubgraph(history, { ...settings, options: { ordersUrl: ordering.url } }),
  };
  const services = sources
    ? {
        wishlists: await startService(wishlists, settings),
        suppliers: await startService(suppliers, settings),
      }
    : {};
  const urls = Object.fromEntries(
    Object.entries(subgraphs).map(([name, { url }]) => [name, url]),
  ) as Shop['urls'];
  return {
    subgraphs,
    urls,
    apiKey: shipping.options.shippingApiKey.default,
    shippingUrl: api.url,
    carrierToken: shipping.options.carrierToken.default,
    services,
    supergraphSdl: compose({ ...urls, shipping: api.url }, await schemasOf(services)),
    send: (name, operation) =>
      send(urls[name], operation, linkKey === undefined ? claim : signerOf(name, linkKey)),
    async stop() {
      await Promise.all(
        [api, ...Object.values({ ...subgraphs, ...services })].map((subgraph) => subgraph.stop()),
      );
      await dynamodb.stop();
    },
  };
}

async function settled<Values extends Record<string, Promise<RunningSubgraph>>>(
  starting: Values,
): Promise<{ [Name in keyof Values]: RunningSubgraph }> {
  const entries = Object.entries(starting).map(async ([name, start]) => [name, await start] as const);
  return Object.fromEntries(await Promise.all(entries)) as { [Name in keyof Values]: RunningSubgraph };
}

/** All subgraphs of the reference graph. */
export const shopSubgraphs = { accounts, products, inventory, reviews, orders, payments, history, shipping };

/** The services that are no subgraphs of Federation. */
export const shopServices = { wishlists, suppliers };

function compose(urls: Shop['urls'] & { shipping: string }, services: readonly Composed[]): string {
  const subgraphs = Object.values(shopSubgraphs).map(({ name, schema: file }) => ({
    ...{ name, url: urls[name as keyof typeof shopSubgraphs], typeDefs: readFileSync(file, 'utf8') },
  }));
  return composeOrRecall([...subgraphs, ...services]);
}

/** The schemas by which services are joined. */
async function schemasOf(services: Shop['services']): Promise<Composed[]> {
  if (Object.keys(services).length === 0) return [];
  const config = await loadSupergraphConfig({ file: join(__dirname, '../../schema/supergraph.yaml') });
  const schemas = await readSubgraphSchemas(config);
  return Object.entries(services).map(([name, { url }]) => ({
    ...{ name, url, typeDefs: schemas.find((each) => each.name === name)!.sdl },
  }));
}

type Sign = (body: string, as: string | undefined) => Record<string, string>;

/** Signs as the gateway does. */
export function signerOf(subgraph: string, linkKey: string, caller: object = {}): Sign {
  const key = openLinkKeys({ keys: [linkKey] }).current[0]!;
  return (body, as) =>
    signRequest({
      ...{ key, subgraph, body },
      caller: as === undefined ? null : { mode: 'lambda', sub: as, ...caller },
    });
}

const claim: Sign = (_, as) => (as === undefined ? {} : { authorization: `Bearer ${as}` });

/** Sends an operation to an endpoint. */
export async function send(url: string, { query, variables, as }: Operation, sign: Sign): Promise<Answer> {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...sign(body, as) },
    body,
  });
  const { status, headers } = response;
  return { ...((await response.json()) as Pick<Answer, 'data' | 'errors'>), status, headers };
}
