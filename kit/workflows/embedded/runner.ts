import { EventEmitter, once } from 'node:events';
import { type Span } from '../../traces/tracer';
import { type Definition } from '../definition';
import { factsOf, traceOf, type StoredExecution } from '../executions-table';
import { type ExecutionStore } from './execution-store';
import { type EngineSettings } from './settings';
import { StateMachine, type Step } from './state-machine';

/** How long a task may go on when the process stops. */
const graceMilliseconds = 5000;

/** Runs executions whose leases this process holds. */
export class Runner {
  /** `end` has the execution where it waits, if it does. */
  readonly events = new EventEmitter<{ begin: []; end: [waiting: StoredExecution | undefined] }>();
  readonly #settings: EngineSettings;
  readonly #store: ExecutionStore;
  readonly #running = new Map<string, Promise<void>>();
  /** Executions that are written as run here, and are not in `#running` yet. */
  #claims = 0;
  /** Emits the name of an execution that is not run here any more. */
  readonly #ends = new EventEmitter().setMaxListeners(0);
  #isStopping = false;
  /** Aborts tasks, and the repetition of writes. */
  readonly #abort = new AbortController();
  #grace: NodeJS.Timeout | undefined;

  constructor(settings: EngineSettings, store: ExecutionStore) {
    [this.#settings, this.#store] = [settings, store];
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  get hasRoom(): boolean {
    return this.#running.size + this.#claims < this.#settings.concurrency;
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** Keeps room for an execution while `claim` writes it and begins to run it. */
  async claim<Result>(claim: () => Promise<Result>): Promise<Result> {
    this.#claims++;
    try {
      return await claim();
    } finally {
      this.#claims--;
    }
  }

  /** Resolves when an execution is not run here any more, or the signal is aborted. */
  async ended(name: string, signal: AbortSignal): Promise<void> {
    await once(this.#ends, name, { signal }).catch(() => undefined);
  }

  /**
   * Runs an execution whose lease this process holds, until it ends, waits, or the lease is lost.
   *
   * @param since when the write that has taken the lease was sent, as `performance.now()` counts
   */
  run(item: StoredExecution, definition: Definition, since: number): void {
    this.events.emit('begin');
    const ended = this.#drive(item, definition, since)
      .catch((error: unknown) => {
        this.#settings.log.error({ ...factsOf(item), err: error }, 'workflow interrupted');
        return undefined;
      })
      .then((waiting) => {
        this.#running.delete(item.name);
        this.#ends.emit(item.name);
        this.events.emit('end', waiting);
      });
    this.#running.set(item.name, ended);
  }

  /** Executions are released before their next step, and tasks aborted at the end of their grace. */
  beginStop(): void {
    this.#isStopping = true;
    this.#grace = setTimeout(() => this.#abort.abort(), graceMilliseconds).unref();
  }

  /** Resolves when nothing is run any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.values());
    clearTimeout(this.#grace);
    this.#abort.abort();
  }

  /** The execution where it waits; `undefined` when it has ended, or this process does not have it any more. */
  async #drive(first: StoredExecution, definition: Definition, since: number) {
    const machine = new StateMachine(definition, first, this.#settings.secondMilliseconds);
    let [item, leasedAt] = [first, since];
    while (item.status === 'RUNNING' && item.owner !== undefined) {
      if (this.#isStopping) {
        await this.#store.release(item);
        return undefined;
      }
      const step = machine.step(item);
      if (step.kind === 'write' && step.hasWaited) this.#beginSpan(item, definition, item.state)?.end();
      const next = step.kind === 'write' ? step.item : await this.#call(item, step, leasedAt);
      if (next === undefined) return undefined;
      leasedAt = performance.now();
      const written = await this.#store.save(next, item, this.#abort.signal);
      if (written === undefined) return undefined;
      item = written;
    }
    if (item.status === 'RUNNING') return item;
    this.#recordEnd(item, definition);
    return undefined;
  }

  /**
   * Calls a task while the lease is renewed, and gives the execution after it; `undefined` when the lease was lost, or
   * the process stops.
   */
  async #call(item: StoredExecution, { call, after }: Step & { kind: 'call' }, leasedAt: number) {
    const { runTask, leaseMilliseconds } = this.#settings;
    const lost = new AbortController();
    let until = leasedAt + leaseMilliseconds;
    let renewals = 0;
    const renewal = setInterval(() => {
      const sent = performance.now();
      if (sent > until) {
        lost.abort();
        return;
      }
      this.#store.renew(item, ++renewals).then(
        (isHeld) => (isHeld ? (until = sent + leaseMilliseconds) : lost.abort()),
        () => undefined,
      );
    }, leaseMilliseconds / 3);
    try {
      const signal = AbortSignal.any([lost.signal, this.#abort.signal]);
      const outcome = await runTask({ ...call, signal });
      return signal.aborted ? undefined : after(outcome);
    } finally {
      clearInterval(renewal);
    }
  }

  /** By who has written its end: one that is killed before this leaves no span. */
  #recordEnd(item: StoredExecution, definition: Definition): void {
    const { status, error } = item;
    const hasFailed = status === 'FAILED';
    const span = this.#beginSpan(item, definition);
    if (hasFailed) span?.fail(error!.error);
    span?.end();
    const facts = { ...factsOf(item), ...(error && { error: error.error, cause: error.cause }) };
    this.#settings.log[hasFailed ? 'error' : 'info'](facts, `workflow ${hasFailed ? 'failed' : 'completed'}`);
  }

  /** The span of an execution, or of the state that it is in. */
  #beginSpan(item: StoredExecution, { compensations }: Definition, state?: string): Span | undefined {
    const { workflow, startedAt, enteredAt, history } = item;
    const isState = state !== undefined;
    const states = isState ? [state] : history.map((entry) => entry.state);
    return this.#settings.tracer?.begin(isState ? `${workflow} ${state}` : workflow, {
      ...{ kind: 'consumer', cause: traceOf(item), start: Date.parse(isState ? enteredAt : startedAt) },
      attributes: {
        'weir.workflow.name': workflow,
        ...(isState && { 'weir.workflow.state': state }),
        ...(states.some((each) => compensations.has(each)) && { 'weir.workflow.compensation': true }),
      },
    });
  }
}
