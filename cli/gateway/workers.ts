import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AskAll, AskOne } from '../../gateway/console/merged-source';
import type { Invalidation } from '../../gateway/options/invalidation';
import type { MetricsFormat } from '../../gateway/telemetry/metrics/prometheus';
import { SharedPort } from './shared-port';
import { answerTo, ask, OtherGone, type Questions } from './worker-messages';

export interface WorkersOptions {
  /** The number of processes that share the port. */
  readonly count: number;
  /**
   * The module that each worker runs, and its arguments. The module sends `{ type: 'ready' }` when it accepts
   * connections from the primary, and answers the primary's requests.
   */
  readonly exec: string;
  readonly args: readonly string[];
  /** The text of the options file, which workers get from here. Undefined without a file. */
  readonly text: string | undefined;
  /** Makes the server listen. */
  readonly listen: (server: Server) => Promise<void>;
  /** Milliseconds for which connections are still accepted after a stop has begun. */
  readonly delay: number;
  /** Milliseconds from SIGTERM after which a worker is killed. */
  readonly grace: number;
  /** Prints a sentence for the operator. */
  readonly say: (sentence: string) => void;
}

export interface Workers {
  /**
   * Replaces every worker, one after the other. Workers that start from now on get this text of the options file. The new worker accepts requests before the old one is drained. Calls
   * during a replacement lead to one more replacement for all of them. Rejects if the first new worker cannot start;
   * then nothing has changed. A later one is retried until it starts.
   */
  reload(text: string | undefined): Promise<void>;
  /** The metrics of each serving worker, by its number from 1. A worker that does not answer is left out. */
  metrics(format: MetricsFormat): Promise<ReadonlyMap<number, string>>;
  /** What the console of each serving worker shows. */
  readonly console: AskAll;
  /** What the console of a serving worker shows: the first one that answers within half a minute. */
  readonly consoleOfOne: AskOne;
  /** Why new requests may be refused: the reasons of all workers, each one once. Empty if all workers are ready. */
  readiness(): Promise<readonly string[]>;
  /** Invalidates in all workers. Rejects if it is not certain that no client gets the old answers any more. */
  invalidate(invalidation: Invalidation, address: string): Promise<readonly string[] | undefined>;
  /** Drains all workers. Resolves when the last one has ended. No accepted connection is lost. */
  stop(): Promise<void>;
}

/** A worker ended before it was ready. It has the worker's exit code. */
export class WorkerStartError extends Error {
  constructor(readonly exitCode: number) {
    super(`a worker ended with exit code ${exitCode} before it was ready`);
  }
}

/** The environment variable in which workers have the secret by which they know callbacks for one another. */
export const callbackKeyVariable = 'WEIR_CALLBACK_KEY';

/** Milliseconds. If a worker lives shorter than this, the pause before its restart grows. */
const healthyLife = 5_000;
const longestPause = 30_000;

/**
 * Runs several processes of one server behind one port: this process accepts connections and passes them to workers. A
 * worker that dies is replaced. All workers are drained and reloaded together.
 *
 * Rejects with a `WorkerStartError` if the first workers cannot start, and with the error of `listen` if that fails.
 * Then no worker is left running.
 */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { count, exec, args, delay, grace, say } = options;
  cluster.setupPrimary({ exec, args: [...args] });

  const environment = { [callbackKeyVariable]: randomBytes(32).toString('base64url') };

  /** Serving workers by number. The replacement of a worker gets its number. */
  const serving = new Map<number, Worker>();
  /** All workers that may have cached answers: serving ones, and ones that are being drained. */
  const started = new Set<Worker>();
  const port = new SharedPort();
  const pauses = new Set<NodeJS.Timeout>();
  let stopping = false;
  const isStopping = (): boolean => stopping;
  let shortLives = 0;
  let reloading: Promise<void> = Promise.resolve();
  let nextReload: Promise<void> | undefined;
  /** What workers that start get, and what a worker has last started with. */
  let { text } = options;
  let startedText = text;

  /** Starts a worker. It replaces the one with this number, if there is one. */
  async function startOne(number: number): Promise<void> {
    const worker = cluster.fork(environment);
    const own = text;
    answerTo(worker, { options: () => Promise.resolve(own) });
    const born = performance.now();
    await ready(worker);
    const old = serving.get(number);
    serving.set(number, worker);
    started.add(worker);
    startedText = own;
    answerTo(worker, { drop: ({ tags }) => dropIn(others(worker), tags) });
    port.add(worker);
    worker.once('exit', (code, signal) => {
      started.delete(worker);
      if (serving.get(number) !== worker) return; // it was replaced
      serving.delete(number);
      if (stopping) return;
      shortLives = performance.now() - born < healthyLife ? shortLives + 1 : 0;
      say(`worker ${worker.process.pid ?? '?'} died (${signal || `exit code ${code}`}); starting another`);
      replaceLater(number);
    });
    if (old !== undefined) await drain(old, grace);
  }

  /**
   * If the first new worker starts, the others are retried until they start, so that all workers have the same options.
   */
  async function replaceAll(): Promise<void> {
    const numbers = [...serving.keys()];
    const own = text;
    let failures = 0;
    let replaced = 0;
    while (replaced < numbers.length) {
      if (stopping) return;
      try {
        await startOne(numbers[replaced]!);
        replaced++;
        failures = 0;
      } catch (error) {
        if (replaced === 0 && text === own) text = startedText;
        if (replaced === 0 || isStopping()) throw error;
        const state = `${replaced} of ${numbers.length} are replaced, trying again`;
        say(`a new worker could not start: ${reasonOf(error)}; ${state}`);
        await sleep(pauseAfter(++failures), undefined, { ref: false });
      }
    }
  }

  /** Asks all serving workers. What they answer is by their number from 1; those that answer nothing are left out. */
  async function askServing<Kind extends keyof Questions>(
    kind: Kind,
    asked: Questions[Kind]['asked'],
  ): Promise<ReadonlyMap<number, NonNullable<Questions[Kind]['answer']>>> {
    const each = [...serving].map(
      async ([number, worker]) =>
        [number, await ask(worker, kind, asked, answerTimeout).catch(() => undefined)] as const,
    );
    const answers = await Promise.all(each);
    return new Map(answers.flatMap(([number, answer]) => (answer == null ? [] : [[number, answer]])));
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
    reload(next) {
      text = next;
      if (nextReload === undefined) {
        nextReload = reloading.then(() => {
          nextReload = undefined;
          return replaceAll();
        });
        reloading = nextReload.catch(() => undefined);
      }
      return nextReload;
    },
    metrics: (format) => askServing('metrics', { format }),
    console: ((what, input) => askServing('console', { what, input })) as AskAll,
    consoleOfOne: (async (what, input) => {
      for (const worker of serving.values()) {
        const answer = await ask(worker, 'console', { what, input }, longAnswerTimeout).catch(
          () => undefined,
        );
        if (answer != null) return answer;
      }
      return undefined;
    }) as AskOne,
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
      // The worker passes it to the others, or to the store that they share.
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

/** Milliseconds to wait for a worker's answer. */
const answerTimeout = 2_000;
/** Likewise, for one that takes longer, such as the description of a large schema. */
const longAnswerTimeout = 30_000;

async function dropIn(workers: readonly Worker[], tags: readonly string[]): Promise<undefined> {
  await Promise.all(
    workers.map((worker) =>
      ask(worker, 'drop', { tags }, answerTimeout).catch((error: unknown) => {
        // The worker has ended, and its cache with it.
        if (!(error instanceof OtherGone)) throw error;
      }),
    ),
  );
}

/** A worker sends this as soon as it serves. */
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
