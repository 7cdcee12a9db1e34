// A service as its own team has it, on Apollo's server. It prints its address.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

const products = [
  { id: 'p1', name: 'Trowel' },
  { id: 'p2', name: 'Rake' },
];
const schema = buildSubgraphSchema({
  typeDefs: parse(`
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { products: [Product!]! }
    type Product @key(fields: "id") { id: ID! name: String! }
  `),
  resolvers: { Query: { products: () => products } },
});
const { url } = await startStandaloneServer(new ApolloServer({ schema }), {
  listen: { port: 0, host: '127.0.0.1' },
});
process.stdout.write(`ready at http://127.0.0.1:${new URL(url).port}/\n`);
