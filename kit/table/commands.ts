import { type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { SubgraphError } from '../errors';
import { type Cause } from '../events/event';
import { type AnyTableDefinition } from './definition';
import { recordCommand, type CapacityRequest } from '../traces/command-span';
import { type Tracer } from '../traces/tracer';

/** Sends DynamoDB commands: observed, abortable, with failures that callers can tell apart. */
export interface Commands {
  readonly client: DynamoDBDocumentClient;
  readonly retryMilliseconds: number;
  /** Aborts reads when their client request has ended. */
  readonly signal?: AbortSignal;
  /** What the events that it writes are caused by, and what it sends. @default each by itself */
  readonly cause?: Cause;
  /** Records the commands of a cause that has a trace. */
  readonly tracer: Tracer | undefined;
  readonly observers: Set<CommandObserver>;
  readonly eventObservers: Set<EventObserver>;
  /** Called with each item of a table with an outbox that was written with events, or that `get` read consistently. */
  readonly onItem?: EventObserver | undefined;
  /**
   * Runs `send` as `command`; a DynamoDB that is throttling, slow or gone is `UNAVAILABLE`, an item over 400 KB
   * `BAD_USER_INPUT`. Its input should have `measured`.
   */
  readonly run: <Result>(
    command: Command,
    send: (measured: CapacityRequest) => Promise<Result>,
  ) => Promise<Result>;
}

export interface Command {
  /** DynamoDB's name of the command: `Query`, `BatchGetItem` … */
  readonly name: string;
  readonly table: string;
  /** How many keys or items a batch holds; 1 for everything else. */
  readonly size: number;
}

/** Called when a command is sent. The function that it returns is called when the command has ended. */
export type CommandObserver = (command: Command) => (() => void) | undefined;

/** Called when an item was written with events, which its outbox now has. */
export type EventObserver = (definition: AnyTableDefinition, item: object) => void;

export function createCommands({
  client,
  retryMilliseconds,
  tracer,
}: Pick<Commands, 'client' | 'retryMilliseconds'> & Partial<Pick<Commands, 'tracer'>>): Commands {
  const observers = new Set<CommandObserver>();
  const commands = { client, retryMilliseconds, observers, eventObservers: new Set<EventObserver>(), tracer };
  return { ...commands, run: runnerOf(commands) };
}

/** The same commands for what `cause` leads to. */
export function commandsCausedBy(commands: Commands, cause: Cause): Commands {
  const caused = { ...commands, cause };
  return commands.tracer ? { ...caused, run: runnerOf(caused) } : caused;
}

function runnerOf({
  observers,
  tracer,
  cause,
}: Pick<Commands, 'observers' | 'tracer' | 'cause'>): Commands['run'] {
  return async (command, send) => {
    const ends = [...observers].map((observer) => observer(command));
    try {
      return await (tracer && cause?.traceparent !== undefined
        ? recordCommand(command, { tracer, cause, send })
        : send(unmeasured));
    } catch (error) {
      throw isOutage(error) ? unavailable(error) : isTooLarge(error) ? tooLarge(error) : error;
    } finally {
      for (const end of ends) end?.();
    }
  };
}

const unmeasured: CapacityRequest = {};

/** The error for a client that may retry later (`UNAVAILABLE`). The cause is logged, not sent. */
export function unavailable(cause?: unknown): SubgraphError {
  return new SubgraphError('UNAVAILABLE', 'The data store did not answer in time.', {}, cause);
}

/** Whether an item is refused as larger than 400 KB; no code says so, and after an update only DynamoDB knows its size. */
const isTooLarge = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'ValidationException' &&
  /^Item size (?:to update )?has exceeded the maximum allowed size/.test(error.message);

const tooLarge = (cause: unknown): SubgraphError =>
  new SubgraphError(
    'BAD_USER_INPUT',
    'The item has more than 400 KB, which is the most that can be stored.',
    {},
    cause,
  );

/** Whether a failure is temporary: throttling, a timeout, a lost connection, a server error. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, $metadata } = error as { code?: string; $metadata?: { httpStatusCode?: number } };
  return (
    outages.has(error.name) ||
    (code !== undefined && outages.has(code)) ||
    ($metadata?.httpStatusCode ?? 0) >= 500
  );
}

const outages = new Set([
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'ThrottlingException',
  'TimeoutError',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
]);
