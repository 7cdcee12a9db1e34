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
 *
 * One whose time was over is refused for a while. On a busy machine that may be no fault of its own, so it is tried once
 * more in the background, by a thread that nobody waits for.
 */
import { hash } from 'node:crypto';
import { totalmem } from 'node:os';
import { extname, join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import type { QueryPlan, QueryPlannerOptions, SupergraphFacts } from './planner';
import { processorTimeOf, systemThread } from './thread-time';
import { PlanTimes } from './plan-times';
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
   * @default what `memoryForThreads` says, in equal parts
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
/** How long one may be worked on before others of its sender count as slow, too, in milliseconds, if none was quick. */
const suspicion = 75;
/** The share of a time for which a thread has had a processor that counts as all of it. */
const fullyWorked = 0.75;
/**
 * The share of the deadline for which an operation has been worked on that is to blame for its timeout: by the time of the
 * processor, which no other work takes, or by the clock.
 */
const blame = { processor: 1 / 5, clock: 1 / 2 };
/** Operations that are kept to be tried once more, and their characters: an attacker has more. */
const mostAgain = { max: 20, maxSize: 1024 ** 2 };
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
      /** In milliseconds of `performance.now()`, and of the processor time of the thread where that is known. */
      readonly since: { readonly clock: number; readonly processor: number | undefined };
      readonly timers: readonly NodeJS.Timeout[];
    };

interface Thread {
  readonly worker: Worker;
  state: ThreadState;
  /** As the system calls it; undefined before it is ready, and where the system does not say. */
  id: number | undefined;
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
  readonly #times: PlanTimes;
  /** In milliseconds. */
  readonly #toBlame: number;
  /** Operations that are to be tried once more in the background, and the keys of those that were. */
  readonly #again: LRUCache<string, PlanRequest>;
  readonly #triedAgain = new LRUCache<string, true>({ max: 10_000 });
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
    const { processor, clock } = blame;
    this.#toBlame = this.#deadline * (processorTimeOf(systemThread()) === undefined ? clock : processor);
    this.#times = new PlanTimes({ deadline, quickness: quickness.contended, rememberFor: retryAfter });
    this.#again = new LRUCache({
      ...mostAgain,
      ttl: retryAfter,
      sizeCalculation: ({ document }) => document.length + 1,
    });
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
    // Not the text itself: many of it are remembered, and each may be as long as a request.
    const key = hash(
      'sha256',
      JSON.stringify([document, operationName, overrideLabels.toSorted()]),
      'base64',
    );
    const known = this.#stopped ?? this.#failed.get(key);
    if (known !== undefined) return Promise.reject(new PlanningError(known));
    if (this.#isTooMany(sender, this.#queue.countOf(sender) + 1))
      return Promise.reject(new PlanningError('limited'));
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

  /** Of whoever is no client nothing is refused. */
  #isTooMany(sender: string, waiting: number, suspects = 0): boolean {
    return sender !== '' && waiting > this.#times.mostWaiting(sender, suspects);
  }

  /** Refuses what of a sender will not have its turn in time, the newest first. */
  #refuseDoomed(sender: string, suspects = 0): void {
    while (this.#isTooMany(sender, this.#queue.countOf(sender), suspects))
      this.#queue.takeNewestOf(sender)!.settle(new PlanningError('limited'));
  }

  /** The caller waits no longer. */
  #expire(task: Task): void {
    this.#queue.delete(task);
    task.settle(new PlanningError('timeout'));
    let { worked } = task;
    for (const thread of this.#threads)
      if (thread.state.kind === 'planning' && thread.state.task === task) worked += workedOn(thread);
    this.#blame(task, worked);
  }

  /** Remembers an operation whose time was over, if it is to blame: one that mostly waited, itself or for a processor, is not. */
  #blame(task: Task, worked: number): void {
    if (worked < this.#toBlame || this.#stopped !== undefined) return;
    this.#failed.set(task.key, 'timeout');
    if (this.#maxThreads === 1 || this.#triedAgain.has(task.key)) return;
    this.#triedAgain.set(task.key, true);
    this.#again.set(task.key, task.request);
    if (this.#threads.size < this.#maxThreads) this.#start();
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
    if (this.#queue.hasSlow) this.#endBackground();
  }

  /** Somebody waits for what the thread could do that tries something once more. */
  #endBackground(): void {
    for (const thread of this.#threads)
      if (thread.state.kind === 'planning' && thread.state.task.isBackground === true) {
        const { key, request } = thread.state.task;
        this.#again.set(key, request);
        void this.#end(thread);
      }
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
    const since = { clock: performance.now(), processor: processorTimeOf(thread.id) };
    const timeLimit =
      task.isSlow || this.#maxThreads === 1
        ? Math.max(this.#deadline / 2, task.expires - since.clock)
        : Math.min(this.#deadline, this.#queue.size === 0 ? quickness.alone : quickness.contended);
    const timers = [
      setTimeout(() => this.#suspect(thread), suspicion).unref(),
      setTimeout(() => this.#addThread(), patience).unref(),
      setTimeout(() => void this.#giveUp(thread, task, 'timeout'), this.#deadline + terminateAfter).unref(),
    ];
    thread.state = { kind: 'planning', task, since, timers };
    thread.worker.postMessage({ ...task.request, timeLimit } satisfies TimedPlanRequest);
  }

  /** A quick one would be done by now, if the thread had a processor. */
  #suspect(thread: Thread): void {
    if (thread.state.kind !== 'planning' || thread.state.task.isSlow) return;
    if (hadProcessorFor(suspicion, thread)) this.#refuseDoomed(thread.state.task.sender, 1);
  }

  #addThread(): void {
    const isOneFree = [...this.#threads].some((thread) => thread.state.kind !== 'planning');
    if (isOneFree) return;
    if (this.#threads.size < this.#maxThreads) this.#start();
    else if (this.#queue.size > 0) this.#endBackground();
  }

  #start(): void {
    if (this.#stopped !== undefined || this.#restart !== undefined) return;
    const { supergraphSdl, pathsLimit, maxEvaluatedPlans } = this.#options;
    const { memoryLimit = Math.min(1024, Math.max(64, memoryForThreads() / this.#maxThreads)) } =
      this.#options;
    const worker = new Worker(workerFile, {
      workerData: { supergraphSdl, pathsLimit, maxEvaluatedPlans } satisfies QueryPlannerOptions,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.floor(positive('memoryLimit', memoryLimit)),
        maxYoungGenerationSizeMb: youngGeneration,
      },
      execArgv: workerArguments,
    });
    const thread: Thread = { worker, state: { kind: 'starting' }, id: undefined };
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
        thread.id = message.thread;
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
      case 'plan': {
        const task = this.#taskOf(thread);
        if (task !== undefined) {
          this.#noteQuick(task, thread);
          this.#failed.delete(task.key);
          task.settle(message.plan);
        }
        this.#becomeIdle(thread);
        return;
      }
      case 'error': {
        const task = this.#taskOf(thread);
        if (task !== undefined) {
          this.#receiveError(task, thread, message);
        }
        this.#becomeIdle(thread);
        return;
      }
      default:
        message satisfies never;
    }
  }

  #receiveError(
    task: Task,
    thread: Thread,
    { failure, reason }: WorkerMessage & { readonly kind: 'error' },
  ): void {
    if (failure !== 'timeout') {
      this.#noteQuick(task, thread);
      this.#failed.set(task.key, failure);
      task.settle(new PlanningError(failure, new Error(reason)));
      return;
    }
    const worked = workedOn(thread);
    if (!task.isSlow && hadProcessorFor(quickness.contended, thread)) {
      this.#times.noteSlow(task.sender);
      this.#refuseDoomed(task.sender);
    }
    task.worked += worked;
    if (!task.isSlow && this.#maxThreads > 1 && performance.now() < task.expires) {
      this.#queue.addSlow(task);
    } else {
      task.settle(new PlanningError('timeout', new Error(reason)));
      this.#blame(task, task.worked);
    }
  }

  #noteQuick(task: Task, thread: Thread): void {
    if (!task.isSlow) this.#times.noteQuick(task.sender, workedOn(thread));
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
    if (!isSpare || this.#queue.size > 0) {
      this.#assign();
      return;
    }
    const again = this.#takeAgain();
    if (again === undefined) void this.#end(thread);
    else this.#work(thread, again);
  }

  /** An operation that failed, as a task for which nobody waits. */
  #takeAgain(): Task | undefined {
    const key = this.#again.rkeys().next().value;
    const request = key === undefined ? undefined : this.#again.get(key);
    if (key === undefined || request === undefined) return undefined;
    this.#again.delete(key);
    return {
      ...{ key, request, sender: '', weight: 1, isSlow: true, worked: 0, isBackground: true },
      expires: performance.now() + this.#deadline,
      settle: () => undefined,
    };
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
      this.#stop('failed', isOutOfMemory(error) ? new Error(tooLittleMemory, { cause: error }) : error);
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

/** For how long a thread has worked on its task: had a processor for it, where that is known. In milliseconds. */
function workedOn({ id, state }: Thread): number {
  if (state.kind !== 'planning') return 0;
  const { clock, processor } = state.since;
  const now = processor === undefined ? undefined : processorTimeOf(id);
  return now === undefined ? performance.now() - clock : now - processor!;
}

/** Whether a thread has really worked on its task for so long. Where nobody says, it may have waited for a processor. */
const hadProcessorFor = (time: number, thread: Thread): boolean =>
  thread.state.kind === 'planning' &&
  thread.state.since.processor !== undefined &&
  workedOn(thread) >= time * fullyWorked;

const isOutOfMemory = (error: Error): boolean =>
  (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
const tooLittleMemory = 'The supergraph needs more memory than a planner thread has (`planning.memory`).';

/**
 * The memory that all planner threads may use together, in megabytes: three eighths of what the process may have. The heap
 * has a half, of what its container has or by `--max-old-space-size`; buffers and code have the rest.
 */
export function memoryForThreads(
  has = Math.min(process.constrainedMemory() || Infinity, totalmem()),
  heapLimit = getHeapStatistics().heap_size_limit,
): number {
  return ((3 / 8) * Math.min(has, 2 * heapLimit)) / 1024 ** 2;
}

// Run from its sources, by jest, this needs a thread that compiles them too.
const workerFile = join(__dirname, `worker${extname(__filename)}`);
const workerArguments =
  extname(__filename) === '.ts' ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : [];

function positive(name: keyof PlannerOptions, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`"${name}" must be a positive number, but got: ${value}`);
}
