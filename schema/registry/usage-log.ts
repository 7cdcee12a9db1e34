import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { RegistryStore } from '../store/store';

/** The number of requests of a client for an operation. */
export interface UsageCount {
  /** The hash of its normalised text. */
  readonly operation: string;
  readonly client: string;
  readonly version: string;
  readonly requests: number;
  /**
   * The number of these requests whose variables had an enum value or an input field, by coordinate, such as
   * `Currency.EUR`.
   */
  readonly inputs?: Readonly<Record<string, number>>;
}

/** The counts of one gateway for one day, or a part of them if there are many. */
export interface UsageSegment {
  /** Unique: no two gateways write the same segment. */
  readonly id: string;
  /** Such as `2026-11-25`, in UTC. */
  readonly day: string;
  readonly counts: readonly UsageCount[];
}

/**
 * The usage of one variant, by day. A gateway repeatedly writes its whole segment. So a write that is sent twice counts
 * once, and a lost write is corrected by the next one.
 */
export interface UsageLog {
  putOperation(hash: string, text: string): Promise<void>;
  putSegment(segment: UsageSegment): Promise<void>;
  /** All segments since a day, and the texts of their operations. */
  read(
    since: Date,
    until?: Date,
  ): Promise<{
    readonly segments: readonly UsageSegment[];
    readonly operations: ReadonlyMap<string, string>;
  }>;
}

/** Days for which usage is kept. */
export const usageDays = 90;

/** All partitions of the usage of a variant that has existed since a day. */
export const usagePartitions = (name: string, since: Date, until: Date): string[] => [
  `${name}/operations`,
  ...daysBetween(since, until).map((day) => partitionOfDay(name, day)),
];

const partitionOfDay = (name: string, day: string): string => `${name}/usage/${day}`;

export function createUsageLog(store: RegistryStore, name: string): UsageLog {
  const operations = `${name}/operations`;
  const partitionOf = (day: string) => partitionOfDay(name, day);
  const put = async (partition: string, sort: string, content: unknown, day: string, days: number) => {
    const expires = Math.ceil(Date.parse(day) / 1000) + days * 86_400;
    await store.put({ partition, sort }, await promisify(gzip)(JSON.stringify(content)), { expires });
  };
  const read = async <Content>(partition: string): Promise<(readonly [string, Content])[]> =>
    Promise.all(
      (await store.list(partition)).map(
        async ({ sort, value }) =>
          [sort, JSON.parse((await promisify(gunzip)(value)).toString('utf8')) as Content] as const,
      ),
    );

  return {
    // Kept longer than the counts that refer to it.
    putOperation: (hash, text) => put(operations, hash, text, dayOf(new Date()), usageDays + 30),
    putSegment: ({ id, day, counts }) => put(partitionOf(day), id, counts, day, usageDays),
    async read(since, until = new Date()) {
      const days = daysBetween(since, until).slice(-usageDays);
      const found = await Promise.all(days.map((day) => read<UsageCount[]>(partitionOf(day))));
      const segments = found.flatMap((items, index) =>
        items.map(([id, counts]) => ({ id, day: days[index]!, counts })),
      );
      const texts = segments.length === 0 ? [] : await read<string>(operations);
      return { segments, operations: new Map(texts) };
    },
  };
}

export const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

function daysBetween(since: Date, until: Date): string[] {
  const days = [];
  for (let day = Date.parse(dayOf(since)); day <= until.getTime(); day += 86_400_000)
    days.push(dayOf(new Date(day)));
  return days;
}
