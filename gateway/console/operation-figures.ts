/** What requests came to, by operation and time: what the page *Operations* is made of. */
import type { MeasuredRequest } from '../telemetry/statistics/request-statistics';
import { OperationPeriods } from './operation-periods';

/** Upper bounds of the buckets of durations, in seconds; one bucket follows for what took longer. */
export const durationBoundaries: readonly number[] = [
  ...[0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075],
  ...[0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10],
];

/** The numbers of one operation: positions in its list of counts. The buckets of durations follow. */
export const column = { requests: 0, failed: 1, cached: 2, calls: 3, durations: 4 } as const;
const width = column.durations + durationBoundaries.length + 1;

/** Milliseconds of a period, of which every count is. */
export const periodLength = 5 * 60_000;

/** How many periods a range has, and of how many one point of the trend is. */
export const ranges = {
  quarter: { periods: 3, step: 1, points: 12 },
  hour: { periods: 12, step: 1, points: 12 },
  day: { periods: 288, step: 12, points: 24 },
} as const;
export type Range = keyof typeof ranges;

/** What an operation is called. */
export interface FiguredOperation {
  /** Its signature's hash, or what stands for it. */
  readonly key: string;
  /** The beginning of its signature where it has none. */
  readonly name: string;
  readonly type: string;
}

/** What one process, or several together, have counted of an operation. */
export interface CountedOperationFigures extends FiguredOperation {
  /** SHA-256 of the last document; empty for the rest. */
  readonly id: string;
  /** As {@link column} lists them. */
  readonly counts: readonly number[];
  /** Requests in each step of the trend, the newest last. */
  readonly trend: readonly number[];
  readonly clients: readonly CountedClient[];
  /** Whether there are more clients. */
  readonly hasMoreClients: boolean;
}

interface CountedClient {
  readonly name: string;
  readonly version: string;
  /** Since the client is one of those that are counted. */
  readonly requests: number;
}

export interface OperationParts {
  /** When the oldest period began that is kept, in Unix milliseconds. */
  readonly since: number;
  /** The number of the newest step of the trends: its begin, in steps since 1970. */
  readonly newest: number;
  readonly operations: readonly CountedOperationFigures[];
}

type Operation = NonNullable<MeasuredRequest['operation']>;

/** An operation that is counted. */
interface Row extends FiguredOperation {
  /** Its position in the periods. */
  readonly index: number;
  id: string;
  readonly clients: RowClient[];
  hasMoreClients: boolean;
  isGone: boolean;
}

interface RowClient {
  name: string;
  version: string;
  requests: number;
  /** Its requests, and the weight of the client whose position it has taken. */
  weight: number;
}

export interface OperationFiguresOptions {
  /** Bytes, estimated. */
  readonly memory: number;
  /** Operations with a row of their own. All others share one. @default 1000 */
  readonly most?: number;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/**
 * Counts requests by the signature of their operation in periods of five minutes, within a bound of memory: the oldest
 * periods make room. Counting a request allocates nothing, but for an operation or a client that is new.
 */
export class OperationFigures {
  readonly #most: number;
  readonly #now: () => number;
  readonly #periods: OperationPeriods;
  readonly #rows = new Map<string, Row>();
  /** So that a signature is looked up once for an operation that is known. */
  readonly #known = new WeakMap<Operation, Row>();
  readonly #free: number[] = [];
  readonly #others: Row;
  /** Requests that were refused before their operation was known. One row, as clients could invent any number of names. */
  readonly #refused: Row;
  #failed = 0;

  constructor({ memory, most = 1000, now = Date.now }: OperationFiguresOptions) {
    this.#most = Math.max(1, Math.min(most, Math.floor(memory / 2 / rowBytes)));
    this.#now = now;
    this.#periods = new OperationPeriods({
      ...{ width, most: ranges.day.periods, memory: Math.max(0, memory - this.#most * rowBytes) },
      now: this.#number(),
    });
    this.#others = newRow({ key: 'other', name: 'other', type: '', id: '' }, 0);
    this.#refused = newRow({ key: 'refused', name: '', type: '', id: '' }, 1);
    for (let index = this.#most + 1; index > 1; index--) this.#free.push(index);
  }

  /** How many requests have failed since the start. */
  get failed(): number {
    return this.#failed;
  }

  /** Bytes, estimated. */
  get bytes(): number {
    return this.#rows.size * rowBytes + this.#periods.bytes;
  }

  /**
   * Counts a request, and each operation of a batch with the outcome of the whole.
   *
   * @returns the operation, or the last one of a batch
   */
  count(request: MeasuredRequest, status: number | undefined, seconds: number): FiguredOperation {
    const number = this.#number();
    if (number !== this.#periods.number) this.#begin(number);
    const isFailed = request.codes !== undefined || (status ?? 0) >= 400;
    if (isFailed) this.#failed++;
    const { operation, earlierOperations } = request;
    const row = operation === undefined ? this.#refused : this.#of(operation);
    this.#add(row, request, isFailed, request.callsSent, seconds);
    if (earlierOperations !== undefined)
      for (const each of earlierOperations) this.#add(this.#of(each), request, isFailed, 0, seconds);
    return row;
  }

  read(range: Range): OperationParts {
    const number = this.#number();
    if (number !== this.#periods.number) this.#begin(number);
    const { periods, step, points } = ranges[range];
    const sums = this.#periods.sum(periods);
    const trends = this.#periods.trend({ step, points, of: column.requests });
    const operations: CountedOperationFigures[] = [];
    for (const row of [this.#others, this.#refused, ...this.#rows.values()]) {
      const counts = sums.get(row.index);
      if (counts === undefined) continue;
      const { key, name, type, id, clients, hasMoreClients } = row;
      operations.push({
        ...{ key, name, type, id, counts, trend: trends.get(row.index)! },
        clients: clients.map(({ name, version, requests }) => ({ name, version, requests })),
        hasMoreClients,
      });
    }
    const since = Math.max(this.#periods.oldest, number - periods + 1) * periodLength;
    return { since, newest: Math.floor(number / step), operations };
  }

  #number(): number {
    return Math.floor(this.#now() / periodLength);
  }

  #begin(number: number): void {
    this.#periods.begin(number);
    const used = this.#periods.used();
    if (this.#rows.size >= 0.9 * this.#most) this.#joinRare(used);
    for (const row of this.#rows.values()) if (!used.has(row.index)) this.#remove(row);
  }

  /** The least used operations join the others, so that there is room for new ones. */
  #joinRare(used: Map<number, number>): void {
    const rare = [...this.#rows.values()].sort(
      (one, other) => (used.get(one.index) ?? 0) - (used.get(other.index) ?? 0),
    );
    const joining = new Set(rare.slice(0, Math.ceil(this.#most / 5)).map(({ index }) => index));
    this.#periods.join(joining, this.#others.index);
    for (const index of joining) used.delete(index);
  }

  #remove(row: Row): void {
    row.isGone = true;
    this.#rows.delete(row.key);
    this.#free.push(row.index);
  }

  #of(operation: Operation): Row {
    const known = this.#known.get(operation);
    if (known !== undefined && !known.isGone) return known;
    const { id, name, type, signature } = operation;
    const { hash, text } = signature?.() ?? { hash: id, text: '' };
    const row = this.#rowAt({ key: hash, name: name ?? text, type, id });
    row.id = id;
    if (row !== this.#others) this.#known.set(operation, row);
    return row;
  }

  #rowAt(operation: Pick<Row, 'key' | 'name' | 'type' | 'id'>): Row {
    const known = this.#rows.get(operation.key);
    if (known !== undefined) return known;
    const index = this.#free.pop();
    if (index === undefined) return this.#others;
    const row = newRow(operation, index);
    this.#rows.set(row.key, row);
    return row;
  }

  #add(row: Row, request: MeasuredRequest, isFailed: boolean, calls: number, seconds: number): void {
    const { counts, at } = this.#periods.rowOf(row.index);
    counts[at + column.requests]!++;
    if (isFailed) counts[at + column.failed]!++;
    const { cacheResult } = request;
    if (cacheResult === 'HIT' || cacheResult === 'STALE') counts[at + column.cached]!++;
    counts[at + column.calls]! += calls;
    if (row.type !== 'subscription') counts[at + column.durations + bucketOf(seconds)]!++;
    countClient(row, request.clientName, request.clientVersion);
  }
}

function newRow(operation: Pick<Row, 'key' | 'name' | 'type' | 'id'>, index: number): Row {
  // Copies, as a part of a document would keep all of it.
  const [key, name] = [operation.key, shortened(operation.name)].map((text) => Buffer.from(text).toString());
  return { ...operation, key: key!, name: name!, index, clients: [], hasMoreClients: false, isGone: false };
}

/**
 * A client that is not counted takes the position of the one with the least weight, and its weight: the algorithm
 * Space-Saving. So a client with more than a fifth of the requests is among them, whoever came first.
 */
function countClient(row: Row, name: string, version: string): void {
  const { clients } = row;
  for (let i = 0; i < clients.length; i++) {
    const client = clients[i]!;
    if (client.name !== name || client.version !== version) continue;
    client.requests++;
    client.weight++;
    return;
  }
  if (clients.length < mostClients) {
    clients.push({ name, version, requests: 1, weight: 1 });
    return;
  }
  row.hasMoreClients = true;
  const least = clients.reduce((one, other) => (other.weight < one.weight ? other : one));
  Object.assign(least, { name, version, requests: 1, weight: least.weight + 1 });
}

function bucketOf(seconds: number): number {
  let low = 0;
  let high = durationBoundaries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seconds <= durationBoundaries[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

const shortened = (name: string): string => (name.length <= longest ? name : `${name.slice(0, longest)}…`);
const longest = 64;

export const mostClients = 5;
/** Of a row with its clients, as measured: test/unit/gateway/console/operation-figures.test.ts. */
const rowBytes = 1300;
