import type { Worker } from 'node:cluster';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { closePort, type ConnectionSource } from '../../gateway/process/clients/drain';

/** Messages about connections, between the primary and a worker. */
export type ConnectionMessage =
  /** To a worker, with the connection. */
  | { readonly type: 'connection' }
  /** From a worker: it has received the connection. */
  | { readonly type: 'taken' }
  /** From a worker: it is about to stop. */
  | { readonly type: 'leaving' }
  /** To a worker that stops: no further connection follows. */
  | { readonly type: 'last' };

/**
 * A port whose connections are passed to workers. A worker gets a connection only after it has received the previous
 * one. Node's `cluster` does the same, but when workers stop it closes connections that it has not passed on yet.
 */
export class SharedPort {
  /** The caller makes it listen. */
  readonly server: Server;
  /** Connections that have not been sent to a worker yet. */
  readonly #waiting: Socket[] = [];
  readonly #workers = new Set<Worker>();
  readonly #free = new Set<Worker>();
  /** The connection that was sent to a worker and that the worker has not confirmed yet. */
  readonly #given = new Map<Worker, Socket>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  #onNoneWaiting: (() => void) | undefined;

  constructor() {
    this.server = createServer({ pauseOnConnect: true }, (connection) => {
      connection.on('error', () => undefined); // the worker gets the error, too
      this.#waiting.push(connection);
      this.#handOn();
    });
  }

  /** Passes connections to the worker until it stops or dies. */
  add(worker: Worker): void {
    this.#workers.add(worker);
    this.#free.add(worker);
    worker.on('message', ({ type }: ConnectionMessage) => {
      if (type === 'taken') this.#taken(worker);
      // While the port closes, `close` removes all workers after the last connection.
      else if (type === 'leaving' && this.#state !== 'closing') this.#remove(worker);
    });
    worker.once('exit', () => this.#lose(worker));
    this.#handOn();
  }

  /**
   * Closes the port after `delay` milliseconds. Resolves when workers have received all connections. Workers may send
   * `leaving` as soon as this is called.
   */
  async close(delay: number): Promise<void> {
    this.#state = 'closing';
    if (delay > 0) await pause(delay);
    await closePort(this.server);
    await new Promise<void>((resolve) => {
      this.#onNoneWaiting = resolve;
      this.#handOn();
    });
    this.#state = 'closed';
    for (const connection of this.#waiting) connection.destroy();
    for (const worker of this.#workers) this.#remove(worker);
  }

  #handOn(): void {
    for (const worker of this.#free) {
      const connection = this.#waiting.shift();
      if (connection === undefined) break;
      this.#free.delete(worker);
      this.#given.set(worker, connection);
      send(worker, { type: 'connection' }, connection);
    }
    if (this.#waiting.length === 0 || this.#workers.size === 0) this.#onNoneWaiting?.();
  }

  #taken(worker: Worker): void {
    this.#given.get(worker)?.destroy(); // the copy of this process
    this.#given.delete(worker);
    if (this.#workers.has(worker)) this.#free.add(worker);
    this.#handOn();
  }

  /** Removes a worker. It gets `last` after all connections that were sent to it. */
  #remove(worker: Worker): void {
    this.#workers.delete(worker);
    this.#free.delete(worker);
    send(worker, { type: 'last' });
  }

  #lose(worker: Worker): void {
    this.#workers.delete(worker);
    this.#free.delete(worker);
    const connection = this.#given.get(worker);
    this.#given.delete(worker);
    if (connection !== undefined) this.#waiting.unshift(connection);
    this.#handOn();
  }
}

function send(worker: Worker, message: ConnectionMessage, connection?: Socket): void {
  if (!worker.isConnected()) return; // it has died; its `exit` event follows
  worker.send(message, connection, { keepOpen: true }, () => undefined);
}

/** In a worker: the connections from the primary. */
export function handedConnections(): ConnectionSource {
  const say = (message: ConnectionMessage): void => void process.send?.(message);
  return {
    start(take) {
      process.on('message', ({ type }: ConnectionMessage, connection?: Socket) => {
        if (type !== 'connection') return;
        say({ type: 'taken' });
        if (connection === undefined) return; // it was closed during the transfer
        connection.allowHalfOpen = true;
        connection.setNoDelay(true);
        take(connection);
      });
    },
    async stop() {
      const last = new Promise<void>((resolve) => {
        process.on('message', ({ type }: ConnectionMessage) => {
          if (type === 'last') resolve();
        });
      });
      say({ type: 'leaving' });
      await last;
    },
  };
}
