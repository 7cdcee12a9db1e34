/**
 * Subgraphs that can be subscribed to, each over one protocol, with a server of others that is known to speak it. Over 300
 * lines: a server for each protocol, and what breaks them.
 */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { ApolloServerPluginSubscriptionCallback } from '@apollo/server/plugin/subscriptionCallback';
import { buildSchema, type ExecutionResult, GraphQLError, parse, printSchema } from 'graphql';
import type { Response as SseResponse } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import {
  type ConnectionContext,
  type OperationMessage,
  SubscriptionServer,
} from 'subscriptions-transport-ws';
import { WebSocketServer } from 'ws';
import { multipartSubscription } from '../../gateway/http/parts-types';
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
  /** Over AppSync: milliseconds for which new connections may be silent. */
  silence: number;
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

  throw(error: Error): Promise<IteratorResult<ExecutionResult, undefined>> {
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/**
 * Starts a subgraph that speaks this protocol.
 * @param tls of an HTTPS server
 */
export async function serveSubscriptions(
  protocol: SubscriptionProtocol,
  tls?: TlsOptions,
): Promise<SubscribedServer> {
  const feeds: Feed[] = [];
  const connections = new Set<Socket>();
  let connects = 0;
  let port = 0;
  let server: Server;
  let served: Served;

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
    server = tls === undefined ? createServer() : createHttpsServer(tls);
    server.on('connection', (socket: Socket) => {
      connects++;
      connections.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => connections.delete(socket));
    });
    served = await serve[protocol](server, open, refused, () => self.silence);
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    ({ port } = server.address() as AddressInfo);
  };
  const cut = (): void => {
    served.cut();
    for (const socket of connections) socket.destroy();
  };
  const die = async (): Promise<void> => {
    cut();
    await served.close();
    await new Promise((closed) => server.close(closed));
  };
  const self: SubscribedServer = {
    ...{ protocol, feeds, connections, cut, die },
    get url() {
      return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/graphql`;
    },
    get connects() {
      return connects;
    },
    refusal: undefined,
    silence: 300_000,
    revive: listen,
    stop: async () => {
      if (server.listening) await die();
    },
  };
  await listen();
  return self;
}

const serve: Record<SubscriptionProtocol, Serve> = {
  websocket: serveWebSockets,
  'subscriptions-transport-ws': serveOlderWebSockets,
  sse: serveEventStreams,
  multipart: serveParts,
  callback: serveCallbacks,
  appsync: serveRealTime,
};

type Serve = (
  server: Server,
  open: OpenFeed,
  refused: Refused,
  silence: () => number,
) => Served | Promise<Served>;
interface Served {
  /** Cuts what the cut of connections does not. */
  cut(): void;
  close(): Promise<void>;
}
type OpenFeed = (subscribed: Subscribed) => FeedQueue;
type Refused = () => readonly GraphQLError[] | undefined;

function serveWebSockets(server: Server, open: OpenFeed, refused: Refused): Served {
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
  return {
    cut: () => undefined,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      await served.dispose();
    },
  };
}

function serveOlderWebSockets(server: Server, open: OpenFeed, refused: Refused): Served {
  const served = SubscriptionServer.create(
    {
      schema,
      execute: () => Promise.resolve({}),
      subscribe: (({ contextValue }: { readonly contextValue: Subscribed }) =>
        open({ ...contextValue })) as never,
      onConnect: (params: Record<string, unknown>, _socket: unknown, { request }: ConnectionContext) => ({
        headers: request.headers,
        params,
      }),
      onOperation: ({ payload }: OperationMessage, whole: { readonly context: object }) => {
        const [refusal] = refused() ?? [];
        if (refusal !== undefined) throw refusal;
        const { query, variables = {}, extensions = {} } = payload as Partial<Subscribed>;
        return { ...whole, context: { ...whole.context, query, variables, extensions } };
      },
    },
    { server, path: '/graphql', perMessageDeflate: false },
  );
  return {
    cut: () => undefined,
    close: () => {
      for (const client of served.server.clients) client.terminate();
      served.close();
      return Promise.resolve();
    },
  };
}

/** With the parts that the gateway writes for its own clients. */
function serveParts(server: Server, open: OpenFeed, refused: Refused): Served {
  const { mediaType, opening, heartbeat } = multipartSubscription;
  server.on('request', (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const errors = refused();
      if (errors !== undefined) {
        response.writeHead(400, { 'content-type': 'application/graphql-response+json' });
        response.end(JSON.stringify({ errors }));
        return;
      }
      const body = JSON.parse(Buffer.concat(pieces).toString()) as Partial<Subscribed>;
      const { query = '', variables = {}, extensions = {} } = body;
      const feed = open({ query, variables, extensions, headers: request.headers, params: undefined });
      response.writeHead(200, { 'content-type': mediaType });
      response.write(opening);
      const beats = setInterval(() => response.write(heartbeat), 100);
      response.on('close', () => {
        clearInterval(beats);
        void feed.return();
      });
      void (async () => {
        for await (const result of feed)
          response.write(multipartSubscription.frame({ body: Buffer.from(JSON.stringify(result)) }));
        response.end(multipartSubscription.end(undefined));
      })();
    });
  });
  return { cut: () => undefined, close: () => Promise.resolve() };
}

function serveEventStreams(server: Server, open: OpenFeed, refused: Refused): Served {
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
  return { cut: () => undefined, close: () => Promise.resolve() };
}

/** As most servers answer what they refuse. */
const answeredOnce = (result: object): SseResponse => [
  JSON.stringify(result),
  { status: 400, statusText: 'Bad Request', headers: { 'content-type': 'application/json' } },
];

interface CallbackContext extends Subscribed {
  /** Of the subscription. */
  readonly id: string;
}

/** By the plugin of Apollo Server, which takes only subscriptions of its own schema. */
async function serveCallbacks(server: Server, open: OpenFeed, refused: Refused): Promise<Served> {
  /** Where it has called back, and where it does not any more. */
  const [called, dead] = [new Set<string>(), new Set<string>()];
  /** By the id of the subscription. */
  const results = new Map<string, ExecutionResult[]>();
  const apollo = new ApolloServer<CallbackContext>({
    typeDefs: parse(printSchema(schema)),
    resolvers: {
      Subscription: {
        count: {
          subscribe: (_root: unknown, _args: unknown, subscribed: CallbackContext) => {
            const refusal = refused();
            if (refusal !== undefined) throw refusal[0]!;
            return open(subscribed);
          },
          resolve: (result: ExecutionResult, _args: unknown, { id }: CallbackContext) => {
            results.set(id, [...(results.get(id) ?? []), result]);
            return result.data?.['count'];
          },
        },
      },
    },
    plugins: [
      ApolloServerPluginSubscriptionCallback({
        maxConsecutiveHeartbeatFailures: 1,
        retry: { retries: 0 },
        fetcher: (url, init) => {
          called.add(url);
          if (dead.has(url)) return Promise.reject(new Error('cut'));
          const body = JSON.parse(String(init!.body)) as { action: string; id: string; payload?: object };
          // The plugin sends no extensions.
          if (body.action === 'next') body.payload = results.get(body.id)!.shift()!;
          // The plugin does not expect that nobody listens when it completes a subscription.
          return fetch(url, { ...(init as RequestInit), body: JSON.stringify(body) }).catch(
            () => new Response(null, { status: 404 }),
          );
        },
      }),
    ],
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  server.on('request', (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces).toString()) as Subscribed;
      const { subscription, ...extensions } = body.extensions;
      const { subscriptionId: id } = subscription as { subscriptionId: string };
      void apollo
        .executeHTTPGraphQLRequest({
          httpGraphQLRequest: {
            method: 'POST',
            headers: new HeaderMap(Object.entries(request.headers) as [string, string][]),
            search: '',
            body,
          },
          context: () =>
            Promise.resolve({ ...body, id, extensions, headers: request.headers, params: undefined }),
        })
        .then(({ status = 200, headers, body: answer }) => {
          response.writeHead(status, Object.fromEntries(headers));
          response.end(answer.kind === 'complete' ? answer.string : '');
        });
    });
  });
  const cut = (): void => {
    for (const url of called) dead.add(url);
  };
  return {
    cut,
    close: async () => {
      cut();
      await apollo.stop();
    },
  };
}

/** As AppSync answers: what was refused, and what was not asked for, included. */
function serveRealTime(server: Server, open: OpenFeed, refused: Refused, silence: () => number): Served {
  const sockets = new WebSocketServer({
    server,
    path: '/graphql/realtime',
    perMessageDeflate: false,
    handleProtocols: () => 'graphql-ws',
  });
  sockets.on('connection', (socket, { headers }) => {
    const feeds = new Map<string, FeedQueue>();
    const send = (frame: object): void => socket.send(JSON.stringify(frame));
    socket.on('close', () => feeds.forEach((feed) => void feed.return()));
    socket.on('message', (data: Buffer) => {
      const { type, id, payload } = JSON.parse(data.toString()) as RealTimeFrame;
      if (type === 'connection_init') {
        send({ type: 'connection_ack', payload: { connectionTimeoutMs: silence() } });
        send({ type: 'ka' });
      } else if (type === 'start') {
        const errors = refused()?.map(({ message }) => ({ errorType: 'UnauthorizedException', message }));
        if (errors !== undefined) {
          send({ id, type: 'error', payload: { errors } });
          return;
        }
        const { query, variables } = JSON.parse(payload.data) as Subscribed;
        const feed = open({ query, variables, extensions: payload.extensions, headers, params: undefined });
        feeds.set(id, feed);
        send({ id, type: 'start_ack' });
        void (async () => {
          for await (const result of feed) send({ id, type: 'data', payload: result });
          if (!feed.isLeft) send({ id, type: 'complete' });
        })();
      } else if (type === 'stop') {
        void feeds.get(id)?.return();
        send({ id, type: 'complete' });
      }
    });
  });
  return {
    cut: () => undefined,
    close: () => {
      for (const client of sockets.clients) client.terminate();
      return new Promise((closed) => sockets.close(() => closed()));
    },
  };
}

interface RealTimeFrame {
  readonly type: string;
  readonly id: string;
  readonly payload: { readonly data: string; readonly extensions: Record<string, unknown> };
}
