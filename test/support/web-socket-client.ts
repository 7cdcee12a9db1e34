import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import type { Json } from './running-gateway';

/** A client that sends and reads single messages. */
export interface WebSocketClient {
  readonly socket: WebSocket;
  send(message: unknown): void;
  /** The next message. Rejects when the connection is closed before. */
  next(): Promise<Json>;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Connects to a gateway whose URL is one of HTTP. Resolves when the connection is open. */
export async function openWebSocket(
  url: string,
  protocols: readonly string[] = ['graphql-transport-ws'],
  options: ClientOptions = {},
): Promise<WebSocketClient> {
  const socket = new WebSocket(webSocketUrl(url), [...protocols], options);
  const messages: Json[] = [];
  let wake: () => void = () => undefined;
  socket.on('message', (data) => {
    messages.push(JSON.parse((data as Buffer).toString()));
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
      wake();
    });
  });
  await once(socket, 'open');
  // `once` is for errors of the handshake; a close tells of later ones.
  socket.on('error', () => undefined);
  return {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      while (messages.length === 0) {
        if (socket.readyState === WebSocket.CLOSED) {
          const { code, reason } = await closed;
          throw new Error(`The connection was closed with ${code}: ${reason}`);
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return messages.shift();
    },
  };
}

/** The same over a connection that is acknowledged. */
export async function connectWebSocket(
  url: string,
  payload?: Readonly<Record<string, unknown>>,
  options?: ClientOptions,
): Promise<WebSocketClient> {
  const client = await openWebSocket(url, undefined, options);
  client.send({ type: 'connection_init', payload });
  expect(await client.next()).toEqual({ type: 'connection_ack' });
  return client;
}

export const webSocketUrl = (url: string): string => url.replace(/^http/, 'ws');
