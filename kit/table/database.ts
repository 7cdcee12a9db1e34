import { setMaxListeners } from 'node:events';
import { type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import {
  commandsCausedBy,
  createCommands,
  type CommandObserver,
  type Commands,
  type EventObserver,
} from './commands';
import { type Cause } from '../events/event';
import { storeClockOf, type StoreClock } from '../store/clock';
import { openTable, type Table } from './table';
import { type TableDefinition } from './definition';
import { type Tracer } from '../traces/tracer';

/** The tables of a subgraph, as one request sees them. */
export interface Database {
  /** This process's clock beside that of the store. */
  readonly clock: StoreClock;
  table<Item extends object, KeyAttribute extends string, IndexName extends string>(
    definition: TableDefinition<Item, KeyAttribute, IndexName>,
  ): Table<Item, KeyAttribute, IndexName>;
  /**
   * Calls `observer` for every command that any request sends; what it returns is called when the command is answered
   * or failed. Returns the function that stops it.
   */
  onCommand(observer: CommandObserver): () => void;
  /** The same database for what is no request: its commands have observers of their own. */
  inBackground(): Database;
  /** Calls `observer` for every write of an item with events, those in the background, too. Returns the function that stops it. */
  onEvents(observer: EventObserver): () => void;
  /**
   * The same database for one request: `signal` aborts its reads, never its writes. `onItem` is called with each item of a
   * table with an outbox that it has written with events, or that `get` has read consistently.
   */
  forRequest(signal: AbortSignal, onItem?: EventObserver): Database;
  /** The same database for what `cause` leads to: events that are written through it have its ids, and commands its trace. */
  causedBy(cause: Cause): Database;
}

export interface DatabaseOptions {
  readonly client: DynamoDBDocumentClient;
  /** How long unprocessed keys of a batch are sent again, in milliseconds. @default 2000 */
  readonly retryMilliseconds?: number;
  /** Records the commands that a trace leads to. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

export function openDatabase({ client, retryMilliseconds = 2000, tracer }: DatabaseOptions): Database {
  return databaseOver(createCommands({ client, retryMilliseconds, tracer }), storeClockOf(client));
}

function databaseOver(commands: Commands, clock: StoreClock): Database {
  return {
    clock,
    table: (definition) => openTable(definition, commands),
    onCommand: (observer) => {
      commands.observers.add(observer);
      return () => commands.observers.delete(observer);
    },
    inBackground: () =>
      databaseOver({ ...createCommands(commands), eventObservers: commands.eventObservers }, clock),
    onEvents: (observer) => {
      commands.eventObservers.add(observer);
      return () => commands.eventObservers.delete(observer);
    },
    forRequest: (signal, onItem) => {
      // Each read in flight listens to it. From eleven on, Node would warn of a leak.
      setMaxListeners(0, signal);
      return databaseOver({ ...commands, signal, onItem }, clock);
    },
    causedBy: (cause) => databaseOver(commandsCausedBy(commands, cause), clock),
  };
}
