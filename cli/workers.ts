import cluster, { type Worker } from 'node:cluster';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Invalidation } from '../gateway';
import { SharedPort } from './shared-port';
import { answerTo, ask, OtherGone } from './worker-messages';

export interface WorkersOptions {
  /** How many processes share the port. */
  readonly count: number;
  /**
   * The module that each worker runs, and its arguments. It sends `{ type: 'ready' }` when it takes the connections that
   * it is handed, and answers what it is asked.
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
  /**
   * Replaces every worker, one after the other: the new one takes requests before the old one is drained. While they are
   * replaced, this has it done once more, by one for all who ask. Rejects when the first new one cannot start, and then
   * nothing has changed; a later one is tried again until it can.
   */
  reload(): Promise<void>;
  /** What each serving worker says of its metrics, by its number from 1 on; one that does not answer is left out. */
  metrics(): Promise<ReadonlyMap<number, string>>;
  /** Why requests that come now may be refused: what any worker says, each reason once. Empty if all are ready. */
  readiness(): Promise<readonly string[]>;
  /** Invalidates in all workers. Rejects when it is not sure that nobody gets the old answers any more. */
  invalidate(invalidation: Invalidation, address: string): Promise<readonly string[] | undefined>;
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
  /** Those that may hold answers: beside those that serve, those that still drain. */
  const started = new Set<Worker>();
  const port = new SharedPort();
  const pauses = new Set<NodeJS.Timeout>();
  let stopping = false;
  const isStopping = (): boolean => stopping;
  let shortLives = 0;
  let reloading: Promise<void> = Promise.resolve();
  let nextReload: Promise<void> | undefined;

  /** The new one takes the place of the one with this number, if there is one. */
  async function startOne(number: number): Promise<void> {
    const worker = cluster.fork();
    const born = performance.now();
    await ready(worker);
    const old = serving.get(number);
    serving.set(number, worker);
    started.add(worker);
    answerTo(worker, { drop: ({ tags }) => dropIn(others(worker), tags) });
    port.add(worker);
    worker.once('exit', (code, signal) => {
      started.delete(worker);
      if (serving.get(number) !== worker) return; // it was asked to leave
      serving.delete(number);
      if (stopping) return;
      shortLives = performance.now() - born < healthyLife ? shortLives + 1 : 0;
      say(`worker ${worker.process.pid ?? '?'} died (${signal || `exit code ${code}`}); starting another`);
      replaceLater(number);
    });
    if (old !== undefined) await drain(old, grace);
  }

  /** Where the first new one can start, so can the others, sooner or later: two kinds of workers do not stay. */
  async function replaceAll(): Promise<void> {
    const numbers = [...serving.keys()];
    let failures = 0;
    let replaced = 0;
    while (replaced < numbers.length) {
      if (stopping) return;
      try {
        await startOne(numbers[replaced]!);
        replaced++;
        failures = 0;
      } catch (error) {
        if (replaced === 0 || isStopping()) throw error;
        const state = `${replaced} of ${numbers.length} are replaced, trying again`;
        say(`a new worker could not start: ${reasonOf(error)}; ${state}`);
        await sleep(pauseAfter(++failures), undefined, { ref: false });
      }
    }
  }

  const others = (worker: Worker): Worker[] => [...started].filter((each) => each !== worker);

  function replaceLater(number: number): void {
    const timer = setTimeout(() => {
      pauses.delete(timer);
      startOne(number).catch((error: unknown) => {
        if (stopping) return;
        shortLives++;
        say(`a new worker could not start: ${reasonOf(error)}`);
        replaceLater(number);
      });
    }, pauseAfter(shortLives));
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
    reload() {
      if (nextReload === undefined) {
        nextReload = reloading.then(() => {
          nextReload = undefined;
          return replaceAll();
        });
        reloading = nextReload.catch(() => undefined);
      }
      return nextReload;
    },
    async metrics() {
      const asked = [...serving].map(async ([number, worker]) => {
        const text = await ask(worker, 'metrics', {}, answerTimeout).catch(() => undefined);
        return [number, text] as const;
      });
      const answers = await Promise.all(asked);
      return new Map(answers.flatMap(([number, text]) => (text === undefined ? [] : [[number, text]])));
    },
    async readiness() {
      const asked = [...serving.values()].map((worker) =>
        ask(worker, 'readiness', {}, answerTimeout).catch(() => ['a worker does not answer']),
      );
      const reasons = (await Promise.all(asked)).flat();
      return serving.size === 0 ? ['no worker'] : [...new Set(reasons)];
    },
    async invalidate(invalidation, address) {
      const [worker] = serving.values();
      if (worker === undefined) throw new Error('There is no worker.');
      // It has the others do so, or the store that they share.
      return ask(worker, 'invalidate', { invalidation, address }, 2 * answerTimeout);
    },
    async stop() {
      stopping = true;
      for (const timer of pauses) clearTimeout(timer);
      const closed = port.close(delay);
      await Promise.all([closed, ...alive().map((worker) => drain(worker, delay + grace))]);
    },
  };
}

const pauseAfter = (failures: number): number =>
  failures === 0 ? 0 : Math.min(1_000 * 2 ** (failures - 1), longestPause);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const alive = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

/** Milliseconds. */
const answerTimeout = 2_000;

async function dropIn(workers: readonly Worker[], tags: readonly string[]): Promise<undefined> {
  await Promise.all(
    workers.map((worker) =>
      ask(worker, 'drop', { tags }, answerTimeout).catch((error: unknown) => {
        // Its memory has gone with it.
        if (!(error instanceof OtherGone)) throw error;
      }),
    ),
  );
}

/** What a worker says as soon as it serves. */
export interface ReadyMessage {
  readonly type: 'ready';
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('exit', (code) => reject(new WorkerStartError(code)));
    worker.on('message', ({ type }: { readonly type: string }) => {
      if (type === ('ready' satisfies ReadyMessage['type'])) resolve();
    });
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
