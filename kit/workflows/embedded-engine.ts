/** Over 300 lines: the life of an execution between its table, its lease and its timers is one thing. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyBaseLogger } from 'fastify';
import { createBackoff } from '../backoff';
import { missing, type Condition } from '../table/condition';
import { type Database } from '../table/database';
import { SubgraphError } from '../errors';
import { type Cause } from '../events/event';
import { SeenLeases } from '../store/seen-leases';
import { StartError } from '../serve/start-error';
import { logged } from '../traces/trace';
import { type Tracer } from '../traces/tracer';
import { parseDefinition, type Definition } from './definition';
import {
  checkRepeat,
  nameOf,
  type ExecutionName,
  type ListedExecution,
  type StartRequest,
  type WorkflowEngine,
} from './engine';
import {
  always,
  definitionsTable,
  executionsTable,
  listingOf,
  shards,
  type StoredExecution,
} from './executions-table';
import {
  begin,
  completed,
  failed,
  interpret,
  keyOf,
  waited,
  type Demand,
  type Move,
  type Position,
  type RunInput,
  type StateError,
} from './interpreter';
import { isObject, type Json, type JsonObject } from './paths';
import { mostDataBytes, type RunTask } from './run-task';
import { type Execution, type HistoryEntry } from './workflows';

export interface EmbeddedEngineOptions {
  /** The subgraph's name, which names the table. */
  readonly subgraph: string;
  readonly db: Database;
  /** The table is there. */
  readonly prepared: Promise<void>;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Whether this process has the tasks of a definition, which another version of the subgraph may have begun with. */
  readonly canRun: (definition: Definition) => boolean;
  readonly runTask: RunTask;
  readonly log: FastifyBaseLogger;
  /** Executions that this process runs at once; others wait in the table. @default 100 */
  readonly concurrency?: number;
  /** How long others see no sign of life of a process before they take its execution over. @default 2000 */
  readonly leaseMilliseconds?: number;
  /**
   * How often the table is asked for executions that nobody looks after; while there are none, for a quarter of them each
   * time. @default 5000
   */
  readonly sweepMilliseconds?: number;
  /** How long a second of a definition is; tests shorten it. @default 1000 */
  readonly secondMilliseconds?: number;
  /** Records the writes of executions, and their waits. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** A task whose process has ended so often is taken for one that ends it. */
const mostLosses = 10;
/** As many as a definition has states; those of an execution that is retried again and again lose the oldest. */
const longestHistory = 100;
/** In bytes of UTF-8. With these a history has at most 120 KB, and an item with 256 KB of input and data fits into DynamoDB. */
const [longestErrorName, longestCause] = [200, 500];
/** How long an execution that this process cannot run is left to others. */
const postponedMilliseconds = 30_000;
/** How long a task may go on when the process stops. */
const graceMilliseconds = 5000;

/**
 * Runs executions in this process. Each is one item; a step is one conditional write. Whoever runs an execution holds
 * its lease; one whose lease is over is taken over by any process, which calls the task again with the same key.
 */
export function embeddedEngine(options: EmbeddedEngineOptions): WorkflowEngine {
  const { subgraph, db, prepared, definitions, canRun, runTask, log, concurrency = 100 } = options;
  const { leaseMilliseconds = 2000, sweepMilliseconds = 5000, secondMilliseconds = 1000, tracer } = options;
  const table = db.table(executionsTable(subgraph));
  /** For the steps of one execution, which are in its trace. Renewals of leases, and sweeps, are in none. */
  const tableFor = (trace: Cause) => (tracer ? db.causedBy(trace).table(executionsTable(subgraph)) : table);
  const swept = db.inBackground().table(executionsTable(subgraph));
  const old = db.table(definitionsTable(subgraph));
  const me = randomUUID();
  const stopping = new AbortController();
  let isStopping = false;
  /** Those that run here, by name. */
  const running = new Map<string, Promise<void>>();
  const timers = new Map<string, NodeJS.Timeout>();
  /** Emits the name of an execution that is not run here any more. */
  const left = new EventEmitter().setMaxListeners(0);
  const seen = new SeenLeases();
  /** Where the next sweep of a shard goes on that has found as many as it may. */
  const rest = new Map<string, Readonly<Record<string, string>>>();
  const known = new Map([...definitions.values()].map((definition) => [definition.hash, definition]));
  const recorded = new Set<string>();
  let claims = 0;
  /** Executions that are written as run here, and are not in `running` yet. */
  let claiming = 0;
  let sweeping: Promise<void> | undefined;
  let sweepAgain = false;
  /** Whether executions ran since the last sweep, here or elsewhere. */
  let isBusy = false;
  let turn = 0;
  /** Each shard is looked at before what was found further ahead than this is due. */
  const lookAhead = (shards.length + 1) * sweepMilliseconds;

  const sweeper = setInterval(() => {
    const isQuiet = !isBusy && running.size === 0;
    void sweep(isQuiet ? [shards[turn++ % shards.length]!] : shards);
  }, sweepMilliseconds).unref();
  prepared.then(
    () => sweep(),
    () => undefined,
  );

  // ---- What callers ask for

  async function start(request: StartRequest): Promise<Execution> {
    const { definition, input, fingerprint } = request;
    const now = new Date().toISOString();
    const name = nameOf(request);
    await prepared;
    await record(definition);
    const isRunHere = hasRoom() && !isStopping && db.clock.allowsLease(log);
    const since = performance.now();
    if (!isRunHere) sweepAgain = true;
    const position = begin(definition, input);
    const fresh: StoredExecution = {
      name,
      workflow: request.workflow,
      id: request.id,
      definition: definition.hash,
      status: 'RUNNING',
      input: JSON.stringify(input),
      fingerprint,
      startedAt: now,
      enteredAt: now,
      attempts: 0,
      losses: 0,
      history: [],
      version: 1,
      listing: listingOf('RUNNING', shardOf(name)),
      ...stored(position),
      ...(isRunHere ? lease() : { due: always }),
    };
    // A write that was repeated, as its answer was lost, finds itself.
    if (isRunHere) claiming++;
    try {
      const created = await tableFor(input.trace).create(fresh);
      const item = created ? fresh : await table.get({ name }, { consistent: true });
      if (!item) throw new SubgraphError('CONFLICT', `The execution "${name}" was removed in the meantime.`);
      checkRepeat(request, item.fingerprint);
      if (created) log.info({ ...logged(input.trace), execution: name }, 'workflow started');
      if (isRunHere && item.owner === fresh.owner && item.version === 1) run(item, definition, since);
      return toExecution(item);
    } finally {
      if (isRunHere) claiming--;
    }
  }

  const hasRoom = (): boolean => running.size + claiming < concurrency;

  async function get(execution: ExecutionName): Promise<Execution | null> {
    const item = await table.get({ name: nameOf(execution) }, { consistent: true });
    return item && toExecution(item);
  }

  async function history(execution: ExecutionName): Promise<readonly HistoryEntry[] | null> {
    const item = await table.get({ name: nameOf(execution) }, { consistent: true });
    if (!item) return null;
    return item.status === 'RUNNING' ? [...item.history, entryOf(item, 'RUNNING', item.error)] : item.history;
  }

  async function wait(execution: ExecutionName, milliseconds: number): Promise<Execution | null> {
    const deadline = performance.now() + milliseconds;
    const name = nameOf(execution);
    // Woken when it ends here. Another process may run it, so the table is asked, too.
    for (let pause = 100; ; pause = Math.min(2 * pause, 1000)) {
      const done = new AbortController();
      const woken = once(left, name, done).catch(() => undefined);
      try {
        const item = await table.get({ name }, { consistent: true });
        const remaining = deadline - performance.now();
        if (!item || item.status !== 'RUNNING' || remaining <= 0) return item && toExecution(item);
        // Its process may have ended, and the next sweep may be seconds away.
        if (!running.has(name)) schedule(name, dueIn(item));
        const longest = running.has(name) ? remaining : Math.min(pause, remaining);
        await Promise.race([woken, sleep(longest, undefined, done).catch(() => undefined)]);
      } finally {
        done.abort();
      }
    }
  }

  async function list(status: 'RUNNING' | 'FAILED', limit: number): Promise<ListedExecution[]> {
    const all = await Promise.all(
      shards.map((shard) =>
        table.query({ index: 'byListing', partition: listingOf(status, shard), order: 'descending', limit }),
      ),
    );
    return all
      .flat()
      .sort((a, b) => (a.due! < b.due! ? 1 : -1))
      .slice(0, limit)
      .map(({ workflow, id, status, state, startedAt, endedAt }) => ({
        ...{ workflow, id, status, state, startedAt },
        ...(endedAt !== undefined && { endedAt }),
      }));
  }

  async function retry(execution: ExecutionName): Promise<Execution> {
    const name = nameOf(execution);
    const item = await table.get({ name }, { consistent: true });
    if (!item) throw new SubgraphError('NOT_FOUND', `There is no execution "${name}".`);
    if (item.status !== 'FAILED')
      throw new SubgraphError('CONFLICT', `The execution "${name}" has not failed: it is ${item.status}.`);
    const definition = db.clock.allowsLease(log) ? await definitionOf(item) : undefined;
    const now = new Date().toISOString();
    const since = performance.now();
    const again: StoredExecution = {
      ...without(item, 'endedAt', 'error'),
      status: 'RUNNING',
      enteredAt: now,
      retries: [],
      attempts: 0,
      losses: 0,
      version: item.version + 1,
      listing: listingOf('RUNNING', shardOf(name)),
      ...(definition ? lease() : { due: always }),
    };
    if (!(await write(again, { version: item.version })))
      throw new SubgraphError('CONFLICT', `The execution "${name}" was changed in the meantime.`);
    log.info({ ...logged(traceOf(item)), execution: name }, 'workflow retried');
    if (definition) run(again, definition, since);
    return toExecution(again);
  }

  async function stop(): Promise<void> {
    clearInterval(sweeper);
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
    const grace = new AbortController();
    const over = sleep(graceMilliseconds, undefined, { signal: grace.signal, ref: false });
    over.then(
      () => stopping.abort(),
      () => undefined,
    );
    isStopping = true;
    await sweeping;
    await Promise.all(running.values());
    grace.abort();
    stopping.abort();
  }

  // ---- Running

  /**
   * Runs an execution whose lease this process holds, until it ends, waits, or the lease is lost.
   *
   * @param since when the write that has taken the lease was sent, as `performance.now()` counts
   */
  function run(item: StoredExecution, definition: Definition, since: number): void {
    isBusy = true;
    const ended = drive(item, definition, since)
      .catch((error: unknown) =>
        log.error({ ...logged(traceOf(item)), err: error, execution: item.name }, 'workflow interrupted'),
      )
      .finally(() => {
        running.delete(item.name);
        left.emit(item.name);
        if (sweepAgain && !isStopping) void sweep();
      });
    running.set(item.name, ended);
  }

  async function drive(first: StoredExecution, definition: Definition, since: number): Promise<void> {
    let [item, leasedAt] = [first, since];
    while (item.status === 'RUNNING' && item.owner !== undefined) {
      if (isStopping) {
        await release(item);
        return;
      }
      const next = await step(item, definition, leasedAt);
      if (next === undefined) return;
      const version = item.version + 1;
      const written = { ...next, version };
      leasedAt = performance.now();
      if (!(await save(written, item))) return;
      item = written;
    }
    if (item.status !== 'RUNNING') {
      recordExecution(item, definition);
      const level = item.status === 'FAILED' ? 'error' : 'info';
      log[level](
        {
          ...logged(traceOf(item)),
          execution: item.name,
          ...(item.error && { error: item.error.error, cause: item.error.cause }),
        },
        item.status === 'FAILED' ? 'workflow failed' : 'workflow completed',
      );
    } else if (item.due !== undefined) schedule(item.name, dueIn(item));
  }

  /** The execution after its next task or wait, and the states behind it that want nothing from outside. */
  async function step(
    item: StoredExecution,
    definition: Definition,
    leasedAt: number,
  ): Promise<StoredExecution | undefined> {
    const runInput = { name: item.name, input: JSON.parse(item.input) as Json };
    const position: Position = {
      state: item.state,
      data: JSON.parse(item.data) as Json,
      retries: item.retries,
    };
    const wanted = interpret(definition, position, runInput);
    if (wanted.kind === 'call') {
      const called = { ...item, attempts: item.attempts + 1 };
      const outcome =
        item.losses >= mostLosses
          ? {
              failure: {
                error: 'TASK_ABANDONED',
                cause: `${item.losses} processes have ended during this task.`,
              },
            }
          : await callTask(called, wanted, definition, leasedAt);
      if (outcome === undefined) return undefined;
      const move =
        'output' in outcome
          ? completed(definition, position, outcome.output, runInput)
          : failed(definition, position, outcome.failure);
      return follow(called, move, definition, runInput);
    }
    if (wanted.kind === 'wait' || wanted.kind === 'wait-until') {
      const until =
        wanted.kind === 'wait'
          ? Date.parse(item.enteredAt) + wanted.seconds * secondMilliseconds
          : Date.parse(wanted.time);
      if (until > Date.now()) return { ...without(item, 'owner'), due: new Date(until).toISOString() };
      recordWait(item, definition);
      return follow(item, waited(definition, position), definition, runInput);
    }
    return follow(item, wanted, definition, runInput);
  }

  /** By who has written its end: one that is killed before this leaves no span. */
  function recordExecution(item: StoredExecution, { compensations }: Definition): void {
    const { workflow, startedAt, status, error, history } = item;
    const span = tracer?.begin(workflow, {
      ...{ kind: 'consumer', cause: traceOf(item), start: Date.parse(startedAt) },
      attributes: {
        'weir.workflow.name': workflow,
        ...(history.some(({ state }) => compensations.has(state)) && { 'weir.workflow.compensation': true }),
      },
    });
    if (status === 'FAILED') span?.fail(error!.error);
    span?.end();
  }

  function recordWait(item: StoredExecution, { compensations }: Definition): void {
    tracer
      ?.begin(`${item.workflow} ${item.state}`, {
        ...{ kind: 'consumer', cause: traceOf(item), start: Date.parse(item.enteredAt) },
        attributes: {
          'weir.workflow.name': item.workflow,
          'weir.workflow.state': item.state,
          ...(compensations.has(item.state) && { 'weir.workflow.compensation': true }),
        },
      })
      .end();
  }

  /** Calls a task while the lease is renewed; `undefined` when the lease was lost, or the process stops. */
  async function callTask(
    item: StoredExecution,
    { task, input, timeoutSeconds }: Demand & { kind: 'call' },
    { compensations }: Definition,
    leasedAt: number,
  ) {
    const lost = new AbortController();
    let until = leasedAt + leaseMilliseconds;
    let renewals = 0;
    const renewal = setInterval(() => {
      const sent = performance.now();
      if (sent > until) {
        lost.abort();
        return;
      }
      table.update({ name: item.name }, { set: { renewals: ++renewals }, condition: heldBy(item) }).then(
        (held) => (held ? (until = sent + leaseMilliseconds) : lost.abort()),
        () => undefined,
      );
    }, leaseMilliseconds / 3);
    try {
      const outcome = await runTask({
        workflow: item.workflow,
        task,
        input,
        key: keyOf(item.name, item.state),
        attempt: item.attempts + item.losses,
        timeoutMilliseconds: timeoutSeconds * secondMilliseconds,
        trace: traceOf(item),
        isCompensation: compensations.has(item.state),
        signal: AbortSignal.any([lost.signal, stopping.signal]),
      });
      return lost.signal.aborted || stopping.signal.aborted ? undefined : outcome;
    } finally {
      clearInterval(renewal);
    }
  }

  /** The execution after a move, and after all moves behind it that want nothing from outside. */
  function follow(
    item: StoredExecution,
    first: Move,
    definition: Definition,
    runInput: RunInput,
  ): StoredExecution {
    let [current, move] = [item, first];
    for (;;) {
      move = limited(move);
      const now = new Date().toISOString();
      const base = { ...without(current, 'error', 'owner'), losses: 0 };
      switch (move.kind) {
        case 'retry': {
          const due = new Date(Date.now() + move.seconds * secondMilliseconds).toISOString();
          return { ...base, ...stored(move.to), error: shortened(move.error), due };
        }
        case 'succeed': {
          const rest = without(base, 'listing', 'due');
          const history = leaving(current, 'SUCCEEDED', now);
          return { ...rest, status: 'SUCCEEDED', endedAt: now, data: JSON.stringify(move.output), history };
        }
        case 'fail': {
          const error = shortened(move.error);
          const listing = listingOf('FAILED', shardOf(item.name));
          const history = leaving(current, 'FAILED', now, error);
          return { ...base, status: 'FAILED', endedAt: now, error, listing, due: now, history };
        }
        case 'go': {
          const history = leaving(current, move.caught ? 'CAUGHT' : 'SUCCEEDED', now, move.caught);
          current = { ...base, ...stored(move.to), history, enteredAt: now, attempts: 0, ...lease() };
          const next = interpret(definition, move.to, runInput);
          if (next.kind === 'call' || next.kind === 'wait' || next.kind === 'wait-until') return current;
          move = next;
          break;
        }
        default:
          return move satisfies never;
      }
    }
  }

  /** Writes a step. False when another process has taken the execution over meanwhile. */
  async function save(item: StoredExecution, before: StoredExecution): Promise<boolean> {
    const backoff = createBackoff({ budgetMilliseconds: leaseMilliseconds, signal: stopping.signal });
    for (;;) {
      try {
        if (await write(item, heldBy(before))) return true;
        // A write that was repeated, as its answer was lost, finds itself.
        const current = await table.get({ name: item.name }, { consistent: true });
        if (current?.version === item.version && current.owner === item.owner && current.data === item.data)
          return true;
        log.warn(
          { ...logged(traceOf(item)), execution: item.name, state: before.state },
          'another process has taken the execution over',
        );
        return false;
      } catch (error) {
        if (!(error instanceof SubgraphError) || !(await backoff.pause())) throw error;
      }
    }
  }

  const write = (item: StoredExecution, condition: Condition<StoredExecution>): Promise<boolean> =>
    tableFor(traceOf(item)).put(item, { condition });

  /** Gives an execution to whoever is next. */
  const release = (item: StoredExecution): Promise<unknown> =>
    table.update({ name: item.name }, { set: { due: always }, remove: ['owner'], condition: heldBy(item) });

  // ---- Taking over

  /** Looks for executions that nobody looks after: those whose time has come, and those whose process has ended. */
  function sweep(some: readonly string[] = shards): Promise<void> {
    if (sweeping) {
      isBusy = true;
      return sweeping;
    }
    sweepAgain = false;
    isBusy = false;
    sweeping = sweepOnce(some)
      .catch((error: unknown) => {
        isBusy = true;
        log.warn({ err: error }, 'workflows not looked after');
      })
      .finally(() => (sweeping = undefined));
    return sweeping;
  }

  async function sweepOnce(some: readonly string[]): Promise<void> {
    for (const shard of some) {
      if (isStopping) return;
      const soon = new Date(Date.now() + lookAhead).toISOString();
      const limit = concurrency;
      const partition = listingOf('RUNNING', shard);
      const after = rest.get(shard);
      const found = await swept.query({
        ...{ index: 'byListing', partition, sort: { atMost: soon }, limit },
        ...(after !== undefined && { after }),
      });
      if (found.length === limit) {
        sweepAgain = true;
        const { name, due } = found.at(-1)!;
        rest.set(shard, { name, listing: partition, due: due! });
      } else rest.delete(shard);
      if (found.length > 0) isBusy = true;
      if (db.clock.allowsLease(log)) for (const item of found) await lookAfter(item);
    }
  }

  /** Milliseconds until an execution can go on, or its owner has shown no sign of life for the time of a lease. */
  function dueIn({ name, owner, version, renewals, due }: StoredExecution): number {
    if (owner === undefined) return Date.parse(due!) - Date.now();
    return leaseMilliseconds - seen.age(name, `${owner} ${version} ${renewals}`);
  }

  async function lookAfter(item: StoredExecution): Promise<void> {
    if (running.has(item.name)) return;
    const milliseconds = dueIn(item);
    if (milliseconds <= 0) await takeOver(item);
    else schedule(item.name, milliseconds);
  }

  /** Takes an execution over whose time has come, unless another process does. */
  async function takeOver(item: StoredExecution): Promise<void> {
    const { name, status, owner, renewals, due, version } = item;
    if (isStopping || status !== 'RUNNING' || running.has(name) || !db.clock.allowsLease(log)) return;
    const condition = { version, due: due!, owner: owner ?? missing, renewals: renewals ?? missing };
    const definition = await definitionOf(item);
    const losses = item.losses + (owner === undefined ? 0 : 1);
    if (!definition) {
      const postponed = new Date(Date.now() + postponedMilliseconds).toISOString();
      await table.update({ name }, { set: { due: postponed, losses }, remove: ['owner'], condition });
      log.error(
        { ...logged(traceOf(item)), execution: name, state: item.state },
        'no workflow of this subgraph fits the execution',
      );
      return;
    }
    const since = performance.now();
    const set = { ...lease(), version: version + 1, losses };
    if (!hasRoom()) return void (sweepAgain = true);
    claiming++;
    try {
      const taken = await table.update({ name }, { set, condition });
      if (!taken || running.has(name)) return;
      if (owner !== undefined)
        log.warn({ ...logged(traceOf(item)), execution: name, state: item.state }, 'workflow taken over');
      run(taken, definition, since);
    } finally {
      claiming--;
    }
  }

  function schedule(name: string, delay: number): void {
    // What is later is found by a sweep, which also bounds the number of timers.
    if (isStopping || delay > lookAhead || timers.size >= 10_000) return;
    clearTimeout(timers.get(name));
    const timer = setTimeout(
      () => {
        timers.delete(name);
        void resume(name);
      },
      Math.max(delay + 1, 0),
    );
    timers.set(name, timer.unref());
  }

  async function resume(name: string): Promise<void> {
    try {
      const item = await table.get({ name }, { consistent: true });
      if (item?.status !== 'RUNNING') return;
      await lookAfter(item);
    } catch (error) {
      log.warn({ err: error, execution: name }, 'workflow not resumed; the next sweep tries again');
    }
  }

  // ---- Parts of an item

  function lease(): Pick<StoredExecution, 'owner' | 'due'> & { owner: string; due: string } {
    return { owner: `${me}-${++claims}`, due: always };
  }

  /** Records a definition before its first execution. */
  async function record({ name: workflow, hash, text }: Definition): Promise<void> {
    if (recorded.has(hash)) return;
    await old.create({ name: `#${hash}`, workflow, text });
    recorded.add(hash);
  }

  /** The definition that an execution began with, unless this process cannot run it. */
  async function definitionOf(item: StoredExecution): Promise<Definition | undefined> {
    const { definition: hash, name } = item;
    const loaded = known.get(hash);
    if (loaded) return loaded;
    const found = await old.get({ name: `#${hash}` }, { consistent: true });
    if (!found) return undefined;
    try {
      const definition = parseDefinition(found.text, `${found.workflow}.asl.json`);
      if (!canRun(definition)) return undefined;
      known.set(hash, definition);
      return definition;
    } catch (error) {
      // Another version of the kit may have recorded it, which supports more.
      if (!(error instanceof StartError)) throw error;
      log.error({ ...logged(traceOf(item)), execution: name, cause: error.message }, 'workflow refused');
      return undefined;
    }
  }

  return { start, get, history, wait, list, retry, stop };
}

const stored = ({ state, data, retries }: Position) => ({ state, data: JSON.stringify(data), retries });

/** Only whoever has the lease, and has written last, writes. */
const heldBy = ({ version, owner }: StoredExecution): Condition<StoredExecution> => ({
  version,
  owner: owner ?? missing,
});

/** An execution whose data grows too large ends. */
function limited(move: Move): Move {
  const data = move.kind === 'go' ? move.to.data : move.kind === 'succeed' ? move.output : null;
  const bytes = Buffer.byteLength(JSON.stringify(data));
  if (bytes <= mostDataBytes) return move;
  const cause = `The data of the execution has ${bytes} bytes; at most ${mostDataBytes} are allowed.`;
  return { kind: 'fail', error: { error: 'States.DataLimitExceeded', cause } };
}

function leaving(
  item: StoredExecution,
  outcome: HistoryEntry['outcome'],
  endedAt: string,
  error?: StateError,
): HistoryEntry[] {
  return [...item.history, { ...entryOf(item, outcome, error), endedAt }].slice(-longestHistory);
}

function entryOf(
  { state, enteredAt, attempts }: StoredExecution,
  outcome: HistoryEntry['outcome'],
  error?: StateError,
): HistoryEntry {
  return { state, at: enteredAt, outcome, attempts, ...(error && { error: shortened(error) }) };
}

const shortened = ({ error, cause }: StateError): StateError => ({
  error: cut(error, longestErrorName),
  cause: cut(cause, longestCause),
});

/** The text, or as much of it as has so many bytes, with an ellipsis. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes - Buffer.byteLength('…')));
  return `${text.slice(0, read)}…`;
}

function toExecution(item: StoredExecution): Execution {
  const { workflow, id, status, state, startedAt, endedAt, error } = item;
  return {
    workflow,
    id,
    status,
    state,
    input: inputOf(item),
    ...(status === 'SUCCEEDED' && { output: JSON.parse(item.data) as Json }),
    ...(status === 'FAILED' && error && { error }),
    startedAt,
    ...(endedAt !== undefined && { endedAt }),
    correlationId: traceOf(item).correlationid,
  };
}

function inputOf({ input }: StoredExecution): JsonObject {
  const json = JSON.parse(input) as Json;
  return isObject(json) ? without(json, 'trace') : {};
}

const traceOf = ({ input }: StoredExecution): Cause => (JSON.parse(input) as { trace: Cause }).trace;

function shardOf(name: string): string {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) >>> 0;
  return shards[sum % shards.length]!;
}

const without = <Item extends object, Member extends keyof Item & string>(
  item: Item,
  ...members: Member[]
): Omit<Item, Member> =>
  Object.fromEntries(
    Object.entries(item).filter(([name]) => !members.includes(name as Member)),
  ) as unknown as Omit<Item, Member>;
