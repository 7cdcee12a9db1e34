import { setTimeout as sleep } from 'node:timers/promises';
import { SubgraphError } from '../errors';
import { type Cause } from '../events/event';
import { ExecutionStore } from './embedded/execution-store';
import { Runner } from './embedded/runner';
import { settingsOf, type EmbeddedEngineOptions, type EngineSettings } from './embedded/settings';
import { historyOf, retried, started } from './embedded/state-machine';
import { Sweeper } from './embedded/sweeper';
import {
  checkRepeat,
  nameOf,
  type ExecutionName,
  type ListedExecution,
  type StartRequest,
  type WorkflowEngine,
} from './engine';
import { always, factsOf, type StoredExecution } from './executions-table';
import { type Json, type JsonObject } from './paths';
import { type Execution, type HistoryEntry } from './workflows';

/**
 * Runs executions in this process. Each is one item; a step is one conditional write. Whoever runs an execution holds
 * its lease; one whose lease is over is taken over by any process, which calls the task again with the same key.
 */
export const embeddedEngine = (options: EmbeddedEngineOptions): WorkflowEngine => new EmbeddedEngine(options);

class EmbeddedEngine implements WorkflowEngine {
  readonly #settings: EngineSettings;
  readonly #store: ExecutionStore;
  readonly #runner: Runner;
  readonly #sweeper: Sweeper;

  constructor(options: EmbeddedEngineOptions) {
    const settings = settingsOf(options);
    this.#settings = settings;
    this.#store = new ExecutionStore(settings);
    this.#runner = new Runner(settings, this.#store);
    this.#sweeper = new Sweeper(settings, this.#store, this.#runner);
    settings.prepared.then(
      () => this.#sweeper.sweep(),
      () => undefined,
    );
  }

  async start(request: StartRequest): Promise<Execution> {
    const { definition } = request;
    const startedAt = new Date().toISOString();
    await this.#settings.prepared;
    await this.#store.record(definition);
    const since = performance.now();
    const isRunHere = this.#runner.hasRoom && !this.#runner.isStopping && this.#store.allowsLease();
    if (!isRunHere) {
      this.#sweeper.sweepWithRoom();
      return toExecution(await this.#create({ ...started(request, startedAt), due: always }, request));
    }
    const fresh = { ...started(request, startedAt), ...this.#store.newLease() };
    return this.#runner.claim(async () => {
      const item = await this.#create(fresh, request);
      // A write that was repeated, as its answer was lost, finds itself.
      if (item.owner === fresh.owner && item.version === 1) this.#runner.run(item, definition, since);
      return toExecution(item);
    });
  }

  /** The execution of this name, which may have been there. */
  async #create(fresh: StoredExecution, request: StartRequest): Promise<StoredExecution> {
    const { name } = fresh;
    const isCreated = await this.#store.create(fresh);
    const item = isCreated ? fresh : await this.#store.get(name);
    if (!item) throw new SubgraphError('CONFLICT', `The execution "${name}" was removed in the meantime.`);
    checkRepeat(request, item.fingerprint);
    if (isCreated) this.#settings.log.info(factsOf(fresh), 'workflow started');
    return item;
  }

  async get(execution: ExecutionName): Promise<Execution | null> {
    const item = await this.#store.get(nameOf(execution));
    return item && toExecution(item);
  }

  async history(execution: ExecutionName): Promise<readonly HistoryEntry[] | null> {
    const item = await this.#store.get(nameOf(execution));
    return item && historyOf(item);
  }

  async wait(execution: ExecutionName, milliseconds: number): Promise<Execution | null> {
    const deadline = performance.now() + milliseconds;
    const name = nameOf(execution);
    // Woken when it ends here. Another process may run it, so the table is read, too.
    for (let pause = 100; ; pause = Math.min(2 * pause, 1000)) {
      const done = new AbortController();
      const woken = this.#runner.ended(name, done.signal);
      try {
        const item = await this.#store.get(name);
        const remaining = deadline - performance.now();
        if (!item || item.status !== 'RUNNING' || remaining <= 0) return item && toExecution(item);
        // Its process may have ended, and the next sweep may be seconds away.
        this.#sweeper.watch(item);
        const longest = this.#runner.isRunning(name) ? remaining : Math.min(pause, remaining);
        await Promise.race([woken, sleep(longest, undefined, done).catch(() => undefined)]);
      } finally {
        done.abort();
      }
    }
  }

  async list(status: 'RUNNING' | 'FAILED', limit: number): Promise<ListedExecution[]> {
    const items = await this.#store.list(status, limit);
    return items.map(({ workflow, id, state, startedAt, endedAt, status: current }) => ({
      ...{ workflow, id, status: current, state, startedAt },
      ...(endedAt !== undefined && { endedAt }),
    }));
  }

  async retry(execution: ExecutionName): Promise<Execution> {
    const name = nameOf(execution);
    const item = await this.#store.get(name);
    if (!item) throw new SubgraphError('NOT_FOUND', `There is no execution "${name}".`);
    if (item.status !== 'FAILED')
      throw new SubgraphError('CONFLICT', `The execution "${name}" has not failed: it is ${item.status}.`);
    const definition = this.#store.allowsLease() ? await this.#store.definitionOf(item) : undefined;
    const since = performance.now();
    const again = { ...retried(item), ...(definition ? this.#store.newLease() : { due: always }) };
    if (!(await this.#store.replace(again, { version: item.version })))
      throw new SubgraphError('CONFLICT', `The execution "${name}" was changed in the meantime.`);
    this.#settings.log.info(factsOf(item), 'workflow retried');
    if (definition) this.#runner.run(again, definition, since);
    return toExecution(again);
  }

  async stop(): Promise<void> {
    this.#runner.beginStop();
    await this.#sweeper.stop();
    await this.#runner.stop();
  }
}

function toExecution(item: StoredExecution): Execution {
  const { workflow, id, status, state, startedAt, endedAt, error } = item;
  const { trace, ...input } = JSON.parse(item.input) as JsonObject & { readonly trace: Cause };
  return {
    ...{ workflow, id, status, state, input, startedAt },
    ...(status === 'SUCCEEDED' && { output: JSON.parse(item.data) as Json }),
    ...(status === 'FAILED' && error && { error }),
    ...(endedAt !== undefined && { endedAt }),
    correlationId: trace.correlationid,
  };
}
