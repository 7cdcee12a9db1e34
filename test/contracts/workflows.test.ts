/** What every engine of workflows does. Over 300 lines: one contract over both. */
import Fastify from 'fastify';
import { SubgraphError, type Execution, type TaskScope } from '../../kit';
import { type Definition } from '../../kit/workflows/definition';
import { readStart, type WorkflowEngine } from '../../kit/workflows/engine';
import { serveWorkflows } from '../../kit/workflows/serve-workflows';
import { eventually } from '../support/process';
import { workflowEngines, type EngineGround } from '../support/workflow-engines';
import { define, taskState } from '../support/workflows';

const cause = {
  correlationid: 'r1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

// moto is slow to begin.
jest.setTimeout(90_000);

const suites = workflowEngines.map((tested) => [tested.name, tested] as const);
describe.each(suites)('the engine %s', (_, { ground: openGround, skipped, retries }) => {
  // Skipped one by one, so that they are counted.
  const it = skipped === undefined ? global.it : global.it.skip;
  let ground: EngineGround;
  const engines: WorkflowEngine[] = [];
  beforeAll(async () => {
    if (skipped === undefined) ground = await openGround();
  });
  afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.stop())));
  afterAll(() => (skipped === undefined ? ground.close() : undefined));
  let next = 0;

  type Calls = { task: string; input: unknown; scope: TaskScope }[];
  /** A workflow, and what its tasks do, in turn for each call; a task of which nothing is said tells its own name. */
  async function open(
    definition: Definition,
    tasks: Readonly<Record<string, readonly (() => unknown)[]>> = {},
  ) {
    const calls: Calls = [];
    const engine = await ground.open({
      definitions: [definition],
      tasks: new Proxy(
        {},
        {
          getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, writable: true }),
          get: (_, task: string) => (input: unknown, scope: TaskScope) => {
            const turn = calls.filter((call) => call.task === task).length;
            calls.push({ task, input, scope });
            const turns = tasks[task];
            return turns === undefined ? { by: task } : turns[Math.min(turn, turns.length - 1)]!();
          },
        },
      ),
    });
    engines.push(engine);
    const { name: workflow } = definition;
    const start = (id: string, input: object) =>
      engine.start(readStart(new Map([[workflow, definition]]), { workflow, id }, input, cause));
    return {
      calls,
      engine,
      workflow,
      start,
      /** The execution at its end, and the states that it went through. */
      run: async (input: object = {}) => {
        const id = `e${next++}`;
        await start(id, input);
        const ended = (await engine.wait({ workflow, id }, 60_000))!;
        const history = (await engine.history({ workflow, id }))!;
        return { ended, history, path: history.map(({ state }) => state) };
      },
    };
  }
  const fails = (error: unknown) => () => {
    throw error;
  };
  const outOfStock = fails(new SubgraphError('OUT_OF_STOCK', 'None is left.'));
  const outputOf = ({ ended }: { ended: Execution }) => {
    return Object.fromEntries(Object.entries(ended.output as object).filter(([name]) => name !== 'trace'));
  };

  it('runs states one after the other, and passes data on as their fields say', async () => {
    const definition = define({
      Prepare: {
        Type: 'Pass',
        Parameters: { 'order.$': '$.id', fixed: { two: 2 }, 'name.$': '$$.State.Name' },
        ResultPath: '$.prepared',
        Next: 'Take',
      },
      Take: taskState(
        'take',
        {
          InputPath: '$.prepared',
          ResultSelector: { 'taken.$': '$.count', by: 'test' },
          ResultPath: '$.result.taken',
          Next: 'Fixed',
        },
        { input: { 'order.$': '$.order', list: [{ 'own.$': '$.fixed.two' }] } },
      ),
      Fixed: { Type: 'Pass', Result: { a: 1 }, ResultPath: '$.fixed', OutputPath: '$', Next: 'Done' },
      Done: { Type: 'Succeed', OutputPath: '$' },
    });
    const { run, calls } = await open(definition, { take: [() => ({ count: 7, more: true })] });
    const { ended, path, history } = await run({ id: 'o1', kept: [null] });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', correlationId: 'r1', workflow: 'test' });
    expect(ended.input).toEqual({ id: 'o1', kept: [null] });
    expect(outputOf({ ended })).toEqual({
      id: 'o1',
      kept: [null],
      prepared: { order: 'o1', fixed: { two: 2 }, name: 'Prepare' },
      result: { taken: { taken: 7, by: 'test' } },
      fixed: { a: 1 },
    });
    expect(path).toEqual(['Prepare', 'Take', 'Fixed', 'Done']);
    expect(history[1]).toMatchObject({ state: 'Take', outcome: 'SUCCEEDED', attempts: 1 });
    expect(calls.map((call) => call.input)).toEqual([{ order: 'o1', list: [{ own: 2 }] }]);
  });

  it('tells a task its key, its attempt and the trace of the request that began it', async () => {
    const { run, calls } = await open(
      define({ Take: taskState('take', { Retry: [{ ErrorEquals: ['OUT_OF_STOCK'] }], End: true }) }),
      { take: [outOfStock, () => ({ taken: 1 })] },
    );
    const { ended } = await run();
    expect(ended.output).toEqual({ taken: 1 });
    expect(calls.map(({ scope }) => [scope.key, scope.attempt, scope.propagation['x-request-id']])).toEqual([
      [`test.${ended.id}#Take`, 1, 'r1'],
      [`test.${ended.id}#Take`, 2, 'r1'],
    ]);
  });

  const chosen = [
    [{ n: 1 }, 'One'],
    [{ n: 2 }, 'More'],
    [{ n: 'x' }, 'Else'],
    [{ flag: true, n: 0 }, 'Both'],
    [{ n: 0, flag: null }, 'Null'],
    [{}, 'Missing'],
  ] as const;
  it('chooses by the data', async () => {
    const ends = ['One', 'More', 'Else', 'Both', 'Null', 'Missing'].map((name) => [
      name,
      { Type: 'Succeed' },
    ]);
    const { run } = await open(
      define({
        Choose: {
          Type: 'Choice',
          Choices: [
            { Variable: '$.n', IsPresent: false, Next: 'Missing' },
            { Variable: '$.n', NumericEquals: 1, Next: 'One' },
            {
              And: [
                { Variable: '$.n', NumericGreaterThan: 1 },
                { Variable: '$.n', NumericLessThanEquals: 9 },
              ],
              Next: 'More',
            },
            {
              And: [
                { Variable: '$.flag', IsPresent: true },
                { Variable: '$.flag', BooleanEquals: true },
              ],
              Next: 'Both',
            },
            {
              Or: [
                { Variable: '$.n', StringEquals: 'y' },
                {
                  And: [
                    { Variable: '$.flag', IsPresent: true },
                    { Variable: '$.flag', IsNull: true },
                  ],
                },
              ],
              Next: 'Null',
            },
          ],
          Default: 'Else',
        },
        ...(Object.fromEntries(ends) as object),
      }),
    );
    const paths = await Promise.all(chosen.map(async ([input]) => (await run(input)).path));
    expect(paths).toEqual(chosen.map(([, state]) => ['Choose', state]));
  });

  it('retries as often as a retrier says, and then goes where a catcher leads, with the error', async () => {
    const definition = define({
      Take: taskState('take', {
        Retry: [{ ErrorEquals: ['OUT_OF_STOCK'], MaxAttempts: 2, BackoffRate: 1 }],
        Catch: [
          { ErrorEquals: ['NOT_FOUND'], Next: 'Other' },
          { ErrorEquals: ['OUT_OF_STOCK'], ResultPath: '$.refusal', Next: 'Caught' },
        ],
        Next: 'Other',
      }),
      Other: { Type: 'Succeed' },
      Caught: { Type: 'Succeed' },
    });
    const { run } = await open(definition, { take: [outOfStock] });
    const { ended, path, history } = await run({ id: 'o1' });
    expect(path).toEqual(['Take', 'Caught']);
    expect(history[0]).toMatchObject({
      outcome: 'CAUGHT',
      attempts: 3,
      error: { error: 'OUT_OF_STOCK', cause: 'None is left.' },
    });
    expect(outputOf({ ended })).toEqual({
      id: 'o1',
      refusal: { Error: 'OUT_OF_STOCK', Cause: 'None is left.' },
    });
  });

  it('counts the retries of each retrier apart', async () => {
    const definition = define({
      Take: taskState('take', {
        Retry: [
          { ErrorEquals: ['OUT_OF_STOCK'], MaxAttempts: 1 },
          { ErrorEquals: ['States.ALL'], MaxAttempts: 1 },
        ],
        End: true,
      }),
    });
    const conflict = fails(new SubgraphError('CONFLICT', 'Changed.'));
    const { run, calls } = await open(definition, { take: [outOfStock, conflict, conflict] });
    const { ended } = await run();
    expect(ended).toMatchObject({ status: 'FAILED', error: { error: 'CONFLICT', cause: 'Changed.' } });
    expect(calls).toHaveLength(3);
  });

  /** A workflow whose only task fails, or takes too long, where only a catcher of this name catches it. */
  const catching = (name: string, fields: object = {}) =>
    define({
      Take: taskState('take', { ...fields, Catch: [{ ErrorEquals: [name], Next: 'Caught' }], End: true }),
      Caught: { Type: 'Succeed' },
    });

  it('masks an error of which nothing is known, and catches it by its names only', async () => {
    const caught = async (name: string) => {
      const { run } = await open(catching(name), { take: [fails(new Error('SELECT * FROM secrets'))] });
      const { ended, path, history } = await run();
      expect(JSON.stringify([ended, history])).not.toContain('SELECT');
      return `${path.join()} ${ended.status}`;
    };
    const names = ['States.ALL', 'States.TaskFailed', 'INTERNAL_SERVER_ERROR', 'OUT_OF_STOCK'];
    expect(await Promise.all(names.map(caught))).toEqual([
      ...['Take,Caught SUCCEEDED', 'Take,Caught SUCCEEDED', 'Take,Caught SUCCEEDED'],
      'Take FAILED',
    ]);
  });

  it('ends a call that takes too long, and catches that by its names only', async () => {
    const caught = async (name: string) => {
      const { run, calls } = await open(catching(name, { TimeoutSeconds: 5 }), {
        take: [() => new Promise(() => undefined)],
      });
      const { path, history } = await run();
      expect(history[0]!.error?.error).toBe('States.Timeout');
      await eventually(() => calls[0]!.scope.signal.aborted);
      return path.join();
    };
    const names = ['States.Timeout', 'States.ALL', 'States.TaskFailed'];
    expect(await Promise.all(names.map(caught))).toEqual(['Take,Caught', 'Take,Caught', 'Take']);
  });

  it('fails where the definition says so, or does not fit its data', async () => {
    const literal = await open(define({ Refuse: { Type: 'Fail', Error: 'Refused', Cause: 'So it is.' } }));
    expect((await literal.run()).ended).toMatchObject({
      status: 'FAILED',
      error: { error: 'Refused', cause: 'So it is.' },
    });
    const dynamic = await open(
      define({ Refuse: { Type: 'Fail', ErrorPath: '$.e', CausePath: '$.c' } }, 'dynamic'),
    );
    expect((await dynamic.run({ e: 'E', c: 'C' })).ended.error).toEqual({ error: 'E', cause: 'C' });
    const unfit = await open(define({ Take: { Type: 'Pass', InputPath: '$.none', End: true } }, 'unfit'));
    expect((await unfit.run()).ended).toMatchObject({ status: 'FAILED', error: { error: 'States.Runtime' } });
  });

  it('waits', async () => {
    const { run } = await open(
      define({
        Pause: { Type: 'Wait', Seconds: 1, Next: 'PauseAgain' },
        PauseAgain: { Type: 'Wait', SecondsPath: '$.pause', Next: 'PauseUntil' },
        PauseUntil: { Type: 'Wait', TimestampPath: '$.until', Next: 'Take' },
        Take: taskState('take', { ResultPath: '$.taken', End: true }),
      }),
    );
    const until = new Date(Date.now() + 100).toISOString();
    const result = await run({ pause: 1, until });
    expect(result.path).toEqual(['Pause', 'PauseAgain', 'PauseUntil', 'Take']);
    expect(outputOf(result)).toEqual({ pause: 1, until, taken: { by: 'take' } });
  });

  it('finds the execution that a repeat has started, and refuses another input', async () => {
    const { start, engine, workflow, calls } = await open(define({ Take: taskState('take', { End: true }) }));
    const id = `repeated${next++}`;
    await Promise.all([start(id, { a: 1, b: 2 }), start(id, { b: 2, a: 1 }), start(id, { a: 1, b: 2 })]);
    const ended = await engine.wait({ workflow, id }, 60_000);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { by: 'take' } });
    expect(await start(id, { a: 1, b: 2 })).toMatchObject({ id, input: { a: 1, b: 2 } });
    await expect(start(id, { a: 1, b: 3 })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(calls).toHaveLength(1);
  });

  it('knows nothing of an execution that was never started', async () => {
    const { engine, workflow } = await open(define({ Take: taskState('take', { End: true }) }));
    expect(await engine.get({ workflow, id: 'none' })).toBeNull();
    expect(await engine.history({ workflow, id: 'none' })).toBeNull();
    expect(await engine.wait({ workflow, id: 'none' }, 1000)).toBeNull();
    await expect(engine.retry({ workflow, id: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('tells what runs while it runs, and lets a caller wait only so long', async () => {
    let release!: (value: unknown) => void;
    const held = new Promise((resolve) => (release = resolve));
    const { start, engine, workflow, calls } = await open(
      define({ Take: taskState('take', { End: true }) }),
      {
        take: [() => held],
      },
    );
    const id = `held${next++}`;
    await start(id, {});
    expect(await engine.wait({ workflow, id }, 300)).toMatchObject({ status: 'RUNNING' });
    while (calls.length === 0) await engine.wait({ workflow, id }, 100);
    expect(await engine.history({ workflow, id })).toEqual([
      expect.objectContaining({ state: 'Take', outcome: 'RUNNING' }),
    ]);
    expect((await engine.list('RUNNING', 100)).map((each) => each.id)).toContain(id);
    await expect(engine.retry({ workflow, id })).rejects.toMatchObject({ code: 'CONFLICT' });
    const waiting = engine.wait({ workflow, id }, 60_000);
    release({ done: true });
    expect(await waiting).toMatchObject({ status: 'SUCCEEDED', output: { done: true } });
    expect((await engine.list('RUNNING', 100)).map((each) => each.id)).not.toContain(id);
  });

  (retries ? it : global.it.skip)(
    'retries an execution that has failed from the state that failed',
    async () => {
      const definition = define({
        First: taskState('first', { ResultPath: '$.first', Next: 'Second' }),
        Second: taskState('second', { ResultPath: '$.second', End: true }),
      });
      const { run, engine, workflow, calls } = await open(definition, { second: [outOfStock, () => 2] });
      const { ended } = await run();
      expect(ended.status).toBe('FAILED');
      expect((await engine.list('FAILED', 100)).map(({ id }) => id)).toContain(ended.id);
      await engine.retry({ workflow, id: ended.id });
      const again = (await engine.wait({ workflow, id: ended.id }, 60_000))!;
      expect(outputOf({ ended: again })).toEqual({ first: { by: 'first' }, second: 2 });
      expect(calls.map(({ task }) => task)).toEqual(['first', 'second', 'second']);
      expect((await engine.list('FAILED', 100)).map(({ id }) => id)).not.toContain(ended.id);
    },
  );

  it('is served to operators', async () => {
    const { run, engine, workflow } = await open(
      define({ Take: taskState('take', { ResultPath: '$.taken', End: true }) }, 'served'),
      { take: [outOfStock, () => 2] },
    );
    const app = Fastify();
    serveWorkflows({ app, engine, prepared: Promise.resolve(), signed: {} });
    const post = async (body: object) => {
      const { statusCode, payload } = await app.inject({ method: 'POST', url: '/workflows', body });
      return { status: statusCode, body: JSON.parse(payload) };
    };
    const { ended } = await run({ a: 1 });
    const execution = `${workflow}.${ended.id}`;
    const listed = expect.objectContaining({ workflow, id: ended.id, status: 'FAILED' });
    expect((await post({})).body.executions).toContainEqual(listed);
    expect((await post({ status: 'FAILED', limit: 1 })).body.executions).toHaveLength(1);
    expect((await post({ status: 'RUNNING' })).body.executions).not.toContainEqual(listed);
    const shown = await post({ action: 'show', execution });
    expect(shown.body).toMatchObject({
      execution: { workflow, input: { a: 1 }, error: { error: 'OUT_OF_STOCK', cause: 'None is left.' } },
      history: [{ state: 'Take', outcome: 'FAILED', attempts: 1 }],
    });
    const refusals: readonly (readonly [object, number, string])[] = [
      [{ action: 'show', execution: `${workflow}.none` }, 404, `There is no execution "${workflow}.none".`],
      [{ action: 'retry', execution: `${workflow}.none` }, 404, `There is no execution "${workflow}.none".`],
      [{ action: 'show', execution: 'served' }, 400, 'An execution is named WORKFLOW.ID'],
      [{ action: 'retry', execution: 'served.a b' }, 400, 'An execution is named WORKFLOW.ID'],
      [{ action: 'eat', execution }, 400, 'action'],
      [{ status: 'SUCCEEDED' }, 400, 'status'],
      [{ limit: 0 }, 400, 'limit'],
      [{ query: '{ __typename }' }, 400, 'query'],
    ];
    for (const [body, status, message] of refusals) {
      const refused = await post(body);
      expect([body, refused.status]).toEqual([body, status]);
      expect(refused.body.errors[0].message).toContain(message);
    }
    if (!retries) return;
    expect((await post({ action: 'retry', execution })).body.execution.status).toBe('RUNNING');
    await engine.wait({ workflow, id: ended.id }, 60_000);
    expect((await post({ action: 'retry', execution })).body.errors).toEqual([
      {
        message: `The execution "${execution}" has not failed: it is SUCCEEDED.`,
        extensions: { code: 'CONFLICT' },
      },
    ]);
    await app.close();
  });

  it('fails a task whose output is too large', async () => {
    const { run } = await open(catching('TOO_LARGE'), { take: [() => 'x'.repeat(130 * 1024)] });
    const { path, history } = await run();
    expect(path).toEqual(['Take', 'Caught']);
    expect(history[0]!.error?.cause).toMatch(
      /^The output of the task "take" has 133122 bytes; at most 131072/,
    );
  });
});
