import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DescribeExecutionOutput,
  type ExecutionListItem,
  type ExecutionStatus,
  type SFN,
} from '@aws-sdk/client-sfn';
import { type SQS } from '@aws-sdk/client-sqs';
import { loadPackages } from '../../optional-packages';
import { isOutage } from '../table/commands';
import { SubgraphError } from '../errors';
import { fingerprintOf } from '../table/idempotency';
import { type Cause } from '../events/event';
import {
  checkRepeat,
  nameOf,
  readName,
  type ExecutionName,
  type ListedExecution,
  type StartRequest,
  type TaskQueue,
  type WorkflowEngine,
} from './engine';
import { isObject, type Json, type JsonObject } from './paths';
import { readHistory } from './step-functions-history';
import { type StepFunctionsSettings } from './step-functions-settings';
import { startTaskWorker, taskHandler, type TaskHandlerOptions, type TaskWorkerOptions } from './task-worker';
import { type Execution, type HistoryEntry } from './workflows';

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
  const { aws } = options;
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
  return new StepFunctionsEngine(options, sfn, sqs);
}

class StepFunctionsEngine implements WorkflowEngine {
  readonly taskQueue: TaskQueue;
  readonly #options: StepFunctionsEngineOptions;
  readonly #sfn: SFN;
  readonly #sqs: SQS;
  readonly #worker: { stop(): Promise<void> } | undefined;

  constructor(options: StepFunctionsEngineOptions, sfn: SFN, sqs: SQS) {
    this.#options = options;
    this.#sfn = sfn;
    this.#sqs = sqs;
    const taskQueue = { url: options.taskQueue, handle: taskHandler({ ...options, sfn }) };
    this.taskQueue = taskQueue;
    this.#worker = options.pollsTasks ? startTaskWorker({ ...options, sqs, taskQueue }) : undefined;
  }

  async start(request: StartRequest): Promise<Execution> {
    const { workflow, id, input } = request;
    const execution = {
      ...{ stateMachineArn: this.#machineOf(workflow), name: nameOf(request) },
      input: JSON.stringify(input),
    };
    try {
      const { startDate } = await this.#call((api) => api.startExecution(execution));
      const startedAt = startDate!.toISOString();
      const { correlationid: correlationId } = input.trace;
      const facts = { workflow, id, status: 'RUNNING', state: null } as const;
      return { ...facts, input: withoutTrace(input), startedAt, correlationId };
    } catch (error) {
      // A repeat has another trace, and so another input.
      if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
      const existing = await this.get(request);
      if (!existing)
        throw new SubgraphError('UNAVAILABLE', 'The execution cannot be read yet; repeat the request.');
      checkRepeat(request, fingerprintOf(existing.input));
      return existing;
    }
  }

  async get(execution: ExecutionName): Promise<Execution | null> {
    const executionArn = this.#arnOf(execution);
    const found = await orNull(this.#call((api) => api.describeExecution({ executionArn })));
    return found && toExecution(execution, found);
  }

  history(execution: ExecutionName): Promise<readonly HistoryEntry[] | null> {
    return orNull(this.#call((api) => readHistory(api, this.#arnOf(execution))));
  }

  async wait(execution: ExecutionName, milliseconds: number): Promise<Execution | null> {
    const deadline = performance.now() + milliseconds;
    for (let pause = 200; ; pause = Math.min(2 * pause, 1000)) {
      const found = await this.get(execution);
      const left = deadline - performance.now();
      if (found?.status !== 'RUNNING' || left <= 0) return found;
      await sleep(Math.min(pause, left));
    }
  }

  async list(status: 'RUNNING' | 'FAILED', limit: number): Promise<ListedExecution[]> {
    const statuses: ExecutionStatus[] =
      status === 'RUNNING' ? ['RUNNING'] : ['FAILED', 'TIMED_OUT', 'ABORTED'];
    const found = await Promise.all(
      [...this.#options.definitions.keys()].flatMap((workflow) =>
        statuses.map(async (statusFilter) => {
          const filter = { stateMachineArn: this.#machineOf(workflow), statusFilter, maxResults: limit };
          const { executions = [] } = await this.#call((api) => api.listExecutions(filter));
          return executions.flatMap((each) => toListed(each, status));
        }),
      ),
    );
    const changedAt = ({ startedAt, endedAt = startedAt }: ListedExecution) => endedAt;
    return found
      .flat()
      .sort((a, b) => (changedAt(a) < changedAt(b) ? 1 : -1))
      .slice(0, limit);
  }

  async retry(execution: ExecutionName): Promise<Execution> {
    const name = nameOf(execution);
    const before = await this.get(execution);
    if (!before) throw new SubgraphError('NOT_FOUND', `There is no execution "${name}".`);
    const conflict = `The execution "${name}" has not failed: it is ${before.status}.`;
    if (before.status !== 'FAILED') throw new SubgraphError('CONFLICT', conflict);
    try {
      await this.#call((api) => api.redriveExecution({ executionArn: this.#arnOf(execution) }));
    } catch (error) {
      if (!isNamed(error, 'ExecutionNotRedrivable')) throw error;
      const { message } = error as Error;
      throw new SubgraphError('CONFLICT', `The execution "${name}" cannot be retried: ${message}`);
    }
    return { ...before, status: 'RUNNING' };
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
    this.#sfn.destroy();
    this.#sqs.destroy();
  }

  #machineOf(workflow: string): string {
    return `${this.#options.stateMachines}${workflow}`;
  }

  #arnOf(execution: ExecutionName): string {
    const machine = this.#machineOf(execution.workflow);
    return `${machine.replace(':stateMachine:', ':execution:')}:${nameOf(execution)}`;
  }

  async #call<Result>(send: (api: SFN) => Promise<Result>): Promise<Result> {
    try {
      return await send(this.#sfn);
    } catch (error) {
      if (!isOutage(error)) throw error;
      throw new SubgraphError('UNAVAILABLE', 'The workflows cannot be reached at this moment.', {}, error);
    }
  }
}

/** Nothing for an execution that no subgraph has started. */
function toListed(
  { name, startDate, stopDate }: ExecutionListItem,
  status: 'RUNNING' | 'FAILED',
): ListedExecution[] {
  const execution = readName(name!);
  if (!execution) return [];
  const [startedAt, endedAt] = [startDate!.toISOString(), stopDate?.toISOString()];
  return [{ ...execution, status, state: null, startedAt, ...(endedAt !== undefined && { endedAt }) }];
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
