import { beginningOf } from './beginning';
import type { Difference, DifferenceSide } from './difference';
import { addDuration, addDurations, type Durations, percentile } from './durations';
import type { ResponsePath } from './position';

/** One operation that both endpoints were sent. */
export interface ReplayedOperation {
  /** That of its signature, or that by which the operation was persisted: operations are one by it. */
  readonly hash: string;
  readonly name?: string | undefined;
  /** Its text without values; undefined if only the hash is known. */
  readonly text?: string | undefined;
}

export interface ReplayResult {
  readonly operation: ReplayedOperation;
  readonly differences: readonly Difference[];
  readonly a: EndpointFigures;
  readonly b: EndpointFigures;
  /** Where the request is from, such as `traffic.jsonl:12`. */
  readonly from?: string | undefined;
}

export interface EndpointFigures {
  /** Until the whole answer was there; undefined without one. */
  readonly milliseconds: number | undefined;
  /** Requests to subgraphs, where the endpoint reports them. */
  readonly calls?: number | undefined;
}

/** What the report has, as JSON. */
export interface ReplayReportData extends RowData {
  /** Those with most differences first. */
  readonly operations: readonly OperationData[];
}

interface RowData {
  readonly compared: number;
  readonly equal: number;
  readonly different: number;
  readonly a: FiguresData;
  readonly b: FiguresData;
}

export interface FiguresData {
  /** Milliseconds; null without an answer. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Requests to subgraphs for each operation; null where the endpoint does not report them. */
  readonly calls: number | null;
}

export interface OperationData extends RowData, ReplayedOperation {
  readonly paths: readonly PathData[];
}

export interface PathData extends Pick<Difference, 'path' | 'kind'> {
  /** Pairs of answers that have this difference. */
  readonly count: number;
  readonly examples: readonly DifferenceExample[];
}

export interface DifferenceExample {
  readonly at: string;
  readonly a: DifferenceSide;
  readonly b: DifferenceSide;
  readonly from?: string | undefined;
}

/**
 * What was compared, by operation and path. Memory is bounded: operations over {@link mostOperations}, and paths over
 * {@link mostPaths}, share a row.
 */
export class ReplayReport {
  readonly #all = newRow();
  readonly #operations = new Map<string, OperationRow>();
  #paths = 0;

  /** @param saved what `save` of several reports returned, to go on from there */
  constructor(...saved: readonly SavedReport[]) {
    for (const each of saved) this.#include(each);
  }

  /** Pairs of answers with a difference. */
  get different(): number {
    return this.#all.different;
  }

  get compared(): number {
    return this.#all.compared;
  }

  add(result: ReplayResult): void {
    const known = this.#operationOf(result.operation);
    for (const row of [this.#all, known.row]) count(row, result);
    // Several may share a row.
    const counted = new Set<PathRow>();
    for (const difference of result.differences) {
      const path = this.#pathOf(known, difference);
      if (!counted.has(path)) path.count++;
      counted.add(path);
      if (path.examples.length >= mostExamples) continue;
      const { at, a, b } = difference;
      path.examples.push({
        ...{ at: beginningOf(at, longestPath), a, b },
        ...(result.from !== undefined && { from: result.from }),
      });
    }
  }

  toJSON(): ReplayReportData {
    const operations = Array.from(this.#operations.values(), ({ operation, row, paths }) => ({
      ...operation,
      ...dataOf(row),
      paths: [...paths.values()].sort((a, b) => b.count - a.count),
    }));
    return {
      ...dataOf(this.#all),
      operations: operations.sort((a, b) => b.different - a.different || b.compared - a.compared),
    };
  }

  /** All that the report knows, as JSON. It shares memory with the report: write it before more is added. */
  save(): SavedReport {
    const operations = Array.from(this.#operations.values(), (each) => ({
      ...each,
      paths: [...each.paths.values()],
    }));
    return { all: this.#all, operations };
  }

  #include({ all, operations }: SavedReport): void {
    addRow(this.#all, all);
    for (const { operation, row, paths } of operations) {
      const known = this.#operationOf(operation);
      addRow(known.row, row);
      for (const path of paths) {
        const own = this.#pathOf(known, path);
        own.count += path.count;
        own.examples.push(...path.examples.slice(0, mostExamples - own.examples.length));
      }
    }
  }

  #operationOf({ hash, name, text }: ReplayedOperation): OperationRow {
    const known = this.#operations.get(hash);
    if (known !== undefined) return known;
    if (this.#operations.size >= mostOperations && hash !== others)
      return this.#operationOf({ hash: others });
    const operation = {
      hash,
      ...(name !== undefined && { name: beginningOf(name, longestName) }),
      ...(text !== undefined && { text: beginningOf(text, longestText) }),
    };
    const row: OperationRow = { operation, row: newRow(), paths: new Map() };
    this.#operations.set(hash, row);
    return row;
  }

  #pathOf({ paths }: OperationRow, difference: Pick<Difference, 'path' | 'kind'>): PathRow {
    const known = paths.get(keyOf(difference));
    if (known !== undefined) return known;
    const { kind } = difference;
    const isOne =
      this.#paths < mostPaths && paths.size < mostPathsOfOne && difference.path.length <= longestPath;
    const path = isOne ? difference.path : others;
    const shared = paths.get(keyOf({ path, kind }));
    if (shared !== undefined) return shared;
    const row: PathRow = { path, kind, count: 0, examples: [] };
    paths.set(keyOf(row), row);
    this.#paths++;
    return row;
  }
}

/** What a {@link ReplayReport} is saved as. */
export interface SavedReport {
  readonly all: Row;
  readonly operations: readonly {
    readonly operation: ReplayedOperation;
    readonly row: Row;
    readonly paths: readonly PathRow[];
  }[];
}

interface OperationRow {
  readonly operation: ReplayedOperation;
  readonly row: Row;
  readonly paths: Map<string, PathRow>;
}

interface PathRow {
  readonly path: ResponsePath;
  readonly kind: Difference['kind'];
  count: number;
  readonly examples: DifferenceExample[];
}

interface Row {
  compared: number;
  different: number;
  readonly a: Figures;
  readonly b: Figures;
}

interface Figures {
  readonly durations: Durations;
  /** Answers whose calls the endpoint reported. */
  counted: number;
  calls: number;
}

const newFigures = (): Figures => ({ durations: {}, counted: 0, calls: 0 });
const newRow = (): Row => ({ compared: 0, different: 0, a: newFigures(), b: newFigures() });

function count(row: Row, { differences, a, b }: ReplayResult): void {
  row.compared++;
  if (differences.length > 0) row.different++;
  for (const [figures, { milliseconds, calls }] of [
    [row.a, a],
    [row.b, b],
  ] as const) {
    if (milliseconds !== undefined) addDuration(figures.durations, milliseconds);
    if (calls === undefined) continue;
    figures.counted++;
    figures.calls += calls;
  }
}

function addRow(row: Row, more: Row): void {
  row.compared += more.compared;
  row.different += more.different;
  for (const side of ['a', 'b'] as const) {
    addDurations(row[side].durations, more[side].durations);
    row[side].counted += more[side].counted;
    row[side].calls += more[side].calls;
  }
}

const dataOf = ({ compared, different, a, b }: Row): RowData => ({
  ...{ compared, equal: compared - different, different },
  ...{ a: figuresOf(a), b: figuresOf(b) },
});

const figuresOf = ({ durations, counted, calls }: Figures): FiguresData => ({
  p50: percentile(durations, 0.5),
  p99: percentile(durations, 0.99),
  calls: counted === 0 ? null : Number((calls / counted).toFixed(2)),
});

const keyOf = ({ path, kind }: Pick<Difference, 'path' | 'kind'>): string => `${kind} ${path}`;

/** The hash, or the path, of a row that several share. */
const others = '(others)';
const mostExamples = 3;
const mostOperations = 1000;
const mostPaths = 2000;
const mostPathsOfOne = 100;
/** Characters. */
export const longestName = 200;
export const longestText = 2000;
const longestPath = 500;
