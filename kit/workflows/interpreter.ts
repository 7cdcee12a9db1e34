import { taskOf, type ChoiceCondition, type Definition, type StateOf } from './definition';
import { fill, find, PathFailure, readPath, writePath, type ContextObject, type Json } from './paths';

/** Where an execution stands. */
export interface StatePosition {
  /** The name of the state. */
  readonly state: string;
  /** The state's raw input, before its `InputPath`. */
  readonly data: Json;
  /** How often each of the state's retriers has retried. */
  readonly retries: readonly number[];
}

/** An error as states see it: an error name, such as `OUT_OF_STOCK` or `States.Timeout`, and a sentence. */
export interface StateError {
  readonly error: string;
  readonly cause: string;
}

/** What a state wants from outside before it can be left. */
export type Demand =
  | { readonly kind: 'call'; readonly task: string; readonly input: Json; readonly timeoutSeconds: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'wait-until'; readonly time: string };

/** How a state is left, or the execution ends. */
export type Move =
  | { readonly kind: 'go'; readonly to: StatePosition; readonly caught?: StateError }
  | {
      readonly kind: 'retry';
      readonly to: StatePosition;
      readonly seconds: number;
      readonly error: StateError;
    }
  | { readonly kind: 'succeed'; readonly output: Json }
  | { readonly kind: 'fail'; readonly error: StateError };

/** What the context object takes from the execution. */
export interface RunInput {
  readonly name: string;
  readonly input: Json;
}

export const begin = ({ StartAt }: Definition, input: Json): StatePosition => ({
  state: StartAt,
  data: input,
  retries: [],
});

/** The key of a task's call, the same for each attempt. */
export const keyOf = (execution: string, state: string): string => `${execution}#${state}`;

/** The state that such a key names. */
export const stateIn = (key: string): string => key.slice(key.indexOf('#') + 1);

/** Interprets the state where an execution stands: what it wants, or where it leads (Pass, Choice, Succeed, Fail). */
export function interpret(definition: Definition, position: StatePosition, run: RunInput): Demand | Move {
  return orFail(() => {
    const state = definition.States[position.state]!;
    const input = 'InputPath' in state ? select(state.InputPath, position.data) : position.data;
    switch (state.Type) {
      case 'Task': {
        const { MessageBody } = state.Parameters;
        // `input` or `input.$`: what the task gets.
        const { input: own } = fill(pick(MessageBody), input, contextOf(position, run)) as { input: Json };
        return { kind: 'call', task: taskOf(state), input: own, timeoutSeconds: state.TimeoutSeconds };
      }
      case 'Pass': {
        const filled = state.Parameters ? fill(state.Parameters, input, contextOf(position, run)) : input;
        return leave(state, applyResult(state.ResultPath, position.data, state.Result ?? filled));
      }
      case 'Wait':
        return timeOf(state, input);
      case 'Choice': {
        const chosen = state.Choices.find((choice) => holds(choice, input));
        return go(chosen?.Next ?? state.Default, select(state.OutputPath, input));
      }
      case 'Succeed':
        return { kind: 'succeed', output: select(state.OutputPath, input) };
      case 'Fail': {
        const text = (literal = '', path?: string): string => {
          const value = path === undefined ? literal : readPath(path, position.data);
          if (typeof value === 'string') return value;
          throw new PathFailure(
            `The path ${path} must lead to a text, but leads to ${JSON.stringify(value)}.`,
          );
        };
        const error = {
          error: text(state.Error, state.ErrorPath),
          cause: text(state.Cause, state.CausePath),
        };
        return { kind: 'fail', error };
      }
      default:
        return state satisfies never;
    }
  });
}

/** Where a Task state leads that has an output. */
export function completed(
  definition: Definition,
  position: StatePosition,
  output: Json,
  run: RunInput,
): Move {
  return orFail(() => {
    const state = definition.States[position.state] as StateOf<'Task'>;
    const result = state.ResultSelector
      ? fill(state.ResultSelector, output, contextOf(position, run))
      : output;
    return leave(state, applyResult(state.ResultPath, position.data, result));
  });
}

/** Where a Wait state leads whose time has come. */
export function waited(definition: Definition, position: StatePosition): Move {
  return orFail(() => {
    const state = definition.States[position.state] as StateOf<'Wait'>;
    return leave(state, select(state.InputPath, position.data));
  });
}

/** What follows from an error of a Task state: a retry, a catcher, or the end. `random`: 0 to 1, for jitter. */
export function failed(
  definition: Definition,
  position: StatePosition,
  error: StateError,
  random: () => number = Math.random,
): Move {
  const { Retry = [], Catch = [] } = definition.States[position.state] as StateOf<'Task'>;
  const matches = ({ ErrorEquals }: { readonly ErrorEquals: readonly string[] }): boolean =>
    ErrorEquals.some((name) => isNamed(name, error.error));
  const index = Retry.findIndex(matches);
  const retrier = Retry[index];
  const retried = position.retries[index] ?? 0;
  if (retrier && retried < retrier.MaxAttempts) {
    const { IntervalSeconds, BackoffRate, MaxDelaySeconds = Infinity, JitterStrategy } = retrier;
    const delay = Math.min(IntervalSeconds * BackoffRate ** retried, MaxDelaySeconds, longestDelaySeconds);
    const retries = Retry.map((_, i) => (position.retries[i] ?? 0) + (i === index ? 1 : 0));
    const seconds = JitterStrategy === 'FULL' ? random() * delay : delay;
    return { kind: 'retry', to: { ...position, retries }, seconds, error };
  }
  const catcher = Catch.find(matches);
  if (!catcher) return { kind: 'fail', error };
  const data = applyResult(catcher.ResultPath, position.data, { Error: error.error, Cause: error.cause });
  return { ...go(catcher.Next, data), caught: error };
}

const longestDelaySeconds = 31_536_000;

/** Whether a name of `ErrorEquals` means this error (Amazon States Language, "Errors"). */
function isNamed(name: string, error: string): boolean {
  if (name === error) return true;
  // The definition does not fit its data, which no repetition and no compensation mends unasked.
  if (error === 'States.Runtime' || error === 'States.DataLimitExceeded') return false;
  return name === 'States.ALL' || (name === 'States.TaskFailed' && error !== 'States.Timeout');
}

/** `OutputPath`, and the state that follows. */
function leave(state: StateOf<'Task' | 'Pass' | 'Wait'>, data: Json): Move {
  const output = select(state.OutputPath, data);
  return state.Next === undefined ? { kind: 'succeed', output } : go(state.Next, output);
}

const go = (state: string, data: Json): Move & { kind: 'go' } => ({
  kind: 'go',
  to: { state, data, retries: [] },
});

/** `null` selects nothing: an empty object. */
const select = (path: string | null | undefined, data: Json): Json =>
  path === null ? {} : path === undefined || path === '$' ? data : readPath(path, data);

/** `null` keeps the input and drops the result. */
function applyResult(path: string | null | undefined, data: Json, result: Json): Json {
  if (path === null) return data;
  return path === undefined || path === '$' ? result : writePath(path, data, result);
}

const contextOf = ({ state, retries }: StatePosition, { name, input }: RunInput): ContextObject => ({
  Execution: { Name: name, Input: input },
  State: { Name: state, RetryCount: retries.reduce((sum, count) => sum + count, 0) },
  Task: { Token: keyOf(name, state) },
});

function pick(message: StateOf<'Task'>['Parameters']['MessageBody']): Json {
  return Object.fromEntries(
    Object.entries(message).filter(([name]) => name === 'input' || name === 'input.$'),
  );
}

function timeOf({ Seconds, SecondsPath, Timestamp, TimestampPath }: StateOf<'Wait'>, input: Json): Demand {
  if (Seconds !== undefined) return { kind: 'wait', seconds: Seconds };
  if (Timestamp !== undefined) return { kind: 'wait-until', time: Timestamp };
  if (SecondsPath !== undefined) {
    const seconds = readPath(SecondsPath, input);
    if (typeof seconds === 'number' && seconds >= 0 && seconds <= longestDelaySeconds)
      return { kind: 'wait', seconds };
    throw new PathFailure(
      `The path ${SecondsPath} must lead to seconds, but leads to ${JSON.stringify(seconds)}.`,
    );
  }
  const time = readPath(TimestampPath!, input);
  if (typeof time === 'string' && !Number.isNaN(Date.parse(time))) return { kind: 'wait-until', time };
  throw new PathFailure(
    `The path ${TimestampPath!} must lead to a time, but leads to ${JSON.stringify(time)}.`,
  );
}

/** Whether a choice applies. Values of another type never do; a missing one is a {@link PathFailure} except for `IsPresent`. */
function holds(choice: ChoiceCondition, data: Json): boolean {
  if (choice.And) return choice.And.every((each) => holds(each, data));
  if (choice.Or) return choice.Or.some((each) => holds(each, data));
  if (choice.Not) return !holds(choice.Not, data);
  const { Variable, IsPresent } = choice as ChoiceCondition & { Variable: string };
  if (IsPresent !== undefined) return (find(Variable, data) !== undefined) === IsPresent;
  const value = readPath(Variable, data);
  if (choice.IsNull !== undefined) return (value === null) === choice.IsNull;
  if (choice.StringEquals !== undefined) return value === choice.StringEquals;
  if (choice.BooleanEquals !== undefined) return value === choice.BooleanEquals;
  if (typeof value !== 'number') return false;
  if (choice.NumericEquals !== undefined) return value === choice.NumericEquals;
  if (choice.NumericLessThan !== undefined) return value < choice.NumericLessThan;
  if (choice.NumericLessThanEquals !== undefined) return value <= choice.NumericLessThanEquals;
  if (choice.NumericGreaterThan !== undefined) return value > choice.NumericGreaterThan;
  return value >= choice.NumericGreaterThanEquals!;
}

/** A path that leads nowhere ends the execution, as it does in Step Functions. */
function orFail<Result extends Demand | Move>(interpretState: () => Result): Result | Move {
  try {
    return interpretState();
  } catch (error) {
    if (!(error instanceof PathFailure)) throw error;
    return { kind: 'fail', error: { error: error.error, cause: error.message } };
  }
}
