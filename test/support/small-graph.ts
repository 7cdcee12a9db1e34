import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { composeOrRecall } from './kept-composition';
import type { Json } from './running-gateway';
import { schemaAnswers } from './schema-answers';

/** A subgraph over HTTP that remembers what it was asked, takes arrays, and may be told to answer in another way. */
export interface TestSubgraph {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: string;
  readonly requests: {
    readonly headers: IncomingHttpHeaders;
    readonly body: Json;
    readonly aborted: boolean;
  }[];
  /** What came that is no JSON, as a text that tells where it may come from. It is answered with 400. */
  readonly unreadable: string[];
  /** Headers of its answers, perhaps by what is asked. */
  headers: Record<string, string> | ((body: Json) => Record<string, string>);
  /** Answers in place of the resolvers while it is set. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export async function startSubgraph(options: {
  readonly name: string;
  readonly typeDefs: string;
  readonly resolvers: Json;
}): Promise<TestSubgraph> {
  const { name, typeDefs, resolvers } = options;
  const answer = schemaAnswers(buildSubgraphSchema({ typeDefs: parse(typeDefs), resolvers }));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      let body: Json;
      try {
        body = JSON.parse(text);
      } catch (error) {
        const { method, url, headers } = request;
        subgraph.unreadable.push(`${String(error)}: ${method} ${url} ${JSON.stringify(headers)} ${text}`);
        response.writeHead(400).end();
        return;
      }
      const seen = { headers: request.headers, body, aborted: false };
      response.on('close', () => (seen.aborted = !response.writableFinished));
      subgraph.requests.push(seen);
      if (subgraph.answer) {
        subgraph.answer(request, response);
        return;
      }
      const execute = (operation: Json) => answer(operation, request.headers);
      void (Array.isArray(body) ? Promise.all(body.map(execute)) : execute(body)).then((result) => {
        response.setHeader('content-type', 'application/json');
        const { headers } = subgraph;
        response.setHeaders(new Map(Object.entries(typeof headers === 'function' ? headers(body) : headers)));
        response.end(JSON.stringify(result));
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const subgraph: TestSubgraph = {
    name,
    typeDefs,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    requests: [],
    unreadable: [],
    headers: {},
    answer: undefined,
    close: () => closeServer(server),
  };
  return subgraph;
}

/** The supergraph of some subgraphs. */
export const compose = composeOrRecall;

/** Two subgraphs and the supergraph over them: users, and the reviews that they wrote. */
export async function startSmallGraph() {
  const accounts = await startSubgraph({
    name: 'accounts',
    typeDefs: `
      ${link}
      type Query { user(id: ID!): User  me: User }
      type Mutation { rename(id: ID!, name: String!): User }
      type User @key(fields: "id") { id: ID!  name: String }
    `,
    resolvers: {
      Query: {
        user: (_: unknown, { id }: { id: string }) => userById(id),
        me: () => userById('u1'),
      },
      Mutation: { rename: (_: unknown, { id, name }: { id: string; name: string }) => ({ id, name }) },
      User: { __resolveReference: ({ id }: { id: string }) => userById(id) },
    },
  });
  const reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `
      ${link}
      type Query { latestReviews: [Review!] }
      type Review @key(fields: "id") { id: ID!  rating: Int  author: User }
      type User @key(fields: "id") { id: ID!  reviews: [Review!] }
    `,
    resolvers: {
      Query: { latestReviews: () => reviewsOf('u1') },
      User: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        reviews: ({ id }: { id: string }) => reviewsOf(id),
      },
    },
  });
  return {
    accounts,
    reviews,
    supergraphSdl: compose([accounts, reviews]),
    close: async () => {
      await Promise.all([accounts.close(), reviews.close()]);
    },
  };
}

export type SmallGraph = Awaited<ReturnType<typeof startSmallGraph>>;

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';

function userById(id: string) {
  const names: Record<string, string> = { u1: 'Ada', u2: 'Grace' };
  return names[id] === undefined ? null : { id, name: names[id] };
}

function reviewsOf(userId: string) {
  return [
    { id: `${userId}-r1`, rating: 5, author: { id: userId } },
    { id: `${userId}-r2`, rating: 3, author: { id: 'u2' } },
  ];
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((closed) => server.close(() => closed()));
}
