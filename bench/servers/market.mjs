/**
 * The subgraphs of the mix: products, whose prices a mutation raises, stock and reviews, over 10,000 products, and
 * accounts. graphql-js answers each call 4 ms after it came. What is for everybody may be kept for 5 s; who asks is told
 * to nobody else.
 *
 * Messages from the parent: `listen` answers with the ports and the subgraphs' types, `count` with the calls so far.
 */
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';

const delay = 4;
const productCount = 10_000;
const federation = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])';
const prices = new Uint32Array(productCount + 1).fill(1);
const product = (upc) => ({ __typename: 'Product', upc });
const numberOf = ({ upc }) => Number(upc.slice(1));

const subgraphs = {
  products: {
    typeDefs: `${federation}
      type Query { product(upc: ID!): Product }
      type Mutation { raisePrice(upc: ID!): Product }
      type Product @key(fields: "upc") { upc: ID! name: String! description: String! price: Int! category: String! }`,
    resolvers: {
      Query: { product: (_, { upc }) => product(upc) },
      Mutation: {
        raisePrice(_, { upc }) {
          prices[numberOf({ upc })] += 1;
          return product(upc);
        },
      },
      Product: {
        name: ({ upc }) => `Product ${upc}`,
        description: ({ upc }) => `${upc} is one of many. `.repeat(20),
        price: (of) => prices[numberOf(of)],
        category: (of) => `category ${numberOf(of) % 40}`,
      },
    },
  },
  stock: {
    typeDefs: `${federation}
      type Product @key(fields: "upc") { upc: ID! inStock: Boolean! available: Int! }`,
    resolvers: {
      Product: { inStock: (of) => numberOf(of) % 7 > 0, available: (of) => numberOf(of) % 7 },
    },
  },
  reviews: {
    typeDefs: `${federation}
      type Product @key(fields: "upc") { upc: ID! reviews(first: Int = 5): [Review!]! }
      type Review { id: ID! rating: Int! title: String! }`,
    resolvers: {
      Product: {
        reviews: ({ upc }, { first }) => Array.from({ length: first }, (_, i) => ({ id: `${upc}-${i}`, i })),
      },
      Review: { rating: ({ i }) => 1 + (i % 5), title: ({ id }) => `Review ${id} says what it says` },
    },
  },
  accounts: {
    isPrivate: true,
    typeDefs: `${federation} type Query { me: User } type User @key(fields: "id") { id: ID! name: String! }`,
    resolvers: {
      Query: { me: (_, __, who) => (who === undefined ? null : { id: who, name: `Named ${who}` }) },
    },
  },
};

let calls = 0;

if (process.send !== undefined) {
  const commands = {
    async listen() {
      const started = await Promise.all(Object.entries(subgraphs).map(listen));
      return { subgraphs: Object.fromEntries(started) };
    },
    count: () => ({ calls }),
  };
  process.on('message', async ({ id, command }) => process.send({ id, ...(await commands[command]()) }));
  process.on('disconnect', () => process.exit());
}

async function listen([name, { typeDefs, resolvers, isPrivate = false }]) {
  const schema = buildSubgraphSchema({ typeDefs: parse(typeDefs), resolvers });
  const documents = new Map();
  const cacheControl = isPrivate ? 'private, no-store' : 'public, max-age=5';

  const answer = async (body, who) => {
    const { query, variables, operationName } = JSON.parse(body);
    let document = documents.get(query);
    if (document === undefined) documents.set(query, (document = parse(query)));
    const result = await execute({
      ...{ schema, document, operationName },
      variableValues: variables,
      contextValue: who,
    });
    return JSON.stringify(result);
  };

  const server = createServer((request, response) => {
    calls += 1;
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString();
      // What it answers is as it is when the call ends, as in a database that takes its time.
      await new Promise((resolve) => setTimeout(resolve, delay));
      const bytes = await answer(body, request.headers.authorization);
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(bytes),
        'cache-control': body.includes('raisePrice') ? 'no-store' : cacheControl,
      });
      response.end(bytes);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return [name, { url: `http://127.0.0.1:${server.address().port}/graphql`, typeDefs }];
}
