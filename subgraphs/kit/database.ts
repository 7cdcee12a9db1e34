import { type Table, type TableDefinition } from './table';

/** The tables of one subgraph process, as one request sees them. */
export interface Database {
  table<Item extends object, KeyAttribute extends string, IndexName extends string>(
    definition: TableDefinition<Item, KeyAttribute, IndexName>,
  ): Table<Item, KeyAttribute, IndexName>;
  /**
   * Calls `observer` for every command that is sent, by any request; what it returns is called when the command is
   * answered or failed. Returns the function that stops it.
   */
  onCommand(observer: CommandObserver): () => void;
}

export interface Command {
  /** As DynamoDB calls it: `Query`, `BatchGetItem` … */
  readonly name: string;
  readonly table: string;
  /** How many keys or items a batch holds; 1 for everything else. */
  readonly size: number;
}

export type CommandObserver = (command: Command) => (() => void) | undefined;

/** Counts commands from now on. For tests and figures. */
export interface CommandCounter {
  /** How many were sent, e.g. `count('Query')`, `count('Query', 'reviews')`. */
  count(name: string, table?: string): number;
  /** How many were in flight at once, at most. */
  peak(name: string, table?: string): number;
  readonly commands: readonly Command[];
  stop(): void;
}

export function countCommands(_db: Database): CommandCounter {
  throw new Error('not written yet');
}
