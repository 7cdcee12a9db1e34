/**
 * Plans operations in worker threads. Over 300 lines: when a thread starts and ends depends on the order of the work.
 *
 * Not piscina, which starts a thread as soon as a task has to wait: a planner's thread builds the query graph anew
 * (0.3 s and tens of megabytes), and most plans take a few milliseconds. Here a second thread is started when a plan
 * has kept the first one busy for long, and one of the two goes afterwards.
 *
 * Few operations are slow to plan, but several of them at once must not delay all others. So the first try of an
 * operation has a short time limit. An operation that needs more is planned anew, with time up to the deadline, on any
 * thread but the last one, which is kept for operations that may be quick.
 *
 * An operation that timed out is refused for a while. A busy machine may be the cause, so it is tried once more in the
 * background, on a spare thread.
 *
 * The last thread ends when it has had nothing to plan for long, which gives back 15 MB and more. The next operation
 * starts another one and waits for it.
 */
import { hash } from 'node:crypto';
import { totalmem } from 'node:os';
import { extname, join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import type { QueryPlan, QueryPlannerOptions, SupergraphFacts } from './planner';
import { processorTimeOf, systemThread } from './thread-time';
import { atMost } from './at-most';
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
   * How many operations may wait for a thread; a document counts as one for each 4 KiB begun. More are refused at once,
   * first those of the sender with the most.
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
   * Most threads while a plan takes long; otherwise there is one. With a maximum of one, a slow operation delays all
   * others.
   *
   * @default 2
   */
  readonly maxThreads?: number | undefined;
  /**
   * How long the last thread stays that has nothing to plan, in milliseconds; 0: as long as the planner. It also stays if
   * it took more than a quarter of `deadline` to start.
   *
   * @default 600000
   */
  readonly idleTime?: number | undefined;
  /**
   * How much memory a thread may use, in megabytes. A plan that needs more fails as too complex.
   *
   * @default an equal part of `memoryForThreads`, within 64 and 1024
   */
  readonly memoryLimit?: number | undefined;
  /**
   * The facts of the supergraph, where they are known already. Then no thread is started before an operation is planned.
   *
   * @default a thread finds them
   */
  readonly facts?: SupergraphFacts | undefined;
}

export interface Planner {
  /** Settles when the supergraph has been built. Rejects with an `Error` that says what is wrong with it. */
  readonly ready: Promise<SupergraphFacts>;
  /**
   * Plans an operation that is valid against the API schema. Progressive overrides are off unless `overrideLabels`
   * names their labels. Senders of waiting operations take turns. Rejects with a `PlanningError`.
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
  /** Terminates the threads, and rejects all pending operations. */
  close(): Promise<void>;
}

export function createPlanner(options: PlannerOptions): Planner {
  return new PlannerThreads(options);
}

/** How long one plan may take before another thread is started beside it, in milliseconds. */
const patience = 100;
/**
 * How long an operation may take before it counts as slow, in milliseconds: when no other waits, and when one does. A
 * slow operation is planned anew, so this should be much longer than most take.
 */
const quickness = { alone: 1000, contended: 200 };
/** How long one may take before its sender's other operations count as slow too, if none was quick; in milliseconds. */
const suspicion = 75;
/** The share of a time span that a thread must have had a processor to count as working all of it. */
const fullyWorked = 0.75;
/**
 * The share of the deadline that a thread must have worked on an operation for its timeout to count as the operation's
 * own fault: in processor time, which excludes other work, or by the clock.
 */
const blame = { processor: 1 / 5, clock: 1 / 2 };
/** Most operations kept for a second try, and most characters of them: a bound for attackers. */
const mostAgain = { max: 20, maxSize: 1024 ** 2 };
/** How long after the deadline a thread that has not answered is terminated, in milliseconds. */
const terminateAfter = 250;
/**
 * Megabytes for young objects. V8 would take up to 48, which an idle thread keeps and which makes no plan faster.
 */
const youngGeneration = 4;
/** Characters of a document that count as one waiting operation. */
const longDocument = 4096;
/** Delay before a thread that could not start is started again, in milliseconds. */
const restartDelay = 1000;
/** The share of the deadline within which a thread must have started for another one to be started for an operation. */
const quickStart = 1 / 4;

type ThreadState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'idle'; readonly timers: readonly NodeJS.Timeout[] }
  | {
      readonly kind: 'planning';
      readonly task: Task;
      /** The start in milliseconds: by `performance.now()`, and by the thread's processor time where it is known. */
      readonly since: { readonly clock: number; readonly processor: number | undefined };
      readonly timers: readonly NodeJS.Timeout[];
    };

interface Thread {
  readonly worker: Worker;
  /** When its start began, by `performance.now()`. */
  readonly started: number;
  state: ThreadState;
  /** Whether it ends when it has nothing to plan for long. */
  mayEnd: boolean;
  /** The system's id of the thread; undefined before it is ready, and where it is not available. */
  id: number | undefined;
}

class PlannerThreads implements Planner {
  readonly ready: Promise<SupergraphFacts>;
  readonly #options: PlannerOptions;
  readonly #deadline: number;
  readonly #queueLimit: number;
  readonly #maxThreads: number;
  readonly #idleTime: number;
  readonly #threads = new Set<Thread>();
  readonly #queue: WaitingTasks;
  /** Operations that failed by their own fault, and would fail again. */
  readonly #failed: LRUCache<string, PlanningFailure>;
  readonly #times: PlanTimes;
  /** Milliseconds of work after which a timeout is an operation's own fault. */
  readonly #toBlame: number;
  /** Operations to try once more in the background. */
  readonly #again: LRUCache<string, PlanRequest>;
  /** The keys of operations that were tried once more. */
  readonly #triedAgain = new LRUCache<string, true>(atMost(10_000));
  #settleReady!: { resolve: (supergraph: SupergraphFacts) => void; reject: (error: Error) => void };
  #restart: NodeJS.Timeout | undefined;
  #isReady = false;
  /** Why the planner has stopped; undefined while it plans. */
  #stopped: PlanningFailure | undefined;

  constructor(options: PlannerOptions) {
    const { deadline = 5000, queueLimit = 500, retryAfter = 60_000 } = options;
    const { maxThreads = 2, idleTime = 600_000 } = options;
    this.#options = options;
    this.#deadline = positive('deadline', deadline);
    this.#queueLimit = positive('queueLimit', queueLimit);
    this.#maxThreads = positive('maxThreads', maxThreads);
    this.#idleTime = idleTime;
    this.#failed = new LRUCache({ ...atMost(10_000), ttl: positive('retryAfter', retryAfter) });
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
    // A caller that uses only `plan` learns of a refused supergraph there.
    this.ready.catch(() => undefined);
    if (options.facts === undefined) this.#start();
    else {
      this.#isReady = true;
      this.#settleReady.resolve(options.facts);
    }
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
    // A hash: many keys are remembered, and a document may be as long as a request.
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

  /** Never true for the empty sender, which is no client. */
  #isTooMany(sender: string, waiting: number, suspects = 0): boolean {
    return sender !== '' && waiting > this.#times.mostWaiting(sender, suspects);
  }

  /** Refuses a sender's operations that will not have their turn in time, newest first. */
  #refuseDoomed(sender: string, suspects = 0): void {
    while (this.#isTooMany(sender, this.#queue.countOf(sender), suspects))
      this.#queue.takeNewestOf(sender)!.settle(new PlanningError('limited'));
  }

  /** Ends the caller's wait at the deadline. */
  #expire(task: Task): void {
    this.#queue.delete(task);
    task.settle(new PlanningError('timeout'));
    let { worked } = task;
    for (const thread of this.#threads)
      if (thread.state.kind === 'planning' && thread.state.task === task) worked += workedOn(thread);
    this.#blame(task, worked);
  }

  /** Remembers an operation that timed out by its own fault, not by waiting for a thread or a processor. */
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

  /** Ends background tries, because callers wait for a thread. */
  #endBackground(): void {
    for (const thread of this.#threads)
      if (thread.state.kind === 'planning' && thread.state.task.isBackground === true) {
        const { key, request } = thread.state.task;
        this.#again.set(key, request);
        void this.#end(thread);
      }
  }

  /** The next operation to plan. Skips those that have failed while they waited. */
  #take(): Task | undefined {
    for (;;) {
      const task = this.#queue.take({ slowToo: this.#mayTakeSlow() });
      const failure = task && this.#failed.get(task.key);
      if (failure === undefined) return task;
      task!.settle(new PlanningError(failure));
    }
  }

  /** Keeps one thread for operations that may be quick. */
  #mayTakeSlow(): boolean {
    const slow = [...this.#threads].filter(({ state }) => state.kind === 'planning' && state.task.isSlow);
    return slow.length < Math.max(1, this.#maxThreads - 1);
  }

  #work(thread: Thread, task: Task): void {
    this.#stopTimers(thread);
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

  /** A quick operation would be done by now if the thread had a processor. */
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
    const { supergraphSdl, pathsLimit, maxEvaluatedPlans, eventFields } = this.#options;
    const { memoryLimit = Math.min(1024, Math.max(64, memoryForThreads() / this.#maxThreads)) } =
      this.#options;
    const worker = new Worker(workerFile, {
      workerData: { supergraphSdl, pathsLimit, maxEvaluatedPlans, eventFields } satisfies QueryPlannerOptions,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.floor(positive('memoryLimit', memoryLimit)),
        maxYoungGenerationSizeMb: youngGeneration,
      },
      execArgv: workerArguments,
    });
    const thread: Thread = {
      ...{ worker, started: performance.now(), id: undefined, mayEnd: false },
      state: { kind: 'starting' },
    };
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
        thread.mayEnd =
          this.#idleTime > 0 && performance.now() - thread.started <= this.#deadline * quickStart;
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

  /** The operation that a thread was working on; the timers of its state end. */
  #taskOf(thread: Thread): Task | undefined {
    this.#stopTimers(thread);
    return thread.state.kind === 'planning' ? thread.state.task : undefined;
  }

  #stopTimers({ state }: Thread): void {
    if (state.kind !== 'starting') for (const timer of state.timers) clearTimeout(timer);
  }

  #becomeIdle(thread: Thread): void {
    this.#wait(thread);
    // Another thread was added because this one was busy for long. This one goes: its heap is the larger.
    const isSpare = [...this.#threads].some((other) => other !== thread && other.state.kind !== 'planning');
    if (!isSpare || this.#queue.size > 0) {
      this.#assign();
      return;
    }
    const again = this.#takeAgain();
    if (again === undefined) void this.#end(thread);
    else this.#work(thread, again);
  }

  /** Has a thread wait for a task. If there is none for long, it ends, and no other one starts. */
  #wait(thread: Thread): void {
    const endIfLast = (): void => {
      if (this.#threads.size > 1) this.#wait(thread);
      else void this.#terminate(thread);
    };
    const timers = thread.mayEnd ? [setTimeout(endIfLast, this.#idleTime).unref()] : [];
    thread.state = { kind: 'idle', timers };
  }

  /** A task for the second try of a failed operation, without a waiting caller. */
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

  /** Handles a thread that has died or cannot start. */
  #fail(thread: Thread, error: Error): void {
    if (!this.#threads.has(thread)) return;
    if (thread.state.kind === 'planning') {
      // Out of memory is the only known cause. The operation must not do it again.
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

  /** Terminates a thread, and starts another one if all that are left are busy. */
  async #end(thread: Thread): Promise<void> {
    const ended = this.#terminate(thread);
    this.#addThread();
    await ended;
  }

  #terminate(thread: Thread): Promise<unknown> {
    this.#threads.delete(thread);
    this.#stopTimers(thread);
    return thread.worker.terminate();
  }

  #stop(failure: PlanningFailure, reason: Error): void {
    this.#stopped = failure;
    clearTimeout(this.#restart);
    this.#settleReady.reject(reason);
    for (const task of this.#queue.clear()) task.settle(new PlanningError(failure, reason));
  }
}

/** How long a thread has worked on its task, in milliseconds: its processor time, or else the clock's. */
function workedOn({ id, state }: Thread): number {
  if (state.kind !== 'planning') return 0;
  const { clock, processor } = state.since;
  const now = processor === undefined ? undefined : processorTimeOf(id);
  return now === undefined ? performance.now() - clock : now - processor!;
}

/** Whether a thread has had a processor for its task for so many milliseconds. False where that is not known. */
const hadProcessorFor = (time: number, thread: Thread): boolean =>
  thread.state.kind === 'planning' &&
  thread.state.since.processor !== undefined &&
  workedOn(thread) >= time * fullyWorked;

const isOutOfMemory = (error: Error): boolean =>
  (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
const tooLittleMemory = 'The supergraph needs more memory than a planner thread has (`planning.memory`).';

/**
 * The memory for all planner threads together, in megabytes: three eighths of the process's memory. That is the
 * container's or machine's, or twice the heap limit if this is less. The main heap has a half, buffers and code the
 * rest.
 */
export function memoryForThreads(
  has = Math.min(process.constrainedMemory() || Infinity, totalmem()),
  heapLimit = getHeapStatistics().heap_size_limit,
): number {
  return ((3 / 8) * Math.min(has, 2 * heapLimit)) / 1024 ** 2;
}

// Jest runs this from its sources, so the thread must compile them too.
const isSource = extname(__filename) === '.ts';
const workerFile = join(__dirname, isSource ? 'worker.ts' : 'thread.js');
const workerArguments = isSource ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : [];

function positive(name: keyof PlannerOptions, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`"${name}" must be a positive number, but got: ${value}`);
}
