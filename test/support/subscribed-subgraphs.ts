/** Subgraphs that can be subscribed to, each over one protocol, with a server of others that is known to speak it. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buildSchema, type ExecutionResult, GraphQLError, parse } from 'graphql';
import type { Response as SseResponse } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { SubscriptionProtocol } from '../../gateway/subgraph-calls/subscriptions/subscription-transport';

/** What a subscription is opened with. */
export interface Subscribed {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly extensions: Record<string, unknown>;
  /** Of the upgrade, or of the request. */
  readonly headers: IncomingHttpHeaders;
  /** The payload of `connection_init`; undefined where there is none. */
  readonly params: Record<string, unknown> | undefined;
}

/** One subscription at the subgraph. */
export interface Feed extends Subscribed {
  /** Sends an event. */
  send(result: object): void;
  complete(): void;
  readonly isLeft: boolean;
}

export interface SubscribedServer {
  readonly url: string;
  readonly protocol: SubscriptionProtocol;
  /** Every subscription so far. */
  readonly feeds: readonly Feed[];
  /** How many connections were opened so far. */
  readonly connects: number;
  /** Connections that are open now. */
  readonly connections: ReadonlySet<Socket>;
  /** Answers with errors in place of events, while it is set. */
  refusal: string | undefined;
  /** Cuts all connections, as a process that dies does. */
  cut(): void;
  /** Cuts all connections, and refuses others. */
  die(): Promise<void>;
  /** Listens again at the same port. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

const schema = buildSchema(
  'type Query { a: Int }  type Subscription { count(from: Int, text: String): Int }',
);

class FeedQueue implements AsyncGenerator<ExecutionResult> {
  isLeft = false;
  readonly #waiting: (ExecutionResult | undefined)[] = [];
  #wake: (() => void) | undefined;

  give(result: ExecutionResult | undefined): void {
    this.#waiting.push(result);
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    while (this.#waiting.length === 0 && !this.isLeft)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    const value = this.isLeft ? undefined : this.#waiting.shift();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<ExecutionResult, undefined>> {
    this.isLeft = true;
    this.#wake?.();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: Error): Promise<never> {
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** Starts a subgraph that speaks this protocol. */
export async function serveSubscriptions(protocol: SubscriptionProtocol): Promise<SubscribedServer> {
  const feeds: Feed[] = [];
  const connections = new Set<Socket>();
  let connects = 0;
  let port = 0;
  let server: Server;
  let close: () => Promise<void>;

  const open = (subscribed: Subscribed): FeedQueue => {
    const queue = new FeedQueue();
    feeds.push({
      ...subscribed,
      send: (result) => queue.give(result),
      complete: () => queue.give(undefined),
      get isLeft() {
        return queue.isLeft;
      },
    });
    return queue;
  };
  const refused = () => (self.refusal === undefined ? undefined : [new GraphQLError(self.refusal)]);

  const listen = async (): Promise<void> => {
    server = createServer();
    server.on('connection', (socket) => {
      connects++;
      connections.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => connections.delete(socket));
    });
    close =
      protocol === 'sse' ? serveEventStreams(server, open, refused) : serveWebSockets(server, open, refused);
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    ({ port } = server.address() as AddressInfo);
  };
  const cut = (): void => {
    for (const socket of connections) socket.destroy();
  };
  const die = async (): Promise<void> => {
    cut();
    await close();
    await new Promise((closed) => server.close(closed));
  };
  const self: SubscribedServer = {
    ...{ protocol, feeds, connections, cut, die },
    get url() {
      return `http://127.0.0.1:${port}/graphql`;
    },
    get connects() {
      return connects;
    },
    refusal: undefined,
    revive: listen,
    stop: async () => {
      if (server.listening) await die();
    },
  };
  await listen();
  return self;
}

type OpenFeed = (subscribed: Subscribed) => FeedQueue;
type Refused = () => readonly GraphQLError[] | undefined;

function serveWebSockets(server: Server, open: OpenFeed, refused: Refused): () => Promise<void> {
  const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false });
  const served = useServer(
    {
      schema,
      onSubscribe: (_context, _id, { query, variables, operationName }) => {
        const refusal = refused();
        if (refusal !== undefined) return refusal;
        return {
          schema,
          document: parse(query),
          variableValues: variables ?? null,
          operationName: operationName ?? null,
        };
      },
      context: (context, _id, payload) => ({ context, payload }),
      subscribe: ({ contextValue }) => {
        const { context, payload } = contextValue as {
          context: {
            connectionParams?: Record<string, unknown>;
            extra: { request: { headers: IncomingHttpHeaders } };
          };
          payload: {
            query: string;
            variables?: Record<string, unknown>;
            extensions?: Record<string, unknown>;
          };
        };
        return open({
          query: payload.query,
          variables: payload.variables ?? {},
          extensions: payload.extensions ?? {},
          headers: context.extra.request.headers,
          params: context.connectionParams,
        });
      },
    },
    sockets,
  );
  return async () => {
    for (const client of sockets.clients) client.terminate();
    await served.dispose();
  };
}

function serveEventStreams(server: Server, open: OpenFeed, refused: Refused): () => Promise<void> {
  const handler = createHandler({
    onSubscribe: (request, { query, variables, extensions }) => {
      const refusal = refused();
      if (refusal !== undefined) return answeredOnce({ errors: refusal });
      const contextValue = {
        query,
        variables: variables ?? {},
        extensions: extensions ?? {},
        headers: request.raw.headers,
        params: undefined,
      };
      return { schema, document: parse(query), variableValues: variables ?? null, contextValue };
    },
    subscribe: ({ contextValue }) => open(contextValue as unknown as Subscribed),
  });
  server.on('request', (request, response) => void handler(request, response));
  return () => Promise.resolve();
}

/** As most servers answer what they refuse. */
const answeredOnce = (result: object): SseResponse => [
  JSON.stringify(result),
  { status: 400, statusText: 'Bad Request', headers: { 'content-type': 'application/json' } },
];
