import { pino } from 'pino';
import { type Cause, type TaskScope } from '../../../../kit';
import { taskRunner, type TaskCall } from '../../../../kit/workflows/run-task';
import { recordSpans, traceId, traceparent } from '../../../support/recorded-spans';

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
  isCompensation: false,
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

it('names what DynamoDB refuses as invalid, so that a definition need not retry it', async () => {
  const refuses = taskRunner({
    tasks: new Map([
      [
        'place-order',
        {
          double() {
            throw Object.assign(new Error('An operand has an incorrect type'), {
              name: 'ValidationException',
            });
          },
        },
      ],
    ]),
    log: pino({ level: 'silent' }),
    scope: () => ({}) as TaskScope,
  });
  expect(await refuses(call)).toEqual({
    failure: { error: 'DynamoDB.ValidationException', cause: 'An operand has an incorrect type' },
  });
});

it('gives a task its span as the cause of what it does', async () => {
  const { tracer, spans } = recordSpans();
  const seen: Cause[] = [];
  const recorded = taskRunner({
    tasks: new Map([['place-order', { double: (_: never, { cause }: TaskScope) => void seen.push(cause) }]]),
    log: pino({ level: 'silent' }),
    scope: (cause) => ({ cause }) as TaskScope,
    tracer,
  });
  await recorded({ ...call, trace: { ...call.trace, traceparent } });
  const { spanId } = spans()[0]!.spanContext();
  expect(seen).toEqual([{ correlationid: 'request-1', traceparent: `00-${traceId}-${spanId}-01` }]);
  expect(spans()[0]!.attributes).toEqual({
    'weir.workflow.name': 'place-order',
    'weir.workflow.state': 'Double',
    'weir.workflow.task': 'double',
    'weir.attempt': 1,
  });
});
