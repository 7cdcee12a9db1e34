/** The processes of `weir gateway --workers`. Over 300 lines: one class holds all of their states. */
import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AskAll, AskOne } from '../../gateway/console/merged-source';
import type { Invalidation } from '../../gateway/options/invalidation';
import type { MetricsFormat } from '../../gateway/telemetry/metrics/prometheus';
import { SharedPort } from './shared-port';
import { answerTo, ask, OtherGone, type Requests } from './worker-messages';

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
  /** Milliseconds in which a worker must load an extension. */
  readonly loadingLimit: number;
  /** The error of a start or reload whose worker did not load an extension in time. */
  readonly notLoaded: (extension: LoadedExtension) => Error;
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
  /** @param exitCode null if a signal ended it */
  constructor(readonly exitCode: number | null) {
    super(`a worker ended with exit code ${exitCode ?? 'none'} before it was ready`);
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
  const { exec, args } = options;
  cluster.setupPrimary({ exec, args: [...args] });
  const workers = new WorkerProcesses(options);
  await workers.start();
  return workers;
}

class WorkerProcesses implements Workers {
  readonly #options: WorkersOptions;
  readonly #environment = { [callbackKeyVariable]: randomBytes(32).toString('base64url') };
  /** Serving workers by number. The replacement of a worker gets its number. */
  readonly #serving = new Map<number, Worker>();
  /** All workers that may have cached answers: serving ones, and ones that are being drained. */
  readonly #started = new Set<Worker>();
  readonly #port = new SharedPort();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #isStopping = false;
  #shortLives = 0;
  #reloading: Promise<void> = Promise.resolve();
  #nextReload: Promise<void> | undefined;
  /** What workers that start get, and what a worker has last started with. */
  #text: string | undefined;
  #startedText: string | undefined;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#text = this.#startedText = options.text;
  }

  async start(): Promise<void> {
    const { count, listen } = this.#options;
    try {
      await Promise.all(Array.from({ length: count }, (_, i) => this.#startOne(i + 1)));
      await listen(this.#port.server);
    } catch (error) {
      this.#isStopping = true;
      await Promise.all(alive().map((worker) => drain(worker, 0)));
      throw error;
    }
  }

  reload(text: string | undefined): Promise<void> {
    this.#text = text;
    if (this.#nextReload === undefined) {
      this.#nextReload = this.#reloading.then(() => {
        this.#nextReload = undefined;
        return this.#replaceAll();
      });
      this.#reloading = this.#nextReload.catch(() => undefined);
    }
    return this.#nextReload;
  }

  metrics(format: MetricsFormat): Promise<ReadonlyMap<number, string>> {
    return this.#requestAll('metrics', { format });
  }

  readonly console = ((what, input) => this.#requestAll('console', { what, input })) as AskAll;

  readonly consoleOfOne = (async (what, input) => {
    for (const worker of this.#serving.values()) {
      const answer = await ask(worker, 'console', { what, input }, longAnswerTimeout).catch(() => undefined);
      if (answer != null) return answer;
    }
    return undefined;
  }) as AskOne;

  async readiness(): Promise<readonly string[]> {
    if (this.#serving.size === 0) return ['no worker'];
    const answers = [...this.#serving.values()].map((worker) =>
      ask(worker, 'readiness', {}, answerTimeout).catch(() => ['a worker does not answer']),
    );
    return [...new Set((await Promise.all(answers)).flat())];
  }

  async invalidate(invalidation: Invalidation, address: string): Promise<readonly string[] | undefined> {
    const [worker] = this.#serving.values();
    if (worker === undefined) throw new Error('There is no worker.');
    // The worker passes it to the others, or to the store that they share.
    return ask(worker, 'invalidate', { invalidation, address }, 2 * answerTimeout);
  }

  async stop(): Promise<void> {
    const { delay, grace } = this.#options;
    this.#isStopping = true;
    for (const timer of this.#pauses) clearTimeout(timer);
    const closed = this.#port.close(delay);
    await Promise.all([closed, ...alive().map((worker) => drain(worker, delay + grace))]);
  }

  /** Starts a worker. It replaces the one with this number, if there is one. */
  async #startOne(number: number): Promise<void> {
    const worker = cluster.fork(this.#environment);
    const text = this.#text;
    answerTo(worker, { options: () => Promise.resolve(text) });
    const born = performance.now();
    await this.#ready(worker);
    const old = this.#serving.get(number);
    this.#serving.set(number, worker);
    this.#started.add(worker);
    this.#startedText = text;
    const others = () => [...this.#started].filter((each) => each !== worker);
    answerTo(worker, { drop: ({ tags }) => dropIn(others(), tags) });
    this.#port.add(worker);
    worker.once('exit', (code, signal) => {
      this.#started.delete(worker);
      if (this.#serving.get(number) !== worker) return; // it was replaced
      this.#serving.delete(number);
      if (this.#isStopping) return;
      this.#shortLives = performance.now() - born < healthyLife ? this.#shortLives + 1 : 0;
      const end = signal || `exit code ${code}`;
      this.#options.say(`worker ${worker.process.pid ?? '?'} died (${end}); starting another`);
      this.#replaceLater(number);
    });
    if (old !== undefined) await drain(old, this.#options.grace);
  }

  /** Resolves when a worker serves. One that does not load an extension in time is killed. */
  #ready(worker: Worker): Promise<void> {
    const { loadingLimit, notLoaded } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    let late: LoadedExtension | undefined;
    return new Promise((resolve, reject) => {
      worker.once('exit', (code) => {
        clearTimeout(timer);
        reject(late === undefined ? new WorkerStartError(code) : notLoaded(late));
      });
      worker.on('message', (message: ReadyMessage | LoadingMessage) => {
        if (message.type === 'ready') resolve();
        if (message.type !== 'loading') return;
        clearTimeout(timer);
        const { extension } = message;
        if (extension === undefined) return;
        timer = setTimeout(() => {
          late = extension;
          worker.process.kill('SIGKILL');
        }, loadingLimit);
      });
    });
  }

  /**
   * If the first new worker starts, the others are retried until they start, so that all workers have the same options.
   */
  async #replaceAll(): Promise<void> {
    const numbers = [...this.#serving.keys()];
    const text = this.#text;
    const isStopping = () => this.#isStopping;
    let failures = 0;
    let replaced = 0;
    while (replaced < numbers.length && !isStopping()) {
      try {
        await this.#startOne(numbers[replaced]!);
        replaced++;
        failures = 0;
      } catch (error) {
        if (replaced === 0 && this.#text === text) this.#text = this.#startedText;
        if (replaced === 0 || isStopping()) throw error;
        const state = `${replaced} of ${numbers.length} are replaced, trying again`;
        this.#options.say(`a new worker could not start: ${reasonOf(error)}; ${state}`);
        await sleep(pauseAfter(++failures), undefined, { ref: false });
      }
    }
  }

  #replaceLater(number: number): void {
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      this.#startOne(number).catch((error: unknown) => {
        if (this.#isStopping) return;
        this.#shortLives++;
        this.#options.say(`a new worker could not start: ${reasonOf(error)}`);
        this.#replaceLater(number);
      });
    }, pauseAfter(this.#shortLives));
    this.#pauses.add(timer);
  }

  /** The answers of all serving workers by their number from 1; those that answer nothing are left out. */
  async #requestAll<Kind extends keyof Requests>(
    kind: Kind,
    input: Requests[Kind]['input'],
  ): Promise<ReadonlyMap<number, NonNullable<Requests[Kind]['answer']>>> {
    const answers = await Promise.all(
      [...this.#serving].map(async ([number, worker]) => {
        const answer = await ask(worker, kind, input, answerTimeout).catch(() => undefined);
        return [number, answer] as const;
      }),
    );
    return new Map(answers.flatMap(([number, answer]) => (answer == null ? [] : [[number, answer]])));
  }
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

/** A worker sends this before it loads each extension, as one may never yield, and without one when all are loaded. */
export interface LoadingMessage {
  readonly type: 'loading';
  readonly extension?: LoadedExtension;
}

/** An extension, with its index in the option. */
export interface LoadedExtension {
  readonly index: number;
  readonly file: string;
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
