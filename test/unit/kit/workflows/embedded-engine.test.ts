/** What the embedded engine alone does. Over 300 lines: its tests share how processes start and end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SpanStatusCode } from '@opentelemetry/api';
import { pino } from 'pino';
import { openDatabase, SubgraphError, type Database } from '../../../../kit';
import { tasksOf, type Definition } from '../../../../kit/workflows/definition';
import { type EmbeddedEngineOptions } from '../../../../kit/workflows/embedded/settings';
import { nameOf, readStart, type ExecutionName, type WorkflowEngine } from '../../../../kit/workflows/engine';
import { definitionsTable, executionsTable } from '../../../../kit/workflows/executions-table';
import { mostDataBytes } from '../../../../kit/workflows/run-task';
import { type Task, type TaskScope } from '../../../../kit/workflows/workflows';
import { openEmbedded } from '../../../support/embedded-workflows';
import { eventually } from '../../../support/process';
import { recordSpans, traceId, traceparent } from '../../../support/recorded-spans';
import { openTestDatabase } from '../../../support/subgraph-kit';
import { define, taskState } from '../../../support/workflows';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
const engines: WorkflowEngine[] = [];
let ids = 0;
beforeAll(async () => (database = await openTestDatabase(executionsTable('test'))));
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.stop())));
afterAll(() => database.stop());

/** In milliseconds: a busy machine takes long. */
const patience = 60_000;

interface Process extends Partial<EmbeddedEngineOptions> {
  readonly definition: Definition;
  readonly tasks?: Readonly<Record<string, Task>>;
  readonly lines?: Record<string, unknown>[];
}

/** A process of a subgraph with one workflow. */
function open({ definition, tasks = {}, lines = [], tracer, ...options }: Process): WorkflowEngine {
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
  const canRun = (each: Definition) => tasksOf(each).every((name) => name in tasks);
  const setup = { definitions: [definition], tasks, log, tracer };
  const engine = openEmbedded(database.db, setup, { canRun, sweepMilliseconds: 50, ...options });
  engines.push(engine);
  return engine;
}

async function start(engine: WorkflowEngine, definition: Definition, input: object = {}, cause = {}) {
  const execution = { workflow: definition.name, id: `e${ids++}` };
  const trace = { correlationid: 'r1', ...cause };
  await engine.start(readStart(new Map([[definition.name, definition]]), execution, input, trace));
  return execution;
}

const executions = () => database.db.table(executionsTable('test'));

const done = { Done: { Type: 'Succeed' } };

/** Starts an execution in a process that ends during its first task, `a`, and keeps its lease. */
async function startAndEnd(
  definition: Definition,
  others: Readonly<Record<string, Task>>,
): Promise<ExecutionName> {
  const a: Task = (_, { signal }: TaskScope) =>
    new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  const engine = open({ definition, tasks: { a, ...others }, leaseMilliseconds: 60 });
  const execution = await start(engine, definition);
  // Without its lease the task is aborted.
  await executions().update({ name: nameOf(execution) }, { set: { owner: 'nobody' } });
  await engine.stop();
  return execution;
}

describe('an execution whose definition has changed meanwhile', () => {
  const before = define({
    A: taskState('a', { Next: 'B' }),
    B: taskState('b', { Next: 'Done' }),
    ...done,
  });
  const after = define({ A: taskState('a', { Next: 'C' }), C: taskState('c', { Next: 'Done' }), ...done });

  it('goes on with the one that it began with, and others begin with the new one', async () => {
    const execution = await startAndEnd(before, { b: () => null });
    const tasks = { a: () => null, b: () => null, c: () => null };
    const engine = open({ definition: after, tasks });
    expect(await engine.wait(execution, patience)).toMatchObject({ status: 'SUCCEEDED' });
    const states = (await engine.history(execution))!.map(({ state }) => state);
    expect(states).toEqual(['A', 'B', 'Done']);

    const next = await start(engine, after);
    await engine.wait(next, patience);
    expect((await engine.history(next))!.map(({ state }) => state)).toEqual(['A', 'C', 'Done']);
  });

  it('waits for a process that has its tasks, and the log says so', async () => {
    const execution = await startAndEnd(before, { b: () => null });
    const lines: Record<string, unknown>[] = [];
    const newer = open({ definition: after, tasks: { a: () => null, c: () => null }, lines });
    const sentence = 'no workflow of this subgraph fits the execution';
    await eventually(() => lines.some(({ msg }) => msg === sentence));
    expect(lines.find(({ msg }) => msg === sentence)).toMatchObject({
      execution: nameOf(execution),
      state: 'A',
      requestId: 'r1',
    });
    expect(await newer.wait(execution, 100)).toMatchObject({ status: 'RUNNING', state: 'A' });
    await newer.stop();

    // Half a minute later.
    await executions().update({ name: nameOf(execution) }, { set: { due: new Date().toISOString() } });
    const older = open({ definition: before, tasks: { a: () => null, b: () => null } });
    expect(await older.wait(execution, patience)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('waits for a process that supports its definition, while others go on, and the log says why', async () => {
    const [unsupported, other] = [
      await startAndEnd(before, { b: () => null }),
      await startAndEnd(before, { b: () => null }),
    ];
    const text = JSON.stringify({ StartAt: 'A', States: { A: { Type: 'Map', End: true } } });
    await database.db
      .table(definitionsTable('test'))
      .put({ name: '#of-a-later-version', workflow: before.name, text });
    // In front of the other one, in the same shard.
    const { listing } = (await executions().get({ name: nameOf(other) }))!;
    const set = { definition: 'of-a-later-version', due: '2020-01-01T00:00:00.000Z', listing: listing! };
    await executions().update({ name: nameOf(unsupported) }, { set });

    const lines: Record<string, unknown>[] = [];
    const engine = open({ definition: before, tasks: { a: () => null, b: () => null }, lines });
    expect(await engine.wait(other, patience)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await engine.get(unsupported)).toMatchObject({ status: 'RUNNING', state: 'A' });
    // The sweep refuses it, and may be later: `wait` takes the other one over by itself.
    const refused = () => lines.find(({ msg }) => msg === 'workflow refused');
    await eventually(() => refused() !== undefined);
    expect(refused()).toMatchObject({
      execution: nameOf(unsupported),
      requestId: 'r1',
      cause: `The workflow ${before.name}.asl.json is refused: the state "A" has the Type "Map", which is not supported; use Task, Choice, Pass, Wait, Succeed, Fail.`,
    });
  });
});

it('is taken over where somebody waits for it, before the next sweep', async () => {
  const definition = define({ A: taskState('a', { Next: 'Done' }), ...done });
  const waiting = open({ definition, tasks: { a: () => null }, sweepMilliseconds: 3_600_000 });
  // The sweep of its start is over.
  await waiting.wait({ workflow: definition.name, id: 'none' }, 0);
  const execution = await startAndEnd(definition, {});
  expect(await waiting.wait(execution, patience)).toMatchObject({ status: 'SUCCEEDED' });
});

it('gives a task up whose process has ended ten times, and goes where a catcher leads', async () => {
  const definition = define({
    A: taskState('a', {
      Catch: [{ ErrorEquals: ['TASK_ABANDONED'], ResultPath: '$.error', Next: 'GivenUp' }],
      Next: 'Done',
    }),
    ...done,
    GivenUp: { Type: 'Succeed' },
  });
  const attempts: number[] = [];
  /** Nothing that is sent after the task has begun arrives. */
  const dying = (): Process & { db: Database } => {
    const db = openDatabase({ client: database.client });
    let isDead = false;
    db.onCommand(() => {
      if (isDead) throw new Error('The process has died.');
      return undefined;
    });
    const a: Task = (_, { attempt }: TaskScope) => {
      isDead = true;
      attempts.push(attempt);
      return new Promise(() => undefined);
    };
    // A lease that a busy machine loses before the task has begun counts as a death, too.
    return { definition, tasks: { a }, db, leaseMilliseconds: 300, sweepMilliseconds: 20 };
  };
  const execution = await start(open(dying()), definition);
  for (let deaths = 1; deaths < 10; deaths++) {
    await eventually(() => attempts.length === deaths, patience);
    open(dying());
  }
  await eventually(() => attempts.length === 10, patience);
  const a = () => attempts.push(0);
  const last = open({ definition, tasks: { a }, leaseMilliseconds: 1000, sweepMilliseconds: 20 });
  expect(await last.wait(execution, patience)).toMatchObject({
    state: 'GivenUp',
    output: { error: { Error: 'TASK_ABANDONED', Cause: '10 processes have ended during this task.' } },
  });
  expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

it('goes on in the trace of its request in whatever process, with a span for each task and wait, and for all', async () => {
  const { tracer, spans } = recordSpans();
  const definition = define({
    A: taskState('a', { Next: 'Rest' }),
    Rest: { Type: 'Wait', Seconds: 1, Next: 'B' },
    B: taskState('b', {
      Catch: [{ ErrorEquals: ['CONFLICT'], ResultPath: null, Next: 'Undo' }],
      Next: 'Done',
    }),
    Undo: taskState('undo', { Next: 'Done' }),
    ...done,
  });
  const tasks = {
    a: () => null,
    b: () => Promise.reject(new SubgraphError('CONFLICT', 'secret')),
    undo: () => null,
  };
  const endless = { ...tasks, a: () => new Promise(() => undefined) };
  const first = open({ definition, tasks: endless, tracer, leaseMilliseconds: 60 });
  const execution = await start(first, definition, { card: 'secret' }, { traceparent });
  // Without its lease the task is aborted.
  await executions().update({ name: nameOf(execution) }, { set: { owner: 'nobody' } });
  await first.stop();
  const ended = await open({ definition, tasks, tracer }).wait(execution, patience);
  await eventually(() => spans().some(({ name }) => name === definition.name));

  const steps = spans().filter(({ attributes }) => 'weir.workflow.state' in attributes);
  const { name } = definition;
  expect(
    steps.map((span) => [span.name, span.attributes['weir.attempt'], span.attributes['error.type']]),
  ).toEqual([
    [`${name} A`, 1, 'aborted'],
    [`${name} A`, 2, undefined],
    [`${name} Rest`, undefined, undefined],
    [`${name} B`, 1, 'CONFLICT'],
    [`${name} Undo`, 1, undefined],
  ]);
  expect(steps.map(({ attributes }) => attributes['weir.workflow.compensation'])).toEqual([
    ...[undefined, undefined, undefined, undefined],
    true,
  ]);
  const [whole] = spans().filter((span) => span.name === name);
  expect(whole!.attributes).toEqual({ 'weir.workflow.name': name, 'weir.workflow.compensation': true });
  const [seconds, nanoseconds] = whole!.startTime;
  expect(seconds * 1000 + Math.round(nanoseconds / 1e6)).toBe(Date.parse(ended!.startedAt));
  expect(whole!.status.code).toBe(SpanStatusCode.UNSET);
  for (const { parentSpanContext } of spans())
    expect(parentSpanContext).toMatchObject({ traceId, spanId: traceparent.slice(36, 52) });
  expect(JSON.stringify(spans().map(({ attributes, status }) => ({ attributes, status })))).not.toContain(
    'secret',
  );
});

it('fails an execution whose data its definition does not fit, with the path', async () => {
  const definition = define({
    A: taskState('a', { Next: 'Done' }, { input: { 'upc.$': '$.lines[0].upc' } }),
    ...done,
  });
  const { tracer, spans } = recordSpans();
  const engine = open({ definition, tasks: { a: () => null }, tracer });
  const execution = await start(engine, definition, { lines: [] });
  expect(await engine.wait(execution, patience)).toMatchObject({
    status: 'FAILED',
    state: 'A',
    error: {
      error: 'States.Runtime',
      cause: "The path $.lines[0].upc leads to nothing in the state's data.",
    },
  });
  await eventually(() => spans().some(({ name }) => name === definition.name));
  const [whole] = spans().filter(({ name }) => name === definition.name);
  expect(whole!.attributes).toEqual({
    'weir.workflow.name': definition.name,
    'error.type': 'States.Runtime',
  });
  expect(whole!.status.code).toBe(SpanStatusCode.ERROR);
});

it('runs no more executions at once than it may, and those that wait afterwards', async () => {
  const definition = define({ A: taskState('a', { Next: 'Done' }), ...done });
  let [running, most] = [0, 0];
  const a = async () => {
    most = Math.max(most, ++running);
    // The first one waits for the second.
    await eventually(() => most > 1);
    await sleep(20);
    running--;
  };
  const engine = open({ definition, tasks: { a }, concurrency: 2 });
  const all = await Promise.all(Array.from({ length: 6 }, () => start(engine, definition)));
  for (const execution of all)
    expect(await engine.wait(execution, patience)).toMatchObject({ status: 'SUCCEEDED' });
  expect(most).toBe(2);
});

it('says the request id and the trace id in every line about an execution', async () => {
  const lines: Record<string, unknown>[] = [];
  const definition = define({
    A: taskState('a', { Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 1 }], Next: 'B' }),
    B: taskState('b', { End: true }),
  });
  let failures = 0;
  const tasks: Record<string, Task> = {
    a(_, { log }: TaskScope) {
      log.info('own line');
      if (failures++ === 0) throw new Error('down');
    },
    b: () => Promise.reject(new Error('down')),
  };
  const engine = open({ definition, tasks, lines });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const execution = await start(engine, definition, {}, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
  await engine.wait(execution, patience);
  await engine.retry(execution);
  await engine.wait(execution, patience);
  await engine.stop();
  // On a busy machine it may also find what earlier tests have left.
  const own = lines.filter(
    (line) => line['execution'] === undefined || line['execution'] === nameOf(execution),
  );
  expect([...new Set(own.map(({ msg }) => msg))].sort()).toEqual([
    'own line',
    'task completed',
    'task failed',
    'workflow failed',
    'workflow retried',
    'workflow started',
  ]);
  for (const line of own) expect(line).toMatchObject({ requestId: 'r1', traceId });
  for (const line of own.filter(({ msg }) => /task|own/.test(String(msg))))
    expect(line).toMatchObject({ workflow: 'test', key: expect.stringMatching(/^test\.e\d+#[AB]$/) });
});

it('keeps the longest input, data and errors of a hundred states in one item of DynamoDB', async () => {
  const name = (i: number) => `S${i}`.padEnd(80, '€');
  const states = Object.fromEntries(
    Array.from({ length: 99 }, (_, i) => [
      name(i),
      taskState('a', {
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: i < 98 ? name(i + 1) : 'Done' }],
        End: true,
      }),
    ]),
  );
  const definition = define({ ...states, ...done });
  const error = Object.assign(new Error('€'.repeat(2000)), { code: '€'.repeat(2000) });
  const engine = open({
    definition,
    tasks: { a: () => null },
    runTask: () => Promise.resolve({ failure: { error: error.code, cause: error.message } }),
  });
  const filling = 'x'.repeat(mostDataBytes - 200);
  const execution = await start(engine, definition, { filling });
  expect(await engine.wait(execution, patience)).toMatchObject({ status: 'SUCCEEDED', state: 'Done' });
  const item = await executions().get({ name: nameOf(execution) }, { consistent: true });
  expect(Buffer.byteLength(JSON.stringify(item))).toBeLessThan(400 * 1024);
  const { history } = item!;
  expect(history).toHaveLength(100);
  expect(history[0]!.error!.cause).toMatch(/^€{100,}…$/);
});
