import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

export interface DrainTimes {
  /** How long new connections are still taken, in milliseconds. */
  readonly delay: number;
  /** How long requests in flight may then take, in milliseconds. */
  readonly grace: number;
}

/** A source of connections, if another process listens for this one. */
export interface ConnectionSource {
  /** Has each connection taken as it comes. */
  start(take: (connection: Socket) => void): void;
  /** Resolves when no connection comes any more, and all that came are taken. */
  stop(): Promise<void>;
}

export interface DrainOptions {
  readonly server: Server;
  /** How many requests are not answered yet, whatever connections they came by. */
  readonly inFlight: () => number;
  /** Answers all of them. */
  readonly giveUp: () => void;
  /** Called when no connection comes any more, with the milliseconds of grace: has clients leave that would stay. */
  readonly dismissLasting?: ((grace: number) => void) | undefined;
  /** Says when the last connection has come, where another process listens. */
  readonly source?: ConnectionSource | undefined;
}

/**
 * Returns a function that closes the server: requests in flight may finish. Requests that are not finished after the grace
 * period get an answer and are cut, and so are connections that are still open, whatever protocol they speak by then.
 */
export function prepareDrain({
  server,
  inFlight,
  giveUp,
  dismissLasting,
  source,
}: DrainOptions): (times: DrainTimes) => Promise<void> {
  /** With the time when they were accepted. */
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

  /** A connection that is closed just when a request comes on it loses that. */
  async function closeIdle(): Promise<void> {
    await untilQuiet();
    server.closeIdleConnections();
    // Those that a client opened for later: Node counts them as busy.
    const old = performance.now() - timeToAsk;
    for (const [socket, since] of sockets) if (socket.bytesRead === 0 && since < old) socket.destroy();
  }

  return async ({ delay, grace }) => {
    // Whoever keeps a connection learns with the next answer to open another one elsewhere.
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
        // Node's `closeAllConnections` would leave those that were upgraded to another protocol.
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
 * Closes the port of a server after accepting all pending connections, as the system resets those that are not accepted.
 * Node accepts one connection per turn of the event loop, so a busy server would accept them more slowly than they come:
 * they are served only when all are accepted.
 */
export async function closePort(server: NetServer & { pauseOnConnect?: boolean }): Promise<void> {
  const listeners = server.listeners('connection') as ((connection: Socket) => void)[];
  const { pauseOnConnect } = server;
  const accepted: Socket[] = [];
  server.removeAllListeners('connection');
  server.on('connection', (connection: Socket) => accepted.push(connection));
  server.pauseOnConnect = true;
  await untilQuiet(() => accepted.length);
  // Node's server of HTTP would close idle connections at once.
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
 * Resolves right after a turn of the event loop that took next to no time and left the count as it was: what had come is
 * read. What comes then is lost if it is closed, so it is to be closed at once. Without such a turn this does not wait
 * for long.
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
