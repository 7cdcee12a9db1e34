// A service as its own team has it, on graphql-http. It prints its address.
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';

const reviews = { p1: [{ text: 'Sturdy.' }], p2: [] };
const schema = buildSubgraphSchema({
  typeDefs: parse(`
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Product @key(fields: "id") { id: ID! reviews: [Review!]! }
    type Review { text: String! }
  `),
  resolvers: {
    Product: { __resolveReference: ({ id }) => ({ id }), reviews: ({ id }) => reviews[id] ?? [] },
  },
});
const server = createServer(createHandler({ schema }));
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`ready at http://127.0.0.1:${server.address().port}/graphql\n`),
);
