import cluster, { type Worker } from 'node:cluster';
import type { Server } from 'node:net';
import { SharedPort } from './shared-port';

export interface WorkersOptions {
  /** How many processes share the port. */
  readonly count: number;
  /**
   * The module that each worker runs, and its arguments. It sends `{ type: 'ready' }` when it takes the connections that
   * it is handed, and answers `{ type: 'metrics', id }` with `{ type: 'metrics', id, text }`.
   */
  readonly exec: string;
  readonly args: readonly string[];
  /** Has the server listen. */
  readonly listen: (server: Server) => Promise<void>;
  /** Milliseconds for which connections are still taken when the workers are stopped. */
  readonly delay: number;
  /** Milliseconds that a worker may take from SIGTERM to its exit before it is killed. */
  readonly grace: number;
  /** One sentence for the operator. */
  readonly say: (sentence: string) => void;
}

export interface Workers {
  /** Replaces every worker, one after the other: the new one takes requests before the old one is drained. */
  reload(): Promise<void>;
  /** What each serving worker says of its metrics, by its number from 1 on; one that does not answer is left out. */
  metrics(): Promise<ReadonlyMap<number, string>>;
  /** Drains all workers and resolves when the last has left. No connection that has come is lost. */
  stop(): Promise<void>;
}

/** A worker that ended before it was ever ready, with the exit code that it gave. */
export class WorkerStartError extends Error {
  constructor(readonly exitCode: number) {
    super(`a worker ended with exit code ${exitCode} before it was ready`);
  }
}

/** A worker that lived shorter than this is restarted later and later. */
const healthyLife = 5_000;
const longestPause = 30_000;

/**
 * Runs several processes of one server behind one port: this process accepts connections and hands them out. A worker
 * that dies is replaced; all are drained and reloaded together.
 *
 * Rejects with a `WorkerStartError` when the first workers cannot start, and when the port cannot be listened on: then
 * none is left running.
 */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { count, exec, args, delay, grace, say } = options;
  cluster.setupPrimary({ exec, args: [...args] });

  /** By number, which a worker's successor inherits. */
  const serving = new Map<number, Worker>();
  const port = new SharedPort();
  const pauses = new Set<NodeJS.Timeout>();
  let stopping = false;
  let shortLives = 0;

  async function startOne(number: number): Promise<void> {
    const worker = cluster.fork();
    const born = performance.now();
    await ready(worker);
    serving.set(number, worker);
    port.add(worker);
    worker.once('exit', (code, signal) => {
      if (serving.get(number) !== worker) return; // it was asked to leave
      serving.delete(number);
      if (stopping) return;
      shortLives = performance.now() - born < healthyLife ? shortLives + 1 : 0;
      say(`worker ${worker.process.pid ?? '?'} died (${signal || `exit code ${code}`}); starting another`);
      replaceLater(number);
    });
  }

  function replaceLater(number: number): void {
    const pause = shortLives === 0 ? 0 : Math.min(1_000 * 2 ** (shortLives - 1), longestPause);
    const timer = setTimeout(() => {
      pauses.delete(timer);
      startOne(number).catch((error: unknown) => {
        if (stopping) return;
        shortLives++;
        say(`a new worker could not start: ${error instanceof Error ? error.message : String(error)}`);
        replaceLater(number);
      });
    }, pause);
    pauses.add(timer);
  }

  try {
    await Promise.all(Array.from({ length: count }, (_, i) => startOne(i + 1)));
    await options.listen(port.server);
  } catch (error) {
    stopping = true;
    await Promise.all(alive().map((worker) => drain(worker, 0)));
    throw error;
  }

  return {
    async reload() {
      for (const [number, old] of [...serving]) {
        await startOne(number);
        await drain(old, grace);
      }
    },
    async metrics() {
      const asked = [...serving].map(async ([number, worker]) => [number, await askMetrics(worker)] as const);
      const answers = await Promise.all(asked);
      return new Map(answers.flatMap(([number, text]) => (text === undefined ? [] : [[number, text]])));
    },
    async stop() {
      stopping = true;
      for (const timer of pauses) clearTimeout(timer);
      const closed = port.close(delay);
      await Promise.all([closed, ...alive().map((worker) => drain(worker, delay + grace))]);
    },
  };
}

const alive = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

/** What workers and this process tell each other. */
export type WorkerMessage =
  { readonly type: 'ready' } | { readonly type: 'metrics'; readonly id: number; readonly text?: string };

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('exit', (code) => reject(new WorkerStartError(code)));
    worker.on('message', ({ type }: WorkerMessage) => {
      if (type === 'ready') resolve();
    });
  });
}

let metricsAsked = 0;
const metricsTimeout = 2_000;

function askMetrics(worker: Worker): Promise<string | undefined> {
  const id = ++metricsAsked;
  return new Promise((resolve) => {
    const answer = (message: WorkerMessage): void => {
      if (message.type === 'metrics' && message.id === id) end(message.text);
    };
    const end = (text?: string): void => {
      clearTimeout(timer);
      worker.off('message', answer);
      resolve(text);
    };
    const timer = setTimeout(end, metricsTimeout);
    worker.on('message', answer);
    if (worker.isConnected()) worker.send({ type: 'metrics', id } satisfies WorkerMessage);
    else end();
  });
}

function drain(worker: Worker, grace: number): Promise<void> {
  if (worker.isDead()) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), grace);
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    worker.process.kill('SIGTERM');
  });
}
