import { Readable } from 'node:stream';
import { readEventStream, readMultipart } from './read-parts';
import type { Json } from './running-gateway';
import { waysIn, waysInForParts } from './ways-in';
import { openWebSocket, type WebSocketClient } from './web-socket-client';

/** What became of an operation. */
export interface Outcome {
  readonly data?: Json;
  /** The first error; over AppSync's protocol with a type in place of the code. */
  readonly error?: { readonly message: string; readonly code?: string; readonly errorType?: string };
  /** The code with which the gateway has closed the connection. */
  readonly closed?: number;
}

/** A protocol in which clients send operations. */
export interface Transport {
  readonly name: string;
  /** Sends an operation over a connection of its own. @param headers credentials, and the client's name */
  readonly ask: (
    url: string,
    operation: Json,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Outcome>;
}

export const overHttp: Transport = overRequests('HTTP', waysIn[0]!);

export const webSocketTransports: readonly Transport[] = [
  { name: 'graphql-transport-ws', ask: overGraphqlTransportWs },
  { name: "AppSync's protocol", ask: overAppsync },
];

/** All but plain HTTP. */
export const transports: readonly Transport[] = [
  ...waysInForParts.map((way) => overRequests(way.name, way)),
  ...webSocketTransports,
];

function overRequests(name: string, { request }: (typeof waysIn)[number]): Transport {
  return {
    name,
    ask: async (url, operation, headers = {}) => {
      const sent = request(url, operation);
      for (const [key, value] of Object.entries(headers)) sent.headers.set(key, value);
      return outcomeOf(JSON.parse(await bodyOf(await fetch(sent))));
    },
  };
}

/** The body of an answer, or that of its only part. */
async function bodyOf(response: Response): Promise<string> {
  const type = response.headers.get('content-type')!;
  if (type.includes('json')) return response.text();
  const read = type.startsWith('multipart') ? readMultipart : readEventStream;
  const parts: string[] = [];
  for await (const part of read(type, Readable.fromWeb(response.body as never))) parts.push(part);
  expect(parts).toHaveLength(1);
  return parts[0]!;
}

async function overGraphqlTransportWs(url: string, operation: Json, headers = {}): Promise<Outcome> {
  const client = await openWebSocket(url);
  return withMessages(client, async (next) => {
    client.send({ type: 'connection_init', payload: headers });
    await next();
    client.send({ id: 'a', type: 'subscribe', payload: operation });
    const { type, payload } = await next();
    return outcomeOf(type === 'error' ? { errors: payload } : payload);
  });
}

async function overAppsync(url: string, operation: Json, headers = {}): Promise<Outcome> {
  const header = Buffer.from(JSON.stringify(headers)).toString('base64url');
  const client = await openWebSocket(`${url}/realtime`, ['graphql-ws', `header-${header}`]);
  return withMessages(client, async (next) => {
    client.send({ type: 'connection_init' });
    const first = await next();
    if (first.type === 'connection_error')
      return { error: first.payload.errors[0], closed: (await client.closed).code };
    await next();
    const data = JSON.stringify(operation);
    client.send({ id: 'a', type: 'start', payload: { data, extensions: { authorization: headers } } });
    const { payload } = await next();
    return payload.data === undefined ? { error: payload.errors[0] } : { data: payload.data };
  });
}

/** Tells of a connection that is closed in place of the next message. */
async function withMessages(
  client: WebSocketClient,
  talk: (next: () => Promise<Json>) => Promise<Outcome>,
): Promise<Outcome> {
  let isClosed = false as boolean;
  try {
    return await talk(() =>
      client.next().catch((error: unknown) => {
        isClosed = true;
        throw error;
      }),
    );
  } catch (error) {
    if (!isClosed) throw error;
    const { code, reason } = await client.closed;
    return { error: { message: reason }, closed: code };
  } finally {
    client.socket.terminate();
  }
}

function outcomeOf({ data, errors }: Json): Outcome {
  if (errors === undefined) return { data };
  const [{ message, extensions }] = errors;
  return { error: { message, code: extensions.code } };
}
