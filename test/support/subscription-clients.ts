/** Subscribers of a subgraph over WebSocket and SSE, by the protocols' own client libraries, and over callbacks. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { Queue } from './queue';

export interface SubscribePayload {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** A result as it comes: `data`, `errors`, `extensions`. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests read results as they come
export type Result = any;

export interface SubscriberOptions {
  readonly headers?: Record<string, string>;
  /** Headers that sign a request of this method and body. */
  readonly sign?: (method: 'GET' | 'POST', body: string) => Record<string, string>;
  /** Milliseconds between heartbeats of callbacks. @default 0: none */
  readonly heartbeat?: number;
}

/** The results of one subscription. A subscription that was refused has one result, with errors. */
export interface Subscriber {
  readonly next: () => Promise<Result>;
  /** Wants no more results. */
  readonly stop: () => void;
  /** Closes what is open here. */
  readonly close: () => void;
  /** How it ended. */
  readonly ended: Promise<unknown>;
}

export type Subscribe = (url: string, payload: SubscribePayload, options?: SubscriberOptions) => Subscriber;

export const subscribers: [string, Subscribe][] = [
  ['WebSocket', overWebSocket],
  ['SSE', overEventStream],
  ['callbacks', overCallbacks],
];

/**
 * The first result. Repeats what causes an event until one has come: nothing tells a client that its subscription is
 * open.
 */
export async function firstOf(
  subscriber: Subscriber,
  cause: (attempt: number) => Promise<unknown>,
): Promise<Result> {
  let result: Result;
  const arrived = subscriber.next().then((first) => (result = first));
  for (let attempt = 0; result === undefined; attempt++) {
    await cause(attempt);
    await Promise.race([arrived, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  return result;
}

export function overWebSocket(
  url: string,
  payload: SubscribePayload,
  { headers = {}, sign = () => ({}) }: SubscriberOptions = {},
): Subscriber {
  class Signed extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers: sign('GET', '') });
    }
  }
  const client = createWebSocketClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: Signed,
    connectionParams: headers,
    retryAttempts: 0,
  });
  const results = new Queue<Result>();
  const ended = new Promise<unknown>((resolve) => {
    client.subscribe(payload, {
      next: (result) => results.push(result),
      error(error) {
        if (Array.isArray(error)) results.push({ errors: error });
        resolve(error);
      },
      complete: () => resolve('complete'),
    });
  });
  const close = () => void client.dispose();
  return { next: () => results.next(), ended, stop: close, close };
}

export function overEventStream(
  url: string,
  payload: SubscribePayload,
  { headers = {}, sign = () => ({}) }: SubscriberOptions = {},
): Subscriber {
  const client = createEventStreamClient({
    url,
    retryAttempts: 0,
    fetchFn: (address: string, request: RequestInit) =>
      fetch(address, {
        ...request,
        headers: { ...(request.headers as object), ...headers, ...sign('POST', request.body as string) },
      }),
  });
  const results = new Queue<Result>();
  const ended = new Promise<unknown>((resolve) => {
    client.subscribe(payload, {
      next: (result) => results.push(result),
      error: resolve,
      complete: () => resolve('complete'),
    });
  });
  const close = () => client.dispose();
  return { next: () => results.next(), ended, stop: close, close };
}

export interface CallbackOptions extends SubscriberOptions {
  /** Sees each callback before it is answered; the status of the answer. @default 204 */
  readonly onCallback?: (message: Result, headers: IncomingHttpHeaders, body: string) => number;
}

/** Takes callbacks as a gateway does. */
export function overCallbacks(
  url: string,
  payload: SubscribePayload,
  { headers = {}, sign = () => ({}), heartbeat = 0, onCallback = () => 204 }: CallbackOptions = {},
): Subscriber {
  const results = new Queue<Result>();
  let end: (how: unknown) => void;
  const ended = new Promise<unknown>((resolve) => (end = resolve));
  let isStopped = false;
  const server = createServer((request, response) => {
    void (async () => {
      const text = JSON.stringify(await json(request));
      const message = JSON.parse(text);
      const status = isStopped ? 404 : onCallback(message, request.headers, text);
      response.writeHead(status, { 'subscription-protocol': 'callback/1.0' }).end();
      if (status !== 204) return;
      if (message.action === 'next') results.push(message.payload);
      if (message.action === 'complete') end(message.errors ?? 'complete');
    })();
  });
  void (async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const subscription = {
      callbackUrl: `http://127.0.0.1:${port}/callback/1`,
      subscriptionId: 'subscription-1',
      verifier: 'verifier-1',
      heartbeatIntervalMs: heartbeat,
    };
    const body = JSON.stringify({ ...payload, extensions: { ...payload.extensions, subscription } });
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json;callbackSpec=1.0, application/json',
        ...headers,
        ...sign('POST', body),
      },
      body,
    });
    const answer = (await response.json()) as { errors?: unknown };
    if (answer.errors) results.push(answer);
  })();
  return {
    next: () => results.next(),
    ended,
    stop() {
      isStopped = true;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
