import { type RequestScope } from '../subgraph';
import { type StateError } from './interpreter';
import { type Json, type JsonObject } from './paths';

/** The workflows of a subgraph, as its requests and tasks see them. */
export interface Workflows {
  /**
   * Starts an execution, or finds the one with this id: a repeat has no second effect. So derive the id from what the
   * execution is for, such as an order's id. Input is a JSON object of at most 128 KB.
   *
   * Throws `IDEMPOTENCY_KEY_REUSED` where the id was used with another input, `BAD_USER_INPUT` for an input or an id that
   * cannot be: 1 to 40 letters, digits, `-` and `_`.
   */
  start(workflow: string, id: string, input: object): Promise<Execution>;
  get(workflow: string, id: string): Promise<Execution | null>;
  /** What happened so far, state by state; `null` when there is no such execution. */
  history(workflow: string, id: string): Promise<readonly HistoryEntry[] | null>;
  /** The execution when it has ended, or as it is after so many milliseconds; `null` when there is none. */
  wait(workflow: string, id: string, options: { readonly milliseconds: number }): Promise<Execution | null>;
}

/** `RUNNING` includes executions that wait, for a time or a retry. */
export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED';

export interface Execution {
  readonly workflow: string;
  readonly id: string;
  readonly status: ExecutionStatus;
  /** The state that it is in, or was in at its end; `null` where the engine knows it only from the history. */
  readonly state: string | null;
  readonly input: JsonObject;
  /** Of an execution that succeeded. */
  readonly output?: Json;
  /** Of an execution that failed. */
  readonly error?: StateError;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly correlationId: string;
}

/** One visit of a state. */
export interface HistoryEntry {
  readonly state: string;
  /** When the state was entered; ISO 8601, UTC. */
  readonly at: string;
  /** When it was left. */
  readonly endedAt?: string;
  /** `CAUGHT`: it failed, and a catcher went on. `FAILED`: its error, or the Fail state itself, ended the execution. */
  readonly outcome: 'RUNNING' | 'SUCCEEDED' | 'CAUGHT' | 'FAILED';
  /** How often its task was called; 0 in a state without one. */
  readonly attempts: number;
  /** The error that was caught, ended the execution, or is retried. */
  readonly error?: StateError;
}

/** A task of a workflow. A type that states its input where it is written: `(input: { orderId: string }, scope) => …`. */
export type Task<OptionName extends string = string> = (
  input: never,
  scope: TaskScope<OptionName>,
) => unknown;

/** One call of a task. */
export interface TaskScope<OptionName extends string = string> extends Pick<
  RequestScope<OptionName>,
  'db' | 'cause' | 'options' | 'propagation' | 'fetch' | 'sign' | 'log' | 'workflows'
> {
  /**
   * `EXECUTION#STATE`, such as `place-order.o1#ReserveStock`: the same for every attempt and every repetition after a
   * crash. A task with an effect must have it once for this key.
   */
  readonly key: string;
  /** 1 for the first call, as far as is known: a call that a crash has cut off may not be counted. */
  readonly attempt: number;
  /** Aborted when the state's `TimeoutSeconds` are over, or another process has taken the execution over. */
  readonly signal: AbortSignal;
}

/** Where a workflow's file is, and the functions that its Task states name. */
export interface WorkflowDefinition<OptionName extends string = string> {
  /** Absolute path of a file such as `place-order.asl.json`, whose name is the workflow's. */
  readonly definition: string;
  readonly tasks: Readonly<Record<string, Task<OptionName>>>;
}
