/**
 * Plans operations in worker threads. Longer than other files: a thread's life and the order of the work are one thing.
 *
 * Not piscina, which starts a thread as soon as a task has to wait: a planner's thread builds the query graph anew
 * (0.3 s and tens of megabytes), and most plans take a few milliseconds. Here a second thread is started when a plan
 * has kept the first one busy for long, and one of the two goes afterwards.
 *
 * Few operations are slow to plan, but whoever sends some at once must not keep all others waiting. So an operation at
 * first gets a short while only. One that needs more is begun anew, with time up to the deadline, on any thread but the
 * last one, which is kept for those that may be quick.
 */
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import type { QueryPlan, QueryPlannerOptions, SupergraphFacts } from './planner';
import { PlanningError, type PlanningFailure } from './planning-error';
import { type Task, WaitingTasks } from './waiting-tasks';
import type { PlanRequest, TimedPlanRequest, WorkerMessage } from './worker';

export interface PlannerOptions extends QueryPlannerOptions {
  /**
   * How long a call waits for its plan, and how long a thread works on one, in milliseconds.
   *
   * @default 5000
   */
  readonly deadline?: number | undefined;
  /**
   * How many operations may wait for a thread, where a long one counts as one for each 4 KiB of it; more are refused at
   * once, first those of who has most of them there.
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
   * How many threads plan when a plan takes long; otherwise there is one. With no more than one in all, an operation
   * that is slow to plan keeps all others waiting.
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
   * names their labels. Where operations wait, their senders take turns. Rejects with a `PlanningError`.
   */
  plan(
    document: string,
    operationName: string | undefined,
    overrideLabels?: readonly string[],
    sender?: string,
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
/**
 * How long an operation may take before it counts as slow, in milliseconds: when nobody else waits, and when somebody
 * does. It is planned anew then, so that this should be much longer than most take.
 */
const quickness = { alone: 1000, contended: 200 };
/** How long after the deadline a thread is terminated that does not say that a plan's time is over, in milliseconds. */
const terminateAfter = 250;
/**
 * Megabytes of young objects. V8 would take up to 48, which an idle thread keeps: plans are not made faster by it.
 */
const youngGeneration = 4;
/** Characters that count as one operation of those that may wait. */
const longDocument = 4096;
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

class PlannerThreads implements Planner {
  readonly ready: Promise<SupergraphFacts>;
  readonly #options: PlannerOptions;
  readonly #deadline: number;
  readonly #queueLimit: number;
  readonly #maxThreads: number;
  readonly #threads = new Set<Thread>();
  readonly #queue: WaitingTasks;
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
    this.#queue = new WaitingTasks(retryAfter);
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    // Whoever only calls `plan` learns of a refused supergraph there.
    this.ready.catch(() => undefined);
    this.#start();
  }

  async plan(
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[] = [],
    sender = '',
  ): Promise<QueryPlan> {
    const plan = await this.#enqueue({ document, operationName, overrideLabels, form: 'plan' }, sender);
    return JSON.parse(plan) as QueryPlan;
  }

  describe(
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[] = [],
  ): Promise<string> {
    return this.#enqueue({ document, operationName, overrideLabels, form: 'text' }, '');
  }

  #enqueue(request: PlanRequest, sender: string): Promise<string> {
    const { document, operationName, overrideLabels } = request;
    const key = JSON.stringify([document, operationName, overrideLabels.toSorted()]);
    const known = this.#stopped ?? this.#failed.get(key);
    if (known !== undefined) return Promise.reject(new PlanningError(known));
    while (this.#queue.weight >= this.#queueLimit) {
      const busy = new PlanningError('busy');
      const displaced = this.#queue.takeOfMost(sender);
      if (displaced === undefined) return Promise.reject(busy);
      displaced.settle(busy);
    }

    return new Promise((resolve, reject) => {
      const task: Task = {
        key,
        request,
        sender,
        weight: Math.ceil((document.length + 1) / longDocument),
        isSlow: false,
        worked: 0,
        expires: performance.now() + this.#deadline,
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

  /** The caller waits no longer. An operation that mostly waited itself is not to blame, and may be planned yet. */
  #expire(task: Task): void {
    this.#queue.delete(task);
    const worked = [...this.#threads].reduce((sum, thread) => sum + workedOn(task, thread), task.worked);
    if (worked >= this.#deadline / 2) this.#failed.set(task.key, 'timeout');
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

  /** Hands waiting operations to idle threads. */
  #assign(): void {
    for (const thread of this.#threads) {
      if (thread.state.kind !== 'idle') continue;
      const task = this.#take();
      if (task !== undefined) this.#work(thread, task);
    }
    if (this.#queue.size > 0 && this.#threads.size === 0) this.#start();
  }

  /** The next to be planned. What has failed while it waited is not tried again. */
  #take(): Task | undefined {
    for (;;) {
      const task = this.#queue.take({ slowToo: this.#mayTakeSlow() });
      const failure = task && this.#failed.get(task.key);
      if (failure === undefined) return task;
      task!.settle(new PlanningError(failure));
    }
  }

  /** One thread is kept for operations that may be quick. */
  #mayTakeSlow(): boolean {
    const slow = [...this.#threads].filter(({ state }) => state.kind === 'planning' && state.task.isSlow);
    return slow.length < Math.max(1, this.#maxThreads - 1);
  }

  #work(thread: Thread, task: Task): void {
    const since = performance.now();
    const timeLimit =
      task.isSlow || this.#maxThreads === 1
        ? Math.max(this.#deadline / 2, task.expires - since)
        : Math.min(this.#deadline, this.#queue.size === 0 ? quickness.alone : quickness.contended);
    const timers = [
      setTimeout(() => this.#addThread(), patience).unref(),
      setTimeout(() => void this.#giveUp(thread, task, 'timeout'), this.#deadline + terminateAfter).unref(),
    ];
    thread.state = { kind: 'planning', task, since, timers };
    thread.worker.postMessage({ ...task.request, timeLimit } satisfies TimedPlanRequest);
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
      resourceLimits: {
        maxOldGenerationSizeMb: positive('memoryLimit', memoryLimit),
        maxYoungGenerationSizeMb: youngGeneration,
      },
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
        if (task !== undefined) {
          task.worked += workedOn(task, thread);
          this.#receiveError(task, message);
        }
        this.#becomeIdle(thread);
        return;
      }
      default:
        message satisfies never;
    }
  }

  #receiveError(task: Task, { failure, reason }: WorkerMessage & { readonly kind: 'error' }): void {
    const mayTryAgain = failure === 'timeout' && this.#maxThreads > 1 && !task.isSlow;
    if (mayTryAgain && performance.now() < task.expires) {
      this.#queue.addSlow(task);
    } else {
      this.#failed.set(task.key, failure);
      task.settle(new PlanningError(failure, new Error(reason)));
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
    for (const task of this.#queue.clear()) task.settle(new PlanningError(failure, reason));
  }
}

/** For how long a thread has been working on a task, in milliseconds. */
const workedOn = (task: Task, { state }: Thread): number =>
  state.kind === 'planning' && state.task === task ? performance.now() - state.since : 0;

// Run from its sources, by jest, this needs a thread that compiles them too.
const workerFile = join(__dirname, `worker${extname(__filename)}`);
const workerArguments =
  extname(__filename) === '.ts' ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : [];

function positive(name: keyof PlannerOptions, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`"${name}" must be a positive number, but got: ${value}`);
}
