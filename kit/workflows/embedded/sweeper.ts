import { SeenLeases } from '../../store/seen-leases';
import { factsOf, shards, type StoredExecution } from '../executions-table';
import { type ExecutionStore } from './execution-store';
import { type Runner } from './runner';
import { type EngineSettings } from './settings';

/** More executions that wait are left to sweeps. */
const mostTimers = 10_000;

/** Takes executions over that nobody runs: those whose time has come, and those whose process has ended. */
export class Sweeper {
  readonly #settings: EngineSettings;
  readonly #store: ExecutionStore;
  readonly #runner: Runner;
  readonly #interval: NodeJS.Timeout;
  /** Each shard is read again before what is further ahead than this is due, in milliseconds. */
  readonly #lookAhead: number;
  /** For executions that are due soon, by name. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #seen = new SeenLeases();
  /** The last execution read of each shard of which a sweep has read as many as it may: the next one goes on there. */
  readonly #last = new Map<string, StoredExecution>();
  #sweeping: Promise<void> | undefined;
  #isSweepNeeded = false;
  /** Whether executions ran since the last sweep, here or elsewhere. */
  #isBusy = false;
  #turn = 0;

  constructor(settings: EngineSettings, store: ExecutionStore, runner: Runner) {
    [this.#settings, this.#store, this.#runner] = [settings, store, runner];
    const { sweepMilliseconds } = settings;
    this.#lookAhead = (shards.length + 1) * sweepMilliseconds;
    this.#interval = setInterval(() => {
      const isQuiet = !this.#isBusy && runner.isIdle;
      void this.sweep(isQuiet ? [shards[this.#turn++ % shards.length]!] : shards);
    }, sweepMilliseconds).unref();
    runner.events.on('begin', () => (this.#isBusy = true));
    runner.events.on('end', (waiting) => {
      if (waiting) this.watch(waiting);
      if (this.#isSweepNeeded && !runner.isStopping) void this.sweep();
    });
  }

  /** Has another sweep follow when an execution here has made room. */
  sweepWithRoom(): void {
    this.#isSweepNeeded = true;
  }

  /** Looks once for executions that nobody runs. */
  sweep(some: readonly string[] = shards): Promise<void> {
    if (this.#sweeping) {
      this.#isBusy = true;
      return this.#sweeping;
    }
    this.#isSweepNeeded = false;
    this.#isBusy = false;
    this.#sweeping = this.#sweepOnce(some)
      .catch((error: unknown) => {
        this.#isBusy = true;
        this.#settings.log.warn({ err: error }, 'workflows not looked after');
      })
      .finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  /** Takes an execution over as soon as it can go on, if that is before the next sweeps. */
  watch(item: StoredExecution): void {
    if (!this.#runner.isRunning(item.name)) this.#schedule(item.name, this.#dueIn(item));
  }

  /** After {@link Runner.beginStop}: resolves when nothing is taken over any more. */
  async stop(): Promise<void> {
    clearInterval(this.#interval);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await this.#sweeping;
  }

  async #sweepOnce(some: readonly string[]): Promise<void> {
    for (const shard of some) {
      if (this.#runner.isStopping) return;
      const soon = new Date(Date.now() + this.#lookAhead);
      const items = await this.#store.due(shard, soon, this.#last.get(shard));
      if (items.length === this.#settings.concurrency) {
        this.#isSweepNeeded = true;
        this.#last.set(shard, items.at(-1)!);
      } else this.#last.delete(shard);
      if (items.length > 0) this.#isBusy = true;
      if (this.#store.allowsLease()) for (const item of items) await this.#lookAfter(item);
    }
  }

  async #lookAfter(item: StoredExecution): Promise<void> {
    if (this.#runner.isRunning(item.name)) return;
    const milliseconds = this.#dueIn(item);
    if (milliseconds <= 0) await this.#takeOver(item);
    else this.#schedule(item.name, milliseconds);
  }

  /** Milliseconds until an execution can go on, or its owner has shown no sign of life for the time of a lease. */
  #dueIn({ name, owner, version, renewals, due }: StoredExecution): number {
    if (owner === undefined) return Date.parse(due!) - Date.now();
    return this.#settings.leaseMilliseconds - this.#seen.age(name, `${owner} ${version} ${renewals}`);
  }

  /** Takes an execution over whose time has come, unless another process does. */
  async #takeOver(item: StoredExecution): Promise<void> {
    const { log } = this.#settings;
    const runner = this.#runner;
    const { name, status, owner, state } = item;
    if (runner.isStopping || status !== 'RUNNING' || runner.isRunning(name) || !this.#store.allowsLease())
      return;
    const definition = await this.#store.definitionOf(item);
    const losses = item.losses + (owner === undefined ? 0 : 1);
    if (!definition) {
      await this.#store.postpone(item, losses);
      log.error({ ...factsOf(item), state }, 'no workflow of this subgraph fits the execution');
      return;
    }
    if (!runner.hasRoom) {
      this.sweepWithRoom();
      return;
    }
    const since = performance.now();
    await runner.claim(async () => {
      const taken = await this.#store.take(item, losses);
      if (!taken || runner.isRunning(name)) return;
      if (owner !== undefined) log.warn({ ...factsOf(item), state }, 'workflow taken over');
      runner.run(taken, definition, since);
    });
  }

  #schedule(name: string, delay: number): void {
    // What is later is read by a sweep, which also bounds the number of timers.
    if (this.#runner.isStopping || delay > this.#lookAhead || this.#timers.size >= mostTimers) return;
    clearTimeout(this.#timers.get(name));
    const resume = (): void => {
      this.#timers.delete(name);
      void this.#resume(name);
    };
    this.#timers.set(name, setTimeout(resume, Math.max(delay + 1, 0)).unref());
  }

  async #resume(name: string): Promise<void> {
    try {
      const item = await this.#store.get(name);
      if (item?.status === 'RUNNING') await this.#lookAfter(item);
    } catch (error) {
      this.#settings.log.warn(
        { err: error, execution: name },
        'workflow not resumed; the next sweep tries again',
      );
    }
  }
}
