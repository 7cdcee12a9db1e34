import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy that opens tunnels, and alone knows what is behind some hosts and ports. */
export interface TunnelProxy {
  readonly url: string;
  /** What tunnels were asked for, in order. */
  readonly tunnels: string[];
  readonly credentials: (string | undefined)[];
  /** The ports behind hosts. */
  readonly ports: Map<string, number>;
  stop(): Promise<void>;
}

export async function startTunnelProxy(): Promise<TunnelProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(400).end());
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    proxy.tunnels.push(request.url!);
    proxy.credentials.push(request.headers['proxy-authorization']);
    const port = proxy.ports.get(request.url!);
    if (port === undefined) {
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    target.on('error', () => client.destroy()).on('close', () => sockets.delete(target));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const proxy: TunnelProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ tunnels: [], credentials: [], ports: new Map() },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((stopped) => server.close(() => stopped()));
    },
  };
  return proxy;
}
