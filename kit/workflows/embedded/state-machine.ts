import { type Definition } from '../definition';
import { type StartRequest, nameOf } from '../engine';
import { listingOf, shardOf, traceOf, type StoredExecution } from '../executions-table';
import {
  begin,
  completed,
  failed,
  interpret,
  keyOf,
  waited,
  type Demand,
  type Move,
  type StatePosition,
  type RunInput,
  type StateError,
} from '../interpreter';
import { type Json } from '../paths';
import { mostDataBytes, type TaskCall, type TaskOutcome } from '../run-task';
import { type HistoryEntry } from '../workflows';

/** A task whose process has ended so often is taken for one that ends it. */
const mostLosses = 10;
/** As many as a definition has states; those of an execution that is retried again and again lose the oldest. */
const longestHistory = 100;
/** In bytes of UTF-8. With these a history has at most 120 KB, and an item with 256 KB of input and data fits into DynamoDB. */
const [longestErrorName, longestCause] = [200, 500];

/** What an execution does next. */
export type Step =
  | {
      readonly kind: 'call';
      readonly call: Omit<TaskCall, 'signal'>;
      /** The execution after the call. */
      readonly after: (outcome: TaskOutcome) => StoredExecution;
    }
  /** The execution after this step; `hasWaited`: a Wait state is left. */
  | { readonly kind: 'write'; readonly item: StoredExecution; readonly hasWaited?: boolean };

/** Leads one execution through the states of its definition. It computes items, and neither reads nor writes them. */
export class StateMachine {
  readonly #definition: Definition;
  readonly #run: RunInput;
  readonly #secondMilliseconds: number;

  /** @param secondMilliseconds how long a second of the definition is */
  constructor(definition: Definition, { name, input }: StoredExecution, secondMilliseconds: number) {
    this.#definition = definition;
    this.#run = { name, input: JSON.parse(input) as Json };
    this.#secondMilliseconds = secondMilliseconds;
  }

  /** The next call of a task; without one the execution as it next waits, calls a task, or ends. */
  step(item: StoredExecution): Step {
    const position = { state: item.state, data: JSON.parse(item.data) as Json, retries: item.retries };
    const next = interpret(this.#definition, position, this.#run);
    if (next.kind === 'call') return this.#call(item, position, next);
    if (next.kind === 'wait' || next.kind === 'wait-until') return this.#wait(item, position, next);
    return { kind: 'write', item: this.#follow(item, next) };
  }

  #call(item: StoredExecution, position: StatePosition, demand: Demand & { kind: 'call' }): Step {
    const called = { ...item, attempts: item.attempts + 1 };
    const after = (outcome: TaskOutcome): StoredExecution =>
      this.#follow(
        called,
        'output' in outcome
          ? completed(this.#definition, position, outcome.output, this.#run)
          : failed(this.#definition, position, outcome.failure),
      );
    if (item.losses >= mostLosses) {
      const cause = `${item.losses} processes have ended during this task.`;
      return { kind: 'write', item: after({ failure: { error: 'TASK_ABANDONED', cause } }) };
    }
    const call = {
      workflow: item.workflow,
      task: demand.task,
      input: demand.input,
      key: keyOf(item.name, item.state),
      attempt: called.attempts + item.losses,
      timeoutMilliseconds: demand.timeoutSeconds * this.#secondMilliseconds,
      trace: traceOf(item),
      isCompensation: this.#definition.compensations.has(item.state),
    };
    return { kind: 'call', call, after };
  }

  #wait(
    item: StoredExecution,
    position: StatePosition,
    demand: Demand & { kind: 'wait' | 'wait-until' },
  ): Step {
    const until =
      demand.kind === 'wait'
        ? Date.parse(item.enteredAt) + demand.seconds * this.#secondMilliseconds
        : Date.parse(demand.time);
    if (until > Date.now()) {
      const { owner, ...free } = item;
      return { kind: 'write', item: { ...free, due: new Date(until).toISOString() } };
    }
    return { kind: 'write', item: this.#follow(item, waited(this.#definition, position)), hasWaited: true };
  }

  /** The execution after a move, and after all moves behind it that want nothing from outside. */
  #follow(item: StoredExecution, first: Move): StoredExecution {
    let [current, move] = [item, limited(first)];
    while (move.kind === 'go') {
      current = this.#enter(current, move);
      const next = interpret(this.#definition, move.to, this.#run);
      if (next.kind === 'call' || next.kind === 'wait' || next.kind === 'wait-until') return current;
      move = limited(next);
    }
    const now = new Date();
    if (move.kind !== 'retry') return ended(current, move, now.toISOString());
    const { owner, ...free } = current;
    const due = new Date(now.getTime() + move.seconds * this.#secondMilliseconds).toISOString();
    return { ...free, losses: 0, ...stored(move.to), error: shortened(move.error), due };
  }

  /** It keeps its owner, and goes on in this process. */
  #enter(item: StoredExecution, { to, caught }: Move & { kind: 'go' }): StoredExecution {
    const { error, ...left } = item;
    const now = new Date().toISOString();
    const history = leaving(item, caught ? 'CAUGHT' : 'SUCCEEDED', now, caught);
    return { ...left, ...stored(to), history, ...entered(item.name, now) };
  }
}

/** An execution in its first state, without lease. */
export function started(request: StartRequest, startedAt: string): StoredExecution {
  const { workflow, id, definition, input, fingerprint } = request;
  const name = nameOf(request);
  return {
    ...{ name, workflow, id, fingerprint, startedAt },
    definition: definition.hash,
    input: JSON.stringify(input),
    history: [],
    version: 1,
    ...entered(name, startedAt),
    ...stored(begin(definition, input)),
  };
}

/** An execution that has failed, once more in the state that failed, without lease. */
export function retried(item: StoredExecution): StoredExecution {
  const { endedAt, error, ...kept } = item;
  const again = { retries: [], version: item.version + 1 };
  return { ...kept, ...again, ...entered(item.name, new Date().toISOString()) };
}

const entered = (name: string, enteredAt: string) => ({
  ...{ status: 'RUNNING' as const, enteredAt, attempts: 0, losses: 0 },
  listing: listingOf('RUNNING', shardOf(name)),
});

/** The states that an execution was in, and the one that it is in. */
export const historyOf = (item: StoredExecution): readonly HistoryEntry[] =>
  item.status === 'RUNNING' ? [...item.history, entryOf(item, 'RUNNING', item.error)] : item.history;

function ended(
  item: StoredExecution,
  move: Move & { kind: 'succeed' | 'fail' },
  endedAt: string,
): StoredExecution {
  const { error: previous, owner, listing, due, ...kept } = item;
  if (move.kind === 'succeed') {
    const history = leaving(item, 'SUCCEEDED', endedAt);
    return { ...kept, losses: 0, status: 'SUCCEEDED', endedAt, data: JSON.stringify(move.output), history };
  }
  const error = shortened(move.error);
  const history = leaving(item, 'FAILED', endedAt, error);
  const failure = { status: 'FAILED', endedAt, error, due: endedAt, history } as const;
  return { ...kept, losses: 0, ...failure, listing: listingOf('FAILED', shardOf(item.name)) };
}

const stored = ({ state, data, retries }: StatePosition) => ({ state, data: JSON.stringify(data), retries });

/** An execution whose data grows too large ends. */
function limited(move: Move): Move {
  const data = move.kind === 'go' ? move.to.data : move.kind === 'succeed' ? move.output : null;
  const bytes = Buffer.byteLength(JSON.stringify(data));
  if (bytes <= mostDataBytes) return move;
  const cause = `The data of the execution has ${bytes} bytes; at most ${mostDataBytes} are allowed.`;
  return { kind: 'fail', error: { error: 'States.DataLimitExceeded', cause } };
}

function leaving(
  item: StoredExecution,
  outcome: HistoryEntry['outcome'],
  endedAt: string,
  error?: StateError,
): HistoryEntry[] {
  return [...item.history, { ...entryOf(item, outcome, error), endedAt }].slice(-longestHistory);
}

function entryOf(
  { state, enteredAt, attempts }: StoredExecution,
  outcome: HistoryEntry['outcome'],
  error?: StateError,
): HistoryEntry {
  return { state, at: enteredAt, outcome, attempts, ...(error && { error: shortened(error) }) };
}

const shortened = ({ error, cause }: StateError): StateError => ({
  error: cut(error, longestErrorName),
  cause: cut(cause, longestCause),
});

/** The text, or as much of it as has so many bytes, with an ellipsis. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes - Buffer.byteLength('…')));
  return `${text.slice(0, read)}…`;
}
