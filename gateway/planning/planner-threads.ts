/**
 * Plans operations in worker threads.
 *
 * Not piscina, which starts a thread as soon as a task has to wait: a planner's thread builds the query graph anew
 * (0.3 s and tens of megabytes), and most plans take a few milliseconds. Here a second thread is started when a plan
 * has kept the first one busy for long, so that other operations get past it, and one of the two goes afterwards.
 */
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import type { QueryPlan, QueryPlannerOptions, SupergraphFacts } from './planner';
import { PlanningError, type PlanningFailure } from './planning-error';
import type { PlanRequest, WorkerMessage } from './worker';

export interface PlannerOptions extends QueryPlannerOptions {
  /**
   * How long a call waits for its plan, and how long a thread works on one, in milliseconds. A thread that takes
   * longer is terminated and replaced.
   *
   * @default 5000
   */
  readonly deadline?: number | undefined;
  /**
   * How many operations may wait for a thread; more are refused at once.
   *
   * @default 500
   */
  readonly queueLimit?: number | undefined;
  /**
   * How long an operation that has failed is refused without being tried again, in milliseconds.
   *
   * @default 60000
   */
  readonly retryAfter?: number | undefined;
  /**
   * How many threads plan when a plan takes long; otherwise there is one.
   *
   * @default 2
   */
  readonly maxThreads?: number | undefined;
  /**
   * How much memory a thread may use, in megabytes. A plan that needs more fails as too complex.
   *
   * @default 1024
   */
  readonly memoryLimit?: number | undefined;
}

export interface Planner {
  /** Settles when the supergraph has been built. Rejects with an `Error` that says what is wrong with it. */
  readonly ready: Promise<SupergraphFacts>;
  /**
   * Plans an operation that is valid against the API schema. Progressive overrides are off unless `overrideLabels`
   * names their labels. Rejects with a `PlanningError`.
   */
  plan(
    document: string,
    operationName: string | undefined,
    overrideLabels?: readonly string[],
  ): Promise<QueryPlan>;
  /** Plans an operation and writes the plan as text, for people. Rejects with a `PlanningError`. */
  describe(
    document: string,
    operationName: string | undefined,
    overrideLabels?: readonly string[],
  ): Promise<string>;
  /** Terminates the threads; what is being planned is rejected. */
  close(): Promise<void>;
}

export function createPlanner(options: PlannerOptions): Planner {
  return new PlannerThreads(options);
}

/** How long one plan may take before another thread is started beside it, in milliseconds. */
const patience = 100;
/** How long to wait before a thread is started again that could not start, in milliseconds. */
const restartDelay = 1000;

type ThreadState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'planning';
      readonly task: Task;
      /** In milliseconds of `performance.now()`. */
      readonly since: number;
      readonly timers: readonly NodeJS.Timeout[];
    };

interface Thread {
  readonly worker: Worker;
  state: ThreadState;
}

interface Task {
  readonly key: string;
  readonly request: PlanRequest;
  /** Answers the caller. Once it has been answered, by the deadline, this does nothing. */
  readonly settle: (result: string | PlanningError) => void;
}

class PlannerThreads implements Planner {
  readonly ready: Promise<SupergraphFacts>;
  readonly #options: PlannerOptions;
  readonly #deadline: number;
  readonly #queueLimit: number;
  readonly #maxThreads: number;
  readonly #threads = new Set<Thread>();
  readonly #queue = new Set<Task>();
  /** Operations that failed for a reason of their own, which would fail again. */
  readonly #failed: LRUCache<string, PlanningFailure>;
  #settleReady!: { resolve: (supergraph: SupergraphFacts) => void; reject: (error: Error) => void };
  #restart: NodeJS.Timeout | undefined;
  #isReady = false;
  /** Why nothing is planned any more. */
  #stopped: PlanningFailure | undefined;

  constructor(options: PlannerOptions) {
    const { deadline = 5000, queueLimit = 500, retryAfter = 60_000, maxThreads = 2 } = options;
    this.#options = options;
    this.#deadline = positive('deadline', deadline);
    this.#queueLimit = positive('queueLimit', queueLimit);
    this.#maxThreads = positive('maxThreads', maxThreads);
    this.#failed = new LRUCache({ max: 10_000, ttl: positive('retryAfter', retryAfter) });
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    // Whoever only calls `plan` learns of a refused supergraph there.
    this.ready.catch(() => undefined);
    this.#start();
  }

  async plan(
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[] = [],
  ): Promise<QueryPlan> {
    const plan = await this.#enqueue({ document, operationName, overrideLabels, form: 'plan' });
    return JSON.parse(plan) as QueryPlan;
  }

  describe(
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[] = [],
  ): Promise<string> {
    return this.#enqueue({ document, operationName, overrideLabels, form: 'text' });
  }

  #enqueue(request: PlanRequest): Promise<string> {
    const { document, operationName, overrideLabels } = request;
    const key = JSON.stringify([document, operationName, overrideLabels.toSorted()]);
    const known = this.#stopped ?? this.#failed.get(key);
    if (known !== undefined) return Promise.reject(new PlanningError(known));
    if (this.#queue.size >= this.#queueLimit) return Promise.reject(new PlanningError('busy'));

    return new Promise((resolve, reject) => {
      const task: Task = {
        key,
        request,
        settle: (result) => {
          clearTimeout(timer);
          if (result instanceof PlanningError) reject(result);
          else resolve(result);
        },
      };
      this.#queue.add(task);
      this.#assign();
      const timer = setTimeout(() => this.#expire(task), this.#deadline);
    });
  }

  /** The caller waits no longer. An operation that only waited itself is not to blame, and may be planned yet. */
  #expire(task: Task): void {
    this.#queue.delete(task);
    const half = performance.now() - this.#deadline / 2;
    for (const thread of this.#threads) {
      const { state } = thread;
      if (state.kind === 'planning' && state.task === task && state.since < half) {
        void this.#giveUp(thread, task, 'timeout');
      }
    }
    task.settle(new PlanningError('timeout'));
  }

  async close(): Promise<void> {
    this.#stop('closed', new Error('The planner was closed before it was ready.'));
    await Promise.all(
      [...this.#threads].map((thread) => {
        this.#taskOf(thread)?.settle(new PlanningError('closed'));
        return this.#end(thread);
      }),
    );
  }

  /** Hands waiting operations to idle threads, the longest-waiting first. */
  #assign(): void {
    for (const thread of this.#threads) {
      const [task] = this.#queue;
      if (task === undefined) return;
      if (thread.state.kind !== 'idle') continue;
      this.#queue.delete(task);
      const timers = [
        setTimeout(() => this.#addThread(), patience).unref(),
        setTimeout(() => void this.#giveUp(thread, task, 'timeout'), this.#deadline).unref(),
      ];
      thread.state = { kind: 'planning', task, since: performance.now(), timers };
      thread.worker.postMessage(task.request);
    }
    if (this.#queue.size > 0 && this.#threads.size === 0) this.#start();
  }

  #addThread(): void {
    const isOneFree = [...this.#threads].some((thread) => thread.state.kind !== 'planning');
    if (!isOneFree && this.#threads.size < this.#maxThreads) this.#start();
  }

  #start(): void {
    if (this.#stopped !== undefined || this.#restart !== undefined) return;
    const { supergraphSdl, pathsLimit, maxEvaluatedPlans, memoryLimit = 1024 } = this.#options;
    const worker = new Worker(workerFile, {
      workerData: { supergraphSdl, pathsLimit, maxEvaluatedPlans } satisfies QueryPlannerOptions,
      resourceLimits: { maxOldGenerationSizeMb: positive('memoryLimit', memoryLimit) },
      execArgv: workerArguments,
    });
    const thread: Thread = { worker, state: { kind: 'starting' } };
    this.#threads.add(thread);
    worker.on('message', (message: WorkerMessage) => this.#receive(thread, message));
    worker.on('error', (error) => this.#fail(thread, error));
    // The timers of waiting operations keep the process alive, an idle planner does not.
    if (this.#isReady) worker.unref();
  }

  #receive(thread: Thread, message: WorkerMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        thread.worker.unref();
        this.#settleReady.resolve(message.supergraph);
        {
          this.#becomeIdle(thread);
          return;
        }
      case 'refused': {
        this.#fail(thread, new Error(message.reason));
        return;
      }
      case 'plan':
        this.#taskOf(thread)?.settle(message.plan);
        {
          this.#becomeIdle(thread);
          return;
        }
      case 'error': {
        const task = this.#taskOf(thread);
        if (task !== undefined) this.#failed.set(task.key, message.failure);
        task?.settle(new PlanningError(message.failure, new Error(message.reason)));
        this.#becomeIdle(thread);
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** The operation that a thread was working on; its timers end. */
  #taskOf({ state }: Thread): Task | undefined {
    if (state.kind !== 'planning') return undefined;
    for (const timer of state.timers) clearTimeout(timer);
    return state.task;
  }

  #becomeIdle(thread: Thread): void {
    thread.state = { kind: 'idle' };
    // A thread was added because this one took long: the other one has the smaller heap.
    const isSpare = [...this.#threads].some((other) => other !== thread && other.state.kind !== 'planning');
    if (isSpare && this.#queue.size === 0) void this.#end(thread);
    else this.#assign();
  }

  /** A thread that has died, or cannot start. */
  #fail(thread: Thread, error: Error): void {
    if (!this.#threads.has(thread)) return;
    if (thread.state.kind === 'planning') {
      // Out of memory, as far as is known. The operation must not do that again.
      void this.#giveUp(thread, thread.state.task, 'too-complex', error);
    } else if (this.#isReady) {
      this.#restart = setTimeout(() => {
        this.#restart = undefined;
        this.#start();
      }, restartDelay).unref();
      void this.#end(thread);
    } else {
      this.#stop('failed', error);
      void this.#end(thread);
    }
  }

  #giveUp(thread: Thread, task: Task, failure: PlanningFailure, cause?: Error): Promise<void> {
    this.#failed.set(task.key, failure);
    task.settle(new PlanningError(failure, cause));
    return this.#end(thread);
  }

  /** Terminates a thread, and starts another one if none is left that can take what waits. */
  async #end(thread: Thread): Promise<void> {
    this.#threads.delete(thread);
    this.#taskOf(thread);
    const ended = thread.worker.terminate();
    this.#addThread();
    await ended;
  }

  #stop(failure: PlanningFailure, reason: Error): void {
    this.#stopped = failure;
    clearTimeout(this.#restart);
    this.#settleReady.reject(reason);
    for (const task of this.#queue) task.settle(new PlanningError(failure, reason));
    this.#queue.clear();
  }
}

// Run from its sources, by jest, this needs a thread that compiles them too.
const workerFile = join(__dirname, `worker${extname(__filename)}`);
const workerArguments =
  extname(__filename) === '.ts' ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : [];

function positive(name: keyof PlannerOptions, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`"${name}" must be a positive number, but got: ${value}`);
}
