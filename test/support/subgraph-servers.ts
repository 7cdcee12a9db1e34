import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** A self-signed certificate for localhost and 127.0.0.1. */
export const certificate = readFileSync(join(__dirname, 'tls/cert.pem'), 'utf8');
const key = readFileSync(join(__dirname, 'tls/key.pem'), 'utf8');

export interface RunningServer {
  readonly url: string;
  /** The connections that are open now. */
  readonly connections: ReadonlySet<Socket>;
  stop(): Promise<void>;
}

export type Handler = (
  request: IncomingMessage | Http2ServerRequest,
  response: (ServerResponse | Http2ServerResponse) & NodeJS.WritableStream,
  body: Buffer,
) => void;

export const serveHttp1 = (handler: Handler): Promise<RunningServer> =>
  listen(
    createServer((request, response) => void readBody(request, response, handler)),
    'http',
  );

export const serveHttps = (handler: Handler): Promise<RunningServer> =>
  listen(
    createHttpsServer(
      { key, cert: certificate },
      (request, response) => void readBody(request, response, handler),
    ),
    'https',
  );

export const serveHttp2 = (handler: Handler): Promise<RunningServer> =>
  listen(
    createSecureServer(
      { key, cert: certificate },
      (request, response) => void readBody(request, response, handler),
    ),
    'https',
  );

/** A server that knows nothing of HTTP: `handler` gets each connection when the first bytes have come. */
export const serveBytes = (handler: (socket: Socket) => void): Promise<RunningServer> =>
  listen(
    createSocketServer((socket) => socket.once('data', () => handler(socket))),
    'http',
  );

async function readBody(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  handler: Handler,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    handler(request, response as never, Buffer.concat(chunks));
  } catch {
    // The client has gone.
  }
}

async function listen(server: Server, protocol: string): Promise<RunningServer> {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => connections.delete(socket));
  });
  server.on('secureConnection', (socket: Socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    connections,
    stop: () => {
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
