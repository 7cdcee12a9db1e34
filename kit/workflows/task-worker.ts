import { setTimeout as sleep } from 'node:timers/promises';
import { type SFN } from '@aws-sdk/client-sfn';
import { type Message, type SQS } from '@aws-sdk/client-sqs';
import { type FastifyBaseLogger } from 'fastify';
import { z } from 'zod';
import { createBackoff } from '../backoff';
import { type Cause } from '../events/event';
import { logged } from '../traces/trace';
import { type Definition } from './definition';
import { readName, type TaskQueue } from './engine';
import { keyOf } from './interpreter';
import { type RunTask, type TaskOutcome } from './run-task';

export interface TaskHandlerOptions {
  readonly sfn: SFN;
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly runTask: RunTask;
  readonly log: FastifyBaseLogger;
}

export interface TaskWorkerOptions {
  readonly sqs: SQS;
  readonly taskQueue: TaskQueue;
  readonly log: FastifyBaseLogger;
  /** Tasks that this process runs at once. @default 100 */
  readonly concurrency?: number;
  /** Seconds of a long poll, 1 to 20. @default 20 */
  readonly wait?: number;
  /** Seconds in which no other process gets a task that one has received; renewed while it runs. @default 30 */
  readonly visibility?: number;
}

/** The message of a Task state, as the definition has it. */
const taskMessage = z.object({
  task: z.string(),
  input: z.json(),
  token: z.string(),
  execution: z.string(),
  state: z.string(),
  retries: z.number(),
  trace: z.object({
    correlationid: z.string(),
    traceparent: z.string().optional(),
    tracestate: z.string().optional(),
  }),
});
type TaskMessage = z.infer<typeof taskMessage>;

/** How long tasks may go on when the process stops, in milliseconds. */
const graceMilliseconds = 5000;

/** Runs the tasks of messages: `TaskQueue.handle`. */
export function taskHandler({ sfn, definitions, runTask, log }: TaskHandlerOptions): TaskQueue['handle'] {
  /** Resolves with false if Step Functions did not take the outcome. */
  async function report(message: TaskMessage, outcome: TaskOutcome): Promise<boolean> {
    const { token: taskToken, execution, trace } = message;
    try {
      if ('output' in outcome)
        await sfn.sendTaskSuccess({ taskToken, output: JSON.stringify(outcome.output) });
      else {
        const { error, cause } = outcome.failure;
        await sfn.sendTaskFailure({ taskToken, error: error.slice(0, 256), cause: cause.slice(0, 32_768) });
      }
    } catch (error) {
      const facts = { ...logged(trace as Cause), execution };
      // Nobody waits for it any more: its time is over, or it was reported before.
      if (error instanceof Error && isOver.has(error.name))
        log.info({ ...facts, reason: error.name }, 'outcome of a task dropped');
      else {
        log.error({ ...facts, err: error }, 'outcome of a task not reported');
        return false;
      }
    }
    return true;
  }

  return async (body, signal) => {
    const message = readMessage(body);
    const execution = message && readName(message.execution);
    const definition = execution ? definitions.get(execution.workflow) : undefined;
    const state = message && definition?.States[message.state];
    if (!message || !definition || state?.Type !== 'Task') {
      // Another version of the subgraph may know it; after some receipts the queue's redrive policy takes it away.
      log.error(
        { ...(message && logged(message.trace as Cause)), body: body.slice(0, 500) },
        'no workflow of this subgraph fits the task',
      );
      return false;
    }
    const outcome = await runTask({
      workflow: definition.name,
      task: message.task,
      input: message.input,
      key: keyOf(message.execution, message.state),
      attempt: message.retries + 1,
      timeoutMilliseconds: state.TimeoutSeconds * 1000,
      trace: message.trace as Cause,
      isCompensation: definition.compensations.has(message.state),
      signal,
    });
    return !signal.aborted && report(message, outcome);
  };
}

/** Takes the tasks of executions from their queue, and runs them. */
export function startTaskWorker(options: TaskWorkerOptions): { stop(): Promise<void> } {
  const { sqs, taskQueue, log } = options;
  const { url: QueueUrl } = taskQueue;
  const { concurrency = 100, wait = 20, visibility = 30 } = options;
  const stopping = new AbortController();
  const ending = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const running = new Set<Promise<void>>();
  const newBackoff = () =>
    createBackoff({ budgetMilliseconds: Infinity, longestMilliseconds: 5000, signal: stopping.signal });

  async function poll(): Promise<void> {
    let backoff = newBackoff();
    while (!isStopping()) {
      if (running.size >= concurrency) {
        await Promise.race(running);
        continue;
      }
      try {
        const { Messages = [] } = await sqs.receiveMessage(
          {
            QueueUrl,
            MaxNumberOfMessages: Math.min(10, concurrency - running.size),
            WaitTimeSeconds: wait,
            VisibilityTimeout: visibility,
          },
          { abortSignal: stopping.signal },
        );
        backoff = newBackoff();
        for (const message of Messages) {
          const work = handle(message)
            .catch((error: unknown) => log.error({ err: error }, 'task of a workflow left in the queue'))
            .finally(() => running.delete(work));
          running.add(work);
        }
      } catch (error) {
        if (isStopping()) return;
        log.warn({ err: error }, 'the queue of tasks does not answer');
        await backoff.pause();
      }
    }
  }

  async function handle({ Body = '', ReceiptHandle }: Message): Promise<void> {
    const renewal = setInterval(
      () =>
        void sqs
          .changeMessageVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout: visibility })
          .catch(() => undefined),
      (visibility * 1000) / 3,
    );
    try {
      if (await taskQueue.handle(Body, ending.signal)) await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
      else if (ending.signal.aborted)
        await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    } finally {
      clearInterval(renewal);
    }
  }

  const polling = poll();
  return {
    async stop() {
      stopping.abort();
      await polling;
      const grace = new AbortController();
      const over = sleep(graceMilliseconds, undefined, { signal: grace.signal, ref: false });
      over.then(
        () => ending.abort(),
        () => undefined,
      );
      await Promise.all(running);
      grace.abort();
    },
  };
}

const isOver = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken']);

function readMessage(body: string): TaskMessage | null {
  try {
    const { success, data } = taskMessage.safeParse(JSON.parse(body));
    return success ? data : null;
  } catch {
    return null;
  }
}
