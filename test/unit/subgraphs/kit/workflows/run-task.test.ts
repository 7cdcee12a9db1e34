import { pino } from 'pino';
import { type TaskScope } from '../../../../../subgraphs/kit';
import { taskRunner, type TaskCall } from '../../../../../subgraphs/kit/workflows/run-task';

const run = taskRunner({
  tasks: new Map([['place-order', { double: ({ count }: { count: number }) => 2 * count }]]),
  log: pino({ level: 'silent' }),
  scope: () => ({}) as TaskScope,
});
const call: TaskCall = {
  workflow: 'place-order',
  task: 'double',
  input: { count: 2 },
  key: 'place-order.o1#Double',
  attempt: 1,
  timeoutMilliseconds: 1000,
  trace: { correlationid: 'request-1' },
  signal: new AbortController().signal,
};

it('calls the task of a workflow', async () => {
  expect(await run(call)).toEqual({ output: 4 });
});

it.each(['treble', 'constructor', 'toString', '__proto__'])(
  'fails where there is no task %s',
  async (task) => {
    const failure = { error: 'States.Runtime', cause: `There is no task "${task}".` };
    expect(await run({ ...call, task })).toEqual({ failure });
  },
);
