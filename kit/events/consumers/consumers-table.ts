import { type Table } from '../../table/table';
import { defineTable, type TableDefinition } from '../../table/definition';
import { pageOf, positionOf, type Failure, type Failures } from '../channels/channel';

/** What a subgraph keeps of its consumers, with the engine `table`: one partition per consumer. */
export type ConsumerItem = ConsumerState | StoredFailure | ProjectionState;

/** How far a consumer is, and which process works for it. */
export interface ConsumerState {
  readonly consumer: string;
  readonly item: 'state';
  /** The process that works for it. */
  readonly owner: string;
  /** Counts how often a process has taken or renewed its lease, so that others see that it is at work. */
  readonly renewals: number;
  /** Milliseconds after which the lease ends if it is not renewed; 0 when it was released. */
  readonly lease: number;
  /** The last position before which everything is done, by source. */
  readonly cursors?: Readonly<Record<string, string>>;
  /** When a source had nothing that is not settled: ISO 8601, UTC, by source. */
  readonly asOf?: Readonly<Record<string, string>>;
  /** How often events behind the cursor were delivered and not done, by source and position. */
  readonly attempts?: Readonly<Record<string, number>>;
  /** How many events it is done with, those in the failure queue among them. */
  readonly settled?: number;
  /** Grows when a failure is to be retried, so that the owner sees it when it renews its lease. */
  readonly retries?: number;
}

export interface StoredFailure extends Omit<Failure, 'id'> {
  readonly consumer: string;
  /** `failed#ID` in the failure queue, `retry#ID` while it is delivered again. */
  readonly item: string;
  /** The consumer, in the failure queue alone, so that the index has nothing else. */
  readonly failuresOf?: string;
}

/** Which generation of a projection is read, and which one is built; `consumer` is the projection's name. */
export interface ProjectionState {
  readonly consumer: string;
  readonly item: 'projection';
  readonly live: number;
  /** The greatest number that a generation has had. */
  readonly last: number;
  /** The generation that was live before; some process may still read it. */
  readonly previous?: number;
  /** The time up to which the live generation has events, where it takes no more. */
  readonly heldAt?: string;
  readonly building?: number;
  readonly buildingTo?: string;
}

const keys = { partitionKey: 'consumer', sortKey: 'item' } as const;
const indexes = { byFailedAt: { partitionKey: 'failuresOf', sortKey: 'failedAt' } } as const;

/** The table of a subgraph's consumers. */
export const consumersTable = (subgraph: string) =>
  defineTable<ConsumerItem>()({ name: `${subgraph}-consumers`, ...keys, indexes });

export type ConsumersTable = TableDefinition<ConsumerItem, 'consumer' | 'item', 'byFailedAt'>;
export type ConsumerItems = Table<ConsumerItem, 'consumer' | 'item', 'byFailedAt'>;

/** Failures that are read at once: their texts have 240 KB each at most. */
const readAtOnce = 10;

export const failedKey = (id: string): string => `failed#${id}`;
export const retryKey = (id: string): string => `retry#${id}`;

/** The failure queue of a consumer; `onRetry` is called when there is something to retry. */
export function tableFailures(items: ConsumerItems, consumer: string, onRetry: () => void): Failures {
  const find = async (id: string) =>
    (await items.get({ consumer, item: failedKey(id) }, { consistent: true })) as StoredFailure | null;

  const keysAt = (position: string) => {
    const [failedAt = '', id = ''] = position.split('/', 2);
    return { failuresOf: consumer, failedAt, consumer, item: failedKey(id) };
  };

  return {
    async list({ limit = 100, after } = {}) {
      const found: Failure[] = [];
      for (let start = after; ;) {
        const some = (await items.query({
          ...{ index: 'byFailedAt', partition: consumer, limit: readAtOnce },
          ...(start !== undefined && { after: keysAt(start) }),
        })) as StoredFailure[];
        for (const { item, reason, failedAt, attempts, text } of some)
          found.push({ id: item.slice(failedKey('').length), reason, failedAt, attempts, text });
        const page = pageOf(found, limit);
        if (page.next !== undefined || some.length < readAtOnce) return page;
        start = positionOf(found.at(-1)!);
      }
    },

    async retry(id) {
      const failure = await find(id);
      if (!failure) return false;
      const { reason, failedAt, text } = failure;
      await items.put({ consumer, item: retryKey(id), reason, failedAt, attempts: 0, text });
      // The consumer may never have run; its state is made by the process that does.
      await items.update({ consumer, item: 'state' }, { add: { retries: 1 } });
      // Last, so that it is still in the list where this process ends before. It may have failed again by now.
      await items.delete({ consumer, item: failedKey(id) }, { condition: { failedAt } as object });
      onRetry();
      return true;
    },

    async drop(id) {
      if (!(await find(id))) return false;
      await items.delete({ consumer, item: failedKey(id) });
      return true;
    },
  };
}
