import { setTimeout as sleep } from 'node:timers/promises';
import { type DescribeExecutionOutput, type ExecutionStatus, type SFN } from '@aws-sdk/client-sfn';
import { loadPackages } from '../../optional-packages';
import { isOutage } from '../table/commands';
import { SubgraphError } from '../errors';
import { type Cause } from '../events/event';
import {
  checkRepeat,
  fingerprintOf,
  nameOf,
  readName,
  type ExecutionName,
  type ListedExecution,
  type StartRequest,
  type WorkflowEngine,
} from './engine';
import { isObject, type Json, type JsonObject } from './paths';
import { readHistory } from './step-functions-history';
import { type StepFunctionsSettings } from './step-functions-settings';
import { startTaskWorker, taskHandler, type TaskHandlerOptions, type TaskWorkerOptions } from './task-worker';
import { type Execution } from './workflows';

export interface StepFunctionsEngineOptions
  extends
    StepFunctionsSettings,
    Omit<TaskHandlerOptions, 'sfn'>,
    Omit<TaskWorkerOptions, 'sqs' | 'taskQueue'> {
  /** Takes tasks from the queue. For a Lambda function, AWS does so. */
  readonly pollsTasks: boolean;
}

/** Runs executions in AWS Step Functions, and their tasks in processes of the subgraph. */
export async function openStepFunctionsEngine(options: StepFunctionsEngineOptions): Promise<WorkflowEngine> {
  const { stateMachines, aws, definitions, pollsTasks } = options;
  // Loaded only now: who has the other engine does not pay for them.
  const [{ SFN }, { SQS }] = await loadPackages(
    'The workflow engine of AWS Step Functions',
    ['@aws-sdk/client-sfn', '@aws-sdk/client-sqs'],
    () => Promise.all([import('@aws-sdk/client-sfn'), import('@aws-sdk/client-sqs')]),
  );
  const requests = { connectionTimeout: 1000, throwOnRequestTimeout: true };
  const sfn = new SFN({ maxAttempts: 3, requestHandler: { ...requests, requestTimeout: 10_000 }, ...aws });
  // Longer than a long poll.
  const sqs = new SQS({ maxAttempts: 3, requestHandler: { ...requests, requestTimeout: 25_000 }, ...aws });
  const taskQueue = { url: options.taskQueue, handle: taskHandler({ ...options, sfn }) };
  const worker = pollsTasks ? startTaskWorker({ ...options, sqs, taskQueue }) : undefined;

  const machineOf = (workflow: string): string => `${stateMachines}${workflow}`;
  const arnOf = (execution: ExecutionName): string =>
    `${machineOf(execution.workflow).replace(':stateMachine:', ':execution:')}:${nameOf(execution)}`;

  async function start(request: StartRequest): Promise<Execution> {
    const { workflow, id } = request;
    try {
      const { startDate } = await call((api) =>
        api.startExecution({
          stateMachineArn: machineOf(workflow),
          name: nameOf(request),
          input: JSON.stringify(request.input),
        }),
      );
      const startedAt = startDate!.toISOString();
      const { correlationid: correlationId } = request.input.trace;
      return {
        workflow,
        id,
        status: 'RUNNING',
        state: null,
        input: withoutTrace(request.input),
        startedAt,
        correlationId,
      };
    } catch (error) {
      // A repeat has another trace, and so another input.
      if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
      const existing = await get(request);
      if (!existing)
        throw new SubgraphError('UNAVAILABLE', 'The execution cannot be read yet; repeat the request.');
      checkRepeat(request, fingerprintOf(existing.input));
      return existing;
    }
  }

  async function get(execution: ExecutionName): Promise<Execution | null> {
    const found = await orNull(call((api) => api.describeExecution({ executionArn: arnOf(execution) })));
    return found && toExecution(execution, found);
  }

  async function history(execution: ExecutionName) {
    return orNull(call((api) => readHistory(api, arnOf(execution))));
  }

  async function wait(execution: ExecutionName, milliseconds: number): Promise<Execution | null> {
    const deadline = performance.now() + milliseconds;
    for (let pause = 200; ; pause = Math.min(2 * pause, 1000)) {
      const found = await get(execution);
      const left = deadline - performance.now();
      if (found?.status !== 'RUNNING' || left <= 0) return found;
      await sleep(Math.min(pause, left));
    }
  }

  async function list(status: 'RUNNING' | 'FAILED', limit: number): Promise<ListedExecution[]> {
    const statuses: ExecutionStatus[] =
      status === 'RUNNING' ? ['RUNNING'] : ['FAILED', 'TIMED_OUT', 'ABORTED'];
    const found = await Promise.all(
      [...definitions.keys()].flatMap((workflow) =>
        statuses.map(async (statusFilter) => {
          const filter = { stateMachineArn: machineOf(workflow), statusFilter, maxResults: limit };
          const { executions = [] } = await call((api) => api.listExecutions(filter));
          return executions.flatMap(({ name, startDate, stopDate }) => {
            const execution = readName(name!);
            const endedAt = stopDate?.toISOString();
            const startedAt = startDate!.toISOString();
            return execution
              ? [{ ...execution, status, state: null, startedAt, ...(endedAt !== undefined && { endedAt }) }]
              : [];
          });
        }),
      ),
    );
    const changedAt = ({ startedAt, endedAt = startedAt }: ListedExecution) => endedAt;
    return found
      .flat()
      .sort((a, b) => (changedAt(a) < changedAt(b) ? 1 : -1))
      .slice(0, limit);
  }

  async function retry(execution: ExecutionName): Promise<Execution> {
    const name = nameOf(execution);
    const before = await get(execution);
    if (!before) throw new SubgraphError('NOT_FOUND', `There is no execution "${name}".`);
    const conflict = `The execution "${name}" has not failed: it is ${before.status}.`;
    if (before.status !== 'FAILED') throw new SubgraphError('CONFLICT', conflict);
    try {
      await call((api) => api.redriveExecution({ executionArn: arnOf(execution) }));
    } catch (error) {
      if (isNamed(error, 'ExecutionNotRedrivable'))
        throw new SubgraphError(
          'CONFLICT',
          `The execution "${name}" cannot be retried: ${(error as Error).message}`,
        );
      throw error;
    }
    return { ...before, status: 'RUNNING' };
  }

  async function stop(): Promise<void> {
    await worker?.stop();
    sfn.destroy();
    sqs.destroy();
  }

  async function call<Result>(send: (api: SFN) => Promise<Result>): Promise<Result> {
    try {
      return await send(sfn);
    } catch (error) {
      if (!isOutage(error)) throw error;
      throw new SubgraphError('UNAVAILABLE', 'The workflows cannot be reached at this moment.', {}, error);
    }
  }

  return { start, get, history, wait, list, retry, taskQueue, stop };
}

function toExecution(execution: ExecutionName, found: DescribeExecutionOutput): Execution {
  const { status: given, input: text = '{}', output, error = given, cause = '', startDate, stopDate } = found;
  const status = given === 'SUCCEEDED' ? given : isRunning(given) ? 'RUNNING' : 'FAILED';
  const input = JSON.parse(text) as JsonObject & { readonly trace?: Cause };
  return {
    ...execution,
    status,
    state: null,
    input: withoutTrace(input),
    ...(status === 'SUCCEEDED' && { output: JSON.parse(output ?? 'null') as Json }),
    ...(status === 'FAILED' && { error: { error: error ?? 'FAILED', cause } }),
    startedAt: startDate!.toISOString(),
    ...(stopDate !== undefined && { endedAt: stopDate.toISOString() }),
    correlationId: input.trace?.correlationid ?? '',
  };
}

/** Step Functions says `PENDING_REDRIVE` of one that is about to go on. */
const isRunning = (status: ExecutionStatus | undefined): boolean =>
  status === 'RUNNING' || status === 'PENDING_REDRIVE';

const withoutTrace = (input: Json): JsonObject =>
  isObject(input) ? Object.fromEntries(Object.entries(input).filter(([name]) => name !== 'trace')) : {};

async function orNull<Result>(found: Promise<Result>): Promise<Result | null> {
  try {
    return await found;
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return null;
    throw error;
  }
}

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;
