import { type Cause } from '../events/event';
import { defineTable, type TableDefinition } from '../table/definition';
import { logged } from '../traces/trace';
import { type StateError } from './interpreter';
import { type ExecutionStatus, type HistoryEntry } from './workflows';

/** An execution as the embedded engine stores it: all of it in one item, so that each step is one conditional write. */
export interface StoredExecution {
  /** `WORKFLOW.ID`, such as `place-order.o1`. */
  readonly name: string;
  readonly workflow: string;
  readonly id: string;
  /** {@link Definition.hash} of the definition that it began with. */
  readonly definition: string;
  readonly status: ExecutionStatus;
  /** JSON. */
  readonly input: string;
  /** The input without its trace, hashed. */
  readonly fingerprint: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** The state that it is in, or was in at its end. */
  readonly state: string;
  readonly enteredAt: string;
  /** JSON: the state's raw input; at the end of an execution that succeeded, its output. */
  readonly data: string;
  readonly retries: readonly number[];
  /** How often the state's task has failed, or was cut off with its process. */
  readonly attempts: number;
  /** How often processes have ended, or lost their lease, in this attempt. */
  readonly losses: number;
  /** The error that is retried, or ended the execution. */
  readonly error?: StateError;
  /** The states that were left. */
  readonly history: readonly HistoryEntry[];
  /** Counts the writes. */
  readonly version: number;
  /** Who runs it; missing while it waits. */
  readonly owner?: string;
  /** How often its owner has renewed the lease, so that other processes see that it is at work. */
  readonly renewals?: number;
  /** `STATUS-SHARD`: partition key of the index, which executions that succeeded are not in. */
  readonly listing?: string;
  /**
   * When somebody has to look after it: {@link always} while it has an owner, whose lease no clock ends, or can go on; the
   * end of a wait; when it has failed. ISO 8601, UTC.
   */
  readonly due?: string;
}

/** `due` of what every sweep reads. */
export const always = new Date(0).toISOString();

/** The trace of the request that has started it. */
export const traceOf = ({ input }: StoredExecution): Cause => (JSON.parse(input) as { trace: Cause }).trace;

/** What each log line about an execution has. */
export const factsOf = (item: StoredExecution): object => ({
  ...logged(traceOf(item)),
  execution: item.name,
});

/** Partitions of the index, so that DynamoDB can spread the writes. */
export const shards = ['0', '1', '2', '3'] as const;

export function shardOf(name: string): string {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) >>> 0;
  return shards[sum % shards.length]!;
}

export const listingOf = (status: 'RUNNING' | 'FAILED', shard: string): string => `${status}-${shard}`;

export type ExecutionsTable = TableDefinition<StoredExecution, 'name', 'byListing'>;

/** `NAME-workflows`: the executions of a subgraph. */
export const executionsTable = (subgraph: string): ExecutionsTable =>
  defineTable<StoredExecution>()({
    name: `${subgraph}-workflows`,
    partitionKey: 'name',
    indexes: { byListing: { partitionKey: 'listing', sortKey: 'due' } },
  });

/** A definition that executions began with, kept in the same table: they go on with it when the file has changed. */
export interface StoredDefinition {
  /** `#HASH`. */
  readonly name: string;
  readonly workflow: string;
  readonly text: string;
}

export const definitionsTable = (subgraph: string): TableDefinition<StoredDefinition, 'name', never> =>
  defineTable<StoredDefinition>()({ name: `${subgraph}-workflows`, partitionKey: 'name' });
