import { SubgraphError, type Execution, type TaskScope } from '../../subgraphs/kit';
import { type Definition } from '../../subgraphs/kit/workflows/definition';
import { readStart, type WorkflowEngine } from '../../subgraphs/kit/workflows/engine';
import { workflowEngines, type EngineGround } from '../support/workflow-engines';
import { define, taskState } from '../support/workflows';

const cause = {
  correlationid: 'r1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

describe.each(workflowEngines)('the engine %s', (_, __, openGround) => {
  let ground: EngineGround;
  const engines: WorkflowEngine[] = [];
  beforeAll(async () => (ground = await openGround()));
  afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.stop())));
  afterAll(() => ground.close());
  let next = 0;

  type Calls = { task: string; input: unknown; scope: TaskScope }[];
  /** A workflow, and what its tasks do, in turn for each call; a task of which nothing is said answers its own name. */
  function open(definition: Definition, tasks: Readonly<Record<string, readonly (() => unknown)[]>> = {}) {
    const calls: Calls = [];
    const engine = ground.open({
      definitions: [definition],
      tasks: new Proxy(
        {},
        {
          getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, writable: true }),
          get: (_, task: string) => (input: unknown, scope: TaskScope) => {
            const turn = calls.filter((call) => call.task === task).length;
            calls.push({ task, input, scope });
            const turns = tasks[task];
            return turns === undefined ? task : turns[Math.min(turn, turns.length - 1)]!();
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
        const ended = (await engine.wait({ workflow, id }, 15_000))!;
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
        Parameters: { 'order.$': '$.id', fixed: [1, { two: 2 }], 'name.$': '$$.State.Name' },
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
        { input: { 'order.$': '$.order', list: [{ 'own.$': '$.fixed[1].two' }] } },
      ),
      Fixed: { Type: 'Pass', Result: { a: 1 }, ResultPath: '$.fixed', OutputPath: '$', Next: 'Done' },
      Done: { Type: 'Succeed', OutputPath: '$' },
    });
    const { run, calls } = open(definition, { take: [() => ({ count: 7, more: true })] });
    const { ended, path, history } = await run({ id: 'o1', kept: [null] });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', correlationId: 'r1', workflow: 'test' });
    expect(ended.input).toEqual({ id: 'o1', kept: [null] });
    expect(outputOf({ ended })).toEqual({
      id: 'o1',
      kept: [null],
      prepared: { order: 'o1', fixed: [1, { two: 2 }], name: 'Prepare' },
      result: { taken: { taken: 7, by: 'test' } },
      fixed: { a: 1 },
    });
    expect(path).toEqual(['Prepare', 'Take', 'Fixed', 'Done']);
    expect(history[1]).toMatchObject({ state: 'Take', outcome: 'SUCCEEDED', attempts: 1 });
    expect(calls).toEqual([expect.objectContaining({ input: { order: 'o1', list: [{ own: 2 }] } })]);
  });

  it('tells a task its key, its attempt and the trace of the request that began it', async () => {
    const { run, calls } = open(
      define({ Take: taskState('take', { Retry: [{ ErrorEquals: ['OUT_OF_STOCK'] }], End: true }) }),
      { take: [outOfStock, () => null] },
    );
    const { ended } = await run();
    expect(ended.output).toBeNull();
    expect(calls.map(({ scope }) => [scope.key, scope.attempt, scope.propagation['x-request-id']])).toEqual([
      [`test.${ended.id}#Take`, 1, 'r1'],
      [`test.${ended.id}#Take`, 2, 'r1'],
    ]);
  });

  it.each([
    [{ n: 1 }, 'One'],
    [{ n: 2 }, 'More'],
    [{ n: 'x' }, 'Else'],
    [{ flag: true, n: 0 }, 'Both'],
    [{ n: 0, flag: null }, 'Null'],
    [{}, 'Missing'],
  ])('chooses by the data: %j leads to %s', async (input, state) => {
    const ends = ['One', 'More', 'Else', 'Both', 'Null', 'Missing'].map((name) => [
      name,
      { Type: 'Succeed' },
    ]);
    const { run } = open(
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
    expect((await run(input)).path).toEqual(['Choose', state]);
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
    const { run } = open(definition, { take: [outOfStock] });
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
    const { run, calls } = open(definition, { take: [outOfStock, conflict, conflict] });
    const { ended } = await run();
    expect(ended).toMatchObject({ status: 'FAILED', error: { error: 'CONFLICT', cause: 'Changed.' } });
    expect(calls).toHaveLength(3);
  });

  it.each([
    ['States.ALL', true],
    ['States.TaskFailed', true],
    ['INTERNAL_SERVER_ERROR', true],
    ['OUT_OF_STOCK', false],
  ])('masks an error of which nothing is known; %s catches it: %s', async (name, isCaught) => {
    const { run } = open(
      define({
        Take: taskState('take', { Catch: [{ ErrorEquals: [name], Next: 'Caught' }], End: true }),
        Caught: { Type: 'Succeed' },
      }),
      { take: [fails(new Error('SELECT * FROM secrets'))] },
    );
    const { ended, path, history } = await run();
    expect(path).toEqual(isCaught ? ['Take', 'Caught'] : ['Take']);
    expect(ended.status).toBe(isCaught ? 'SUCCEEDED' : 'FAILED');
    expect(JSON.stringify([ended, history])).not.toContain('SELECT');
  });

  it.each([
    ['States.Timeout', true],
    ['States.ALL', true],
    ['States.TaskFailed', false],
  ])('ends a call that takes too long; %s catches it: %s', async (name, isCaught) => {
    const { run, calls } = open(
      define({
        Take: taskState('take', {
          TimeoutSeconds: 1,
          Catch: [{ ErrorEquals: [name], Next: 'Caught' }],
          End: true,
        }),
        Caught: { Type: 'Succeed' },
      }),
      { take: [() => new Promise(() => undefined)] },
    );
    const { path, history } = await run();
    expect(path).toEqual(isCaught ? ['Take', 'Caught'] : ['Take']);
    expect(history[0]!.error?.error).toBe('States.Timeout');
    expect(calls[0]!.scope.signal.aborted).toBe(true);
  });

  it('fails where the definition says so, or does not fit its data', async () => {
    const literal = open(define({ Refuse: { Type: 'Fail', Error: 'Refused', Cause: 'So it is.' } }));
    expect((await literal.run()).ended).toMatchObject({
      status: 'FAILED',
      state: 'Refuse',
      error: { error: 'Refused', cause: 'So it is.' },
    });
    const dynamic = open(define({ Refuse: { Type: 'Fail', ErrorPath: '$.e', CausePath: '$.c' } }, 'dynamic'));
    expect((await dynamic.run({ e: 'E', c: 'C' })).ended.error).toEqual({ error: 'E', cause: 'C' });
    const unfit = open(define({ Take: { Type: 'Pass', InputPath: '$.none', End: true } }, 'unfit'));
    expect((await unfit.run()).ended).toMatchObject({ status: 'FAILED', error: { error: 'States.Runtime' } });
  });

  it('waits', async () => {
    const { run } = open(
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
    expect(outputOf(result)).toEqual({ pause: 1, until, taken: 'take' });
  });

  it('finds the execution that a repeat has started, and refuses another input', async () => {
    const { start, engine, workflow, calls } = open(define({ Take: taskState('take', { End: true }) }));
    const id = `repeated${next++}`;
    await Promise.all([start(id, { a: 1, b: 2 }), start(id, { b: 2, a: 1 }), start(id, { a: 1, b: 2 })]);
    const ended = await engine.wait({ workflow, id }, 15_000);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: 'take' });
    expect(await start(id, { a: 1, b: 2 })).toMatchObject({ id, status: 'SUCCEEDED' });
    await expect(start(id, { a: 1, b: 3 })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(calls).toHaveLength(1);
  });

  it('knows nothing of an execution that was never started', async () => {
    const { engine, workflow } = open(define({ Take: taskState('take', { End: true }) }));
    expect(await engine.get({ workflow, id: 'none' })).toBeNull();
    expect(await engine.history({ workflow, id: 'none' })).toBeNull();
    expect(await engine.wait({ workflow, id: 'none' }, 1000)).toBeNull();
    await expect(engine.retry({ workflow, id: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('tells what runs while it runs, and lets a caller wait only so long', async () => {
    let release!: (value: unknown) => void;
    const held = new Promise((resolve) => (release = resolve));
    const { start, engine, workflow, calls } = open(define({ Take: taskState('take', { End: true }) }), {
      take: [() => held],
    });
    const id = `held${next++}`;
    await start(id, {});
    expect(await engine.wait({ workflow, id }, 300)).toMatchObject({ status: 'RUNNING' });
    while (calls.length === 0) await engine.wait({ workflow, id }, 100);
    expect(await engine.history({ workflow, id })).toEqual([
      expect.objectContaining({ state: 'Take', outcome: 'RUNNING' }),
    ]);
    expect((await engine.list('RUNNING', 100)).map((each) => each.id)).toContain(id);
    await expect(engine.retry({ workflow, id })).rejects.toMatchObject({ code: 'CONFLICT' });
    const waiting = engine.wait({ workflow, id }, 15_000);
    release('done');
    expect(await waiting).toMatchObject({ status: 'SUCCEEDED', output: 'done' });
    expect((await engine.list('RUNNING', 100)).map((each) => each.id)).not.toContain(id);
  });

  it('retries an execution that has failed from the state that failed', async () => {
    const definition = define({
      First: taskState('first', { ResultPath: '$.first', Next: 'Second' }),
      Second: taskState('second', { ResultPath: '$.second', End: true }),
    });
    const { run, engine, workflow, calls } = open(definition, { second: [outOfStock, () => 2] });
    const { ended } = await run();
    expect(ended).toMatchObject({ status: 'FAILED', state: 'Second' });
    expect((await engine.list('FAILED', 100)).map(({ id }) => id)).toContain(ended.id);
    await engine.retry({ workflow, id: ended.id });
    const again = (await engine.wait({ workflow, id: ended.id }, 15_000))!;
    expect(outputOf({ ended: again })).toEqual({ first: 'first', second: 2 });
    expect(calls.map(({ task }) => task)).toEqual(['first', 'second', 'second']);
    expect((await engine.list('FAILED', 100)).map(({ id }) => id)).not.toContain(ended.id);
  });

  it('fails where its data grows too large', async () => {
    const { run } = open(
      define({
        Take: taskState('take', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }], End: true }),
        Caught: { Type: 'Succeed' },
      }),
      { take: [() => 'x'.repeat(130 * 1024)] },
    );
    expect((await run()).ended).toMatchObject({
      status: 'FAILED',
      error: { error: 'States.DataLimitExceeded' },
    });
  });
});
