import { readFileSync } from 'node:fs';
import { composeSupergraph } from '../../schema/compose';
import { accounts } from '../../subgraphs/accounts';
import { inventory } from '../../subgraphs/inventory';
import {
  openEmbeddedDynamoDB,
  startSubgraph,
  type RunningSubgraph,
  type Settings,
} from '../../subgraphs/kit';
import { orders } from '../../subgraphs/orders';
import { products } from '../../subgraphs/products';
import { reviews } from '../../subgraphs/reviews';

export type SubgraphName = 'accounts' | 'products' | 'inventory' | 'reviews' | 'orders';

/** The reference graph in this process. */
export interface Shop {
  readonly subgraphs: Readonly<Record<SubgraphName, RunningSubgraph>>;
  readonly urls: Readonly<Record<SubgraphName, string>>;
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
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read answers as they come
  readonly data: any;
  readonly errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/**
 * Starts the five subgraphs on free ports, over one DynamoDB in memory. Seeding takes a few seconds; with
 * `seed: false` the tables are empty.
 */
export async function startShop({ seed = true }: { seed?: boolean } = {}): Promise<Shop> {
  const dynamodb = await openEmbeddedDynamoDB();
  const settings: Settings = {
    port: 0,
    database: { kind: 'endpoint', endpoint: dynamodb.endpoint },
    seed,
    logLevel: 'silent',
  };
  // orders has to know where inventory is, so inventory comes first.
  const running = {
    inventory: await startSubgraph(inventory, settings),
    ...(await settled({
      accounts: startSubgraph(accounts, settings),
      products: startSubgraph(products, settings),
      reviews: startSubgraph(reviews, settings),
    })),
  };
  const subgraphs = {
    ...running,
    orders: await startSubgraph(orders, { ...settings, options: { inventoryUrl: running.inventory.url } }),
  };
  const urls = Object.fromEntries(
    Object.entries(subgraphs).map(([name, { url }]) => [name, url]),
  ) as Shop['urls'];
  return {
    subgraphs,
    urls,
    supergraphSdl: compose(urls),
    send: (name, operation) => send(urls[name], operation),
    async stop() {
      await Promise.all(Object.values(subgraphs).map((subgraph) => subgraph.stop()));
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

function compose(urls: Shop['urls']): string {
  const schemas = { accounts, products, inventory, reviews, orders };
  const composition = composeSupergraph({
    subgraphs: Object.values(schemas).map(({ name, schema: file }) => ({
      name,
      routingUrl: urls[name as SubgraphName],
      sdl: readFileSync(file, 'utf8'),
      file,
    })),
  });
  if (composition.errors) throw new Error(composition.errors.map(({ message }) => message).join('\n'));
  return composition.supergraphSdl;
}

async function send(url: string, { query, variables, as }: Operation): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(as !== undefined && { authorization: `Bearer ${as}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { status, headers } = response;
  return { ...((await response.json()) as Pick<Answer, 'data' | 'errors'>), status, headers };
}
