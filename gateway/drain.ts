import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientRequest } from './client-request';
import { requestError } from './errors';

/**
 * Returns a function that closes the server: no new connection is taken, requests in flight may finish. What is not
 * finished after `grace` milliseconds is answered with `SHUTTING_DOWN`, and then cut.
 */
export function prepareDrain(
  server: Server,
  inFlight: () => readonly ClientRequest[],
): (grace: number) => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  return async (grace) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const closing = setInterval(() => {
      // Those whose last answer went out before the end was known.
      server.closeIdleConnections();
      // Those that a client opened for later: Node counts them as busy.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, 50);
    const end = setTimeout(() => {
      for (const client of inFlight()) client.abort(requestError('SHUTTING_DOWN', {}));
      setTimeout(() => server.closeAllConnections(), timeToAnswer);
    }, grace);
    await closed;
    clearInterval(closing);
    clearTimeout(end);
  };
}

/** Milliseconds. */
const timeToAnswer = 100;
