import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

export interface DrainTimes {
  /** How long new connections are still accepted, in milliseconds. */
  readonly delay: number;
  /** How long requests in flight may then take, in milliseconds. */
  readonly grace: number;
}

/** A source of connections, if another process listens for this one. */
export interface ConnectionSource {
  /** Calls `take` for each connection. */
  start(take: (connection: Socket) => void): void;
  /** Resolves when no further connection comes and all have been taken. */
  stop(): Promise<void>;
}

/** Where no connection comes from: for a process that gets its requests in another way. */
export const noConnections: ConnectionSource = {
  start: () => undefined,
  stop: () => Promise.resolve(),
};

export interface DrainOptions {
  readonly server: Server;
  /** The number of unanswered requests, of all kinds of connections. */
  readonly inFlight: () => number;
  /** Answers all of them with an error. */
  readonly giveUp: () => void;
  /** Called when no connection comes any more, with the milliseconds of grace: asks clients with lasting connections to leave. */
  readonly dismissLasting?: ((grace: number) => void) | undefined;
  /** The source of connections, if another process listens. */
  readonly source?: ConnectionSource | undefined;
}

/**
 * Returns a function that closes the server: requests in flight may finish. After the grace period remaining requests
 * get an error and are cut, and so are all connections that are still open, whatever their protocol is.
 */
export function prepareDrain({
  server,
  inFlight,
  giveUp,
  dismissLasting,
  source,
}: DrainOptions): (times: DrainTimes) => Promise<void> {
  /** Open sockets, with the time when each was accepted. */
  const sockets = new Map<Socket, number>();
  let onNone: (() => void) | undefined;
  server.on('connection', (socket: Socket) => {
    sockets.set(socket, performance.now());
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) onNone?.();
    });
  });

  async function stopListening(delay: number): Promise<void> {
    if (source !== undefined) return source.stop();
    if (delay > 0) await pause(delay);
    await closePort(server);
  }

  /** Closes idle connections. A request that arrives at that very moment would be lost. */
  async function closeIdle(): Promise<void> {
    await untilQuiet();
    server.closeIdleConnections();
    // Connections without any request yet, which Node counts as busy.
    const old = performance.now() - timeToAsk;
    for (const [socket, since] of sockets) if (socket.bytesRead === 0 && since < old) socket.destroy();
  }

  return async ({ delay, grace }) => {
    // Answers from now on tell clients to close the connection, so that they reconnect elsewhere.
    server.prependListener('request', (_request, response: ServerResponse) => {
      response.shouldKeepAlive = false;
    });
    await stopListening(delay);
    dismissLasting?.(grace);
    let isOver = false as boolean;
    const end = setTimeout(() => {
      giveUp();
      setTimeout(() => {
        isOver = true;
        // Node's `closeAllConnections` would leave upgraded connections open.
        for (const socket of sockets.keys()) socket.destroy();
      }, timeToAnswer);
    }, grace);
    const closed = new Promise<void>((resolve) => (onNone = resolve));
    while (sockets.size > 0 || (!isOver && inFlight() > 0)) {
      const soon = pause(timeToAnswer, undefined, { ref: false });
      await (sockets.size > 0 ? Promise.race([closed, soon]) : soon);
      await closeIdle();
    }
    clearTimeout(end);
  };
}

/**
 * Closes the port of a server after accepting all pending connections, as the operating system resets connections that
 * are not accepted. Node accepts one connection per turn of the event loop, so a busy server would accept them too
 * slowly. Therefore they are served only after all have been accepted.
 */
export async function closePort(server: NetServer & { pauseOnConnect?: boolean }): Promise<void> {
  const listeners = server.listeners('connection') as ((connection: Socket) => void)[];
  const { pauseOnConnect } = server;
  const accepted: Socket[] = [];
  server.removeAllListeners('connection');
  server.on('connection', (connection: Socket) => accepted.push(connection));
  server.pauseOnConnect = true;
  await untilQuiet(() => accepted.length);
  // The `close` of Node's HTTP server would close idle connections at once.
  NetServer.prototype.close.call(server);
  server.pauseOnConnect = pauseOnConnect!;
  server.removeAllListeners('connection');
  for (const listener of listeners) server.on('connection', listener);
  for (const connection of accepted) {
    server.emit('connection', connection);
    if (!pauseOnConnect) connection.resume();
  }
}

/**
 * Resolves right after a short turn of the event loop without a new connection, when all pending ones have been
 * accepted. The caller must then close at once, as later connections would be lost. Without such a turn it resolves
 * after a short time.
 */
async function untilQuiet(count = () => 0): Promise<void> {
  await nextTurn(); // which may come without one more look at what there is to read
  const start = performance.now();
  for (let began = start; began - start < longestWait;) {
    const before = count();
    await nextTurn();
    const now = performance.now();
    if (count() === before && now - began <= quietTurn) return;
    began = now;
  }
}

/** Milliseconds. */
const timeToAnswer = 100;
/** How long a request may take to come on a new connection. */
const timeToAsk = 500;
const quietTurn = 0.1;
const longestWait = 1000;
