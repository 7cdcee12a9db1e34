/** Subscriptions over WebSocket, by the protocol `graphql-transport-ws`. */
import { type ExecutionResult, GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { handleProtocols, makeServer } from 'graphql-ws';
import { type FastifyBaseLogger } from 'fastify';
import { type IncomingHttpHeaders, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { type Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type LinkProof } from '../identity/private-link';
import { readTrace } from '../traces/trace';
import { type OpenSubscription, SubscriptionRefused } from './open-subscription';

export interface WebSocketOptions {
  readonly open: OpenSubscription;
  /** Aborted when the process begins to drain. */
  readonly draining: AbortSignal;
  /** Milliseconds between two pings. A client that has not answered the last one is cut. */
  readonly heartbeat: number;
  readonly schema: GraphQLSchema;
  readonly log: FastifyBaseLogger;
  readonly path: string;
  /** Checks an upgrade request; throws a `LinkRefused`. @default undefined: every request is taken */
  readonly checkUpgrade: ((url: string, headers: IncomingHttpHeaders) => LinkProof) | undefined;
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
}

/** How long a client may take to close its side, in milliseconds. */
const closeGrace = 1000;

interface Extra {
  readonly headers: IncomingHttpHeaders;
  readonly checked: LinkProof | null;
}

/**
 * Takes the upgrade requests of a server. Close codes are those of the protocol (4500 also when the event source fails),
 * and beside them 1001 when the subgraph stops, 1013 over `maxConnections`, 1002 for a compressed frame, and 1009 for a
 * message over `maxMessageBytes`.
 */
export function serveWebSockets(server: Server, options: WebSocketOptions): void {
  const { log, path, checkUpgrade, draining, heartbeat, maxMessageBytes, maxConnections } = options;
  const protocol = makeProtocol(options);
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    handleProtocols,
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { headers, url = '' } = request;
    let checked: LinkProof | null;
    try {
      if (url.split('?', 1)[0] !== path) throw new UpgradeRefused(404, 'NOT_FOUND', 'There is nothing here.');
      if (draining.aborted) throw new UpgradeRefused(503, 'UNAVAILABLE', 'The subgraph is stopping.');
      checked = checkUpgrade?.(url, headers) ?? null;
    } catch (error) {
      const { message } = error as Error;
      log.warn({ reason: message }, 'request refused');
      refuse(
        socket,
        error instanceof UpgradeRefused ? error : new UpgradeRefused(401, 'LINK_REFUSED', message),
      );
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', (error) => log.warn({ err: error }, 'a WebSocket failed'));
      if (sockets.clients.size > maxConnections) webSocket.close(1013, 'Too many connections.');
      else connect(webSocket, { headers, checked });
    });
  });

  draining.addEventListener('abort', () => {
    for (const socket of sockets.clients) socket.close(1001, 'The subgraph is stopping.');
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, closeGrace).unref();
  });

  function connect(socket: WebSocket, extra: Extra): void {
    let isAlive = true;
    const beat = setInterval(() => {
      if (!isAlive) socket.terminate();
      else socket.ping();
      isAlive = false;
    }, heartbeat);
    socket.on('pong', () => (isAlive = true));
    const onClose = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) =>
          new Promise((sent) => {
            // A socket that has closed needs no more messages.
            socket.send(text, () => sent());
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) =>
          socket.on('message', (data) => {
            take(String(data as Buffer)).catch((error: unknown) => {
              log.error({ err: error }, 'masked error');
              socket.close(4500, 'Internal server error');
            });
          }),
      },
      extra,
    );
    socket.once('close', (code, reason) => {
      clearInterval(beat);
      void onClose(code, String(reason));
    });
  }
}

/** `graphql-ws` runs the protocol; what it would parse, validate and execute is done by `open`. */
function makeProtocol({ open, log, schema }: WebSocketOptions) {
  return makeServer<Record<string, unknown>, Extra>({
    async onSubscribe({ extra, connectionParams }, _, payload) {
      try {
        const headers = { ...extra.headers, ...headersIn(connectionParams) };
        const trace = readTrace(headers);
        const { requestId, traceId } = trace;
        const call = { headers, checked: extra.checked, trace, log: log.child({ requestId, traceId }) };
        return { schema, document: anySubscription, contextValue: await open(payload, call) };
      } catch (error) {
        if (error instanceof SubscriptionRefused)
          return error.errors.map(
            ({ message, path, extensions }) => new GraphQLError(message, { path, extensions }),
          );
        throw error;
      }
    },
    subscribe: ({ contextValue }) => contextValue as AsyncIterable<ExecutionResult>,
    onNext: (_, __, ___, ____, result) => result as object,
    /** After an `error` a gateway would not come back: where the event source has failed, the connection closes. */
    onError: (_, __, ___, errors) => {
      for (const { originalError } of errors) if (originalError) throw originalError;
    },
  });
}

/** Says to `graphql-ws` that the operation, which `open` has read, is a subscription. */
const anySubscription = parse('subscription { event }');

/** `connectionParams` are headers by another name. */
const headersIn = (connectionParams: Record<string, unknown> = {}): IncomingHttpHeaders =>
  Object.fromEntries(
    Object.entries(connectionParams).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
    ),
  );

class UpgradeRefused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

function refuse(socket: Duplex, { status, code, message }: UpgradeRefused): void {
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  socket.on('error', () => undefined);
  // Nothing reads it any more, so that the end of the client's side would not be seen.
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
