import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { ClientRequest } from './client-request';
import { requestError } from './errors';

export interface DrainTimes {
  /** How long new connections are still taken, in milliseconds. */
  readonly delay: number;
  /** How long requests in flight may then take, in milliseconds. */
  readonly grace: number;
}

/**
 * Returns a function that closes the server: requests in flight may finish. What is not finished after the grace is
 * answered with `SHUTTING_DOWN`, and then cut.
 */
export function prepareDrain(
  server: Server,
  inFlight: () => readonly ClientRequest[],
): (times: DrainTimes) => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  /** A connection that is closed just when a request comes on it loses that. */
  const closeIdle = async (): Promise<void> => {
    await untilRead();
    server.closeIdleConnections();
    // Those that a client opened for later: Node counts them as busy.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };

  return async ({ delay, grace }) => {
    // Whoever keeps a connection learns with the next answer to open another one elsewhere.
    server.prependListener('request', (_request, response: ServerResponse) => {
      response.shouldKeepAlive = false;
    });
    if (delay > 0) await pause(delay);
    // Whoever has connected by now is accepted.
    await untilRead();
    // Node's server of HTTP would close idle connections at once.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
    const closing = setInterval(() => void closeIdle(), timeToAnswer);
    const end = setTimeout(() => {
      for (const client of inFlight()) client.abort(requestError('SHUTTING_DOWN', {}));
      setTimeout(() => server.closeAllConnections(), timeToAnswer);
    }, grace);
    await closed;
    clearInterval(closing);
    clearTimeout(end);
  };
}

/**
 * Resolves right after the event loop has read what has come, in a turn that took a millisecond at most: what comes
 * meanwhile is not read. Without one such turn it does not wait for long.
 */
async function untilRead(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) {
    const began = performance.now();
    await nextTurn();
    if (performance.now() - began <= 1) return;
  }
}

/** Milliseconds. */
const timeToAnswer = 100;
