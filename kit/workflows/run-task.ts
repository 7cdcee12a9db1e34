import { type FastifyBaseLogger } from 'fastify';
import { SubgraphError } from '../errors';
import { type Cause } from '../events/event';
import { logged } from '../traces/trace';
import { type Tracer } from '../traces/tracer';
import { stateIn, type StateError } from './interpreter';
import { type Json } from './paths';
import { type Task, type TaskScope } from './workflows';

export interface TaskCall {
  readonly workflow: string;
  readonly task: string;
  readonly input: Json;
  readonly key: string;
  readonly attempt: number;
  readonly timeoutMilliseconds: number;
  /** The member `trace` of the execution's input. */
  readonly trace: Cause;
  /** Whether nothing but an error leads to the state, so that it undoes what was done before. */
  readonly isCompensation: boolean;
  /** Aborts the call: its outcome is of no interest any more. */
  readonly signal: AbortSignal;
}

export type TaskOutcome = { readonly output: Json } | { readonly failure: StateError };

/** Calls a task of a workflow, and never rejects. */
export type RunTask = (call: TaskCall) => Promise<TaskOutcome>;

export interface RunTaskOptions {
  readonly tasks: ReadonlyMap<string, Readonly<Record<string, Task>>>;
  readonly log: FastifyBaseLogger;
  /** What a task gets beside key, attempt and signal, for a call with this trace. */
  readonly scope: (trace: Cause) => Omit<TaskScope, 'key' | 'attempt' | 'signal' | 'log'>;
  /** @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** The largest input, data and output of an execution, in bytes of JSON. The item holds two of them and the history. */
export const mostDataBytes = 128 * 1024;

export function taskRunner({ tasks, log, scope, tracer }: RunTaskOptions): RunTask {
  return async (call) => {
    const { workflow, task, input, key, attempt, timeoutMilliseconds, trace, signal } = call;
    const taskLog = log.child({ ...logged(trace), workflow, task, key, attempt });
    const own = tasks.get(workflow) ?? {};
    const handler = Object.hasOwn(own, task) ? own[task] : undefined;
    if (!handler) return { failure: { error: 'States.Runtime', cause: `There is no task "${task}".` } };
    const span = tracer?.begin(`${workflow} ${stateIn(key)}`, {
      // Not `internal`: the request that has started the execution, in whatever process, has ended by now, or may have.
      ...{ kind: 'consumer', cause: trace },
      attributes: {
        'weir.workflow.name': workflow,
        'weir.workflow.state': stateIn(key),
        'weir.workflow.task': task,
        'weir.attempt': attempt,
        ...(call.isCompensation && { 'weir.workflow.compensation': true }),
      },
    });
    const timeout = AbortSignal.timeout(timeoutMilliseconds);
    const ended = AbortSignal.any([signal, timeout]);
    const began = performance.now();
    const milliseconds = () => Math.round(performance.now() - began);
    try {
      const taskScope: TaskScope = {
        ...scope(span?.causing(trace.correlationid) ?? trace),
        log: taskLog,
        ...{ key, attempt, signal: ended },
      };
      const output = await unlessAborted(ended, () => handler(input as never, taskScope));
      const text = JSON.stringify(output ?? null);
      if (Buffer.byteLength(text) > mostDataBytes) {
        throw new SubgraphError(
          'TOO_LARGE',
          `The output of the task "${task}" has ${Buffer.byteLength(text)} bytes; at most ${mostDataBytes} are allowed.`,
        );
      }
      taskLog.info({ milliseconds: milliseconds() }, 'task completed');
      return { output: JSON.parse(text) as Json };
    } catch (error) {
      const failure = timeout.aborted
        ? { error: 'States.Timeout', cause: `The task "${task}" took more than ${timeoutMilliseconds} ms.` }
        : toStateError(error);
      span?.fail(signal.aborted ? 'aborted' : failure.error);
      const isExpected = error instanceof SubgraphError || timeout.aborted;
      taskLog.warn(
        {
          milliseconds: milliseconds(),
          error: failure.error,
          ...(isExpected ? { cause: failure.cause } : { err: error }),
        },
        'task failed',
      );
      return { failure };
    } finally {
      span?.end();
    }
  };
}

/** Errors that a client may see keep their code; others are masked, as a definition may write the cause anywhere. */
function toStateError(error: unknown): StateError {
  if (error instanceof SubgraphError) return { error: error.code, cause: error.message };
  // No attempt can succeed. A name of its own, so that a definition need not retry it; AWS names it so, too.
  if (error instanceof Error && error.name === 'ValidationException')
    return { error: 'DynamoDB.ValidationException', cause: error.message };
  return { error: 'INTERNAL_SERVER_ERROR', cause: 'The task failed; the log of the subgraph says why.' };
}

/** Rejects when the signal is aborted, whatever the call does then. */
async function unlessAborted(signal: AbortSignal, call: () => unknown): Promise<unknown> {
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([call(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort!);
  }
}
