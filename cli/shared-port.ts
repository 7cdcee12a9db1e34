import type { Worker } from 'node:cluster';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionSource } from '../gateway';
import { lazy } from './lazy';

/** What a worker is told of connections, and what it says. */
export type ConnectionMessage =
  /** To a worker, with the connection. */
  | { readonly type: 'connection' }
  /** From a worker: it has that connection. */
  | { readonly type: 'taken' }
  /** From a worker: it is going to stop. */
  | { readonly type: 'leaving' }
  /** To a worker that leaves: no connection comes any more. */
  | { readonly type: 'last' };

/**
 * A port whose connections are handed to workers, each to one that has taken all that it was given before. Node's
 * `cluster` does the same, but closes connections that it has not handed over yet when its workers stop.
 */
export class SharedPort {
  /** Listens when its caller says so. */
  readonly server: Server;
  /** Connections that no worker has taken yet. */
  readonly #waiting: Socket[] = [];
  readonly #workers = new Set<Worker>();
  readonly #free = new Set<Worker>();
  /** What a worker was given and has not taken yet. */
  readonly #given = new Map<Worker, Socket>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  #onNoneWaiting: (() => void) | undefined;

  constructor() {
    this.server = createServer({ pauseOnConnect: true }, (connection) => {
      connection.on('error', () => undefined); // the worker sees it too
      this.#waiting.push(connection);
      this.#handOn();
    });
  }

  /** Has the worker take connections, until it leaves or dies. */
  add(worker: Worker): void {
    this.#workers.add(worker);
    this.#free.add(worker);
    worker.on('message', ({ type }: ConnectionMessage) => {
      if (type === 'taken') this.#taken(worker);
      // While the port closes, all leave, when they have what has come.
      else if (type === 'leaving' && this.#state !== 'closing') this.#remove(worker);
    });
    worker.once('exit', () => this.#lose(worker));
    this.#handOn();
  }

  /**
   * Closes the port after so many milliseconds, and resolves when workers have all connections that have come. Workers
   * may say that they leave as soon as this is called.
   */
  async close(delay: number): Promise<void> {
    this.#state = 'closing';
    if (delay > 0) await pause(delay);
    await lazy.gateway().closePort(this.server);
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
      tell(worker, { type: 'connection' }, connection);
    }
    if (this.#waiting.length === 0 || this.#workers.size === 0) this.#onNoneWaiting?.();
  }

  #taken(worker: Worker): void {
    this.#given.get(worker)?.destroy(); // this process' part of it
    this.#given.delete(worker);
    if (this.#workers.has(worker)) this.#free.add(worker);
    this.#handOn();
  }

  /** What a worker was given before reaches it before this. */
  #remove(worker: Worker): void {
    this.#workers.delete(worker);
    this.#free.delete(worker);
    tell(worker, { type: 'last' });
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

function tell(worker: Worker, message: ConnectionMessage, connection?: Socket): void {
  if (!worker.isConnected()) return; // it has died; its exit is heard of soon
  worker.send(message, connection, { keepOpen: true }, () => undefined);
}

/** In a worker: the connections that it is handed. */
export function handedConnections(): ConnectionSource {
  const say = (message: ConnectionMessage): void => void process.send?.(message);
  return {
    start(take) {
      process.on('message', ({ type }: ConnectionMessage, connection?: Socket) => {
        if (type !== 'connection') return;
        say({ type: 'taken' });
        if (connection === undefined) return; // it was closed on its way
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
