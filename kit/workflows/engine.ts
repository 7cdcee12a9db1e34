import { SubgraphError } from '../errors';
import { fingerprintOf } from '../table/idempotency';
import { type Cause } from '../events/event';
import { type Definition } from './definition';
import { isObject, type JsonObject } from './paths';
import { mostDataBytes } from './run-task';
import { type Execution, type HistoryEntry } from './workflows';

/** Runs executions. `docs/workflows.md` says what each engine guarantees. */
export interface WorkflowEngine {
  start(request: StartRequest): Promise<Execution>;
  get(execution: ExecutionName): Promise<Execution | null>;
  history(execution: ExecutionName): Promise<readonly HistoryEntry[] | null>;
  wait(execution: ExecutionName, milliseconds: number): Promise<Execution | null>;
  /** Executions of all workflows with this status, at most `limit`, those that changed last first. */
  list(status: 'RUNNING' | 'FAILED', limit: number): Promise<readonly ListedExecution[]>;
  /**
   * Lets an execution that failed go on with the state that failed, as if its retries were new. Throws `NOT_FOUND`, or
   * `CONFLICT` where it has not failed.
   */
  retry(execution: ExecutionName): Promise<Execution>;
  /** Where Step Functions runs the executions: the queue to which they send their tasks. */
  readonly taskQueue?: TaskQueue;
  /** Ends the work of this process: a task in flight may complete; other processes, or the next one, go on. */
  stop(): Promise<void>;
}

export interface TaskQueue {
  readonly url: string;
  /**
   * Runs the task of a message, and reports its outcome to Step Functions. Resolves with false if the message must come
   * again: its task is unknown here, was aborted, or its outcome could not be reported. Never rejects.
   */
  handle(body: string, signal: AbortSignal): Promise<boolean>;
}

export type ListedExecution = Pick<
  Execution,
  'workflow' | 'id' | 'status' | 'state' | 'startedAt' | 'endedAt'
>;

export interface ExecutionName {
  readonly workflow: string;
  readonly id: string;
}

/** A start that was checked by {@link readStart}. */
export interface StartRequest extends ExecutionName {
  readonly definition: Definition;
  /** What was given, and `trace`. */
  readonly input: JsonObject & { readonly trace: Cause & JsonObject };
  /** The input without `trace`, hashed: a repeat has another trace and is the same. */
  readonly fingerprint: string;
}

/** `WORKFLOW.ID`: unique in its subgraph. */
export const nameOf = ({ workflow, id }: ExecutionName): string => `${workflow}.${id}`;

/** The opposite; `null` for a text that is no such name. */
export function readName(text: string): ExecutionName | null {
  const [, workflow, id] = /^([a-z][a-z0-9-]{0,31})\.([\w-]{1,40})$/.exec(text) ?? [];
  return workflow === undefined || id === undefined ? null : { workflow, id };
}

/** Checks what a start is given. Throws a {@link SubgraphError} `BAD_USER_INPUT`. */
export function readStart(
  definitions: ReadonlyMap<string, Definition>,
  { workflow, id }: ExecutionName,
  given: object,
  cause: Cause,
): StartRequest {
  const definition = definitions.get(workflow);
  if (!definition) {
    const known = [...definitions.keys()].join(', ') || 'none';
    throw new SubgraphError('BAD_USER_INPUT', `There is no workflow "${workflow}"; there are: ${known}.`);
  }
  if (!readName(nameOf({ workflow, id })))
    throw new SubgraphError(
      'BAD_USER_INPUT',
      `The id of an execution must have 1 to 40 letters, digits, "-" and "_", but is ${JSON.stringify(id).slice(0, 60)}.`,
    );
  // What JSON cannot hold is dropped here, once, for every engine.
  const json: unknown = JSON.parse(JSON.stringify(given));
  if (!isObject(json) || 'trace' in json)
    throw new SubgraphError(
      'BAD_USER_INPUT',
      `The input of the workflow "${workflow}" must be an object without the member "trace", which the engine adds.`,
    );
  const input = { ...json, trace: { ...cause } };
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > mostDataBytes)
    throw new SubgraphError(
      'BAD_USER_INPUT',
      `The input of the workflow "${workflow}" has ${bytes} bytes; at most ${mostDataBytes} are allowed.`,
    );
  return { workflow, id, definition, input, fingerprint: fingerprintOf(json) };
}

/** Refuses another input for an id that is taken. */
export function checkRepeat({ workflow, id, fingerprint }: StartRequest, stored: string): void {
  if (stored === fingerprint) return;
  throw new SubgraphError(
    'IDEMPOTENCY_KEY_REUSED',
    `The workflow "${workflow}" has an execution "${id}" with another input.`,
  );
}
