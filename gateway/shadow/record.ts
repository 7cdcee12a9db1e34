import type { ShadowOptions } from '../options/shadow';
import { hideInUrls } from '../options/urls';
import { type ReplayReportData, ReplayReport, type ReplayResult, type SavedReport } from '../replay/report';
import type { Meter } from '../telemetry/metrics/meter';
import type { TransportFailure } from '../subgraph-calls/contract/transport';

/**
 * Why a query is not compared: its answer is `too-large`; the gateway is busy (`load`); too many wait (`queue`); `budget`,
 * the option `shadow.perSecond`; the options are replaced, or the process ends (`closed`).
 */
export type DropReason = 'too-large' | 'load' | 'queue' | 'budget' | 'closed';
type Counts<Reason extends string> = Partial<Record<Reason, number>>;

/** What one process has compared, as plain data: it crosses processes, and adds up with that of others. */
export interface ShadowCounts {
  /** Where queries are sent, without what may be secret. */
  readonly url: string;
  readonly share: number;
  /** Of each process. */
  readonly perSecond: number;
  /** When counting began, in Unix milliseconds. */
  readonly since: number;
  readonly processes: number;
  /** Queries without an answer of the shadow. */
  readonly failed: Counts<TransportFailure>;
  readonly dropped: Counts<DropReason>;
  readonly compared: SavedReport;
}

/** The figures of the gateway are `a`, those of the shadow `b`. */
export interface ShadowReport extends Omit<ShadowCounts, 'compared'>, ReplayReportData {}

/** Counts what becomes of the queries that are chosen. It holds no value of a request or an answer. */
export class ShadowRecord {
  readonly #since = Date.now();
  readonly #compared = new ReplayReport();
  readonly #failed: Counts<TransportFailure> = {};
  readonly #dropped: Counts<DropReason> = {};
  readonly #results;

  constructor(meter: Meter) {
    this.#results = meter.sum('weir.shadow.queries');
  }

  add(result: ReplayResult): void {
    this.#compared.add(result);
    this.#results.add(1, {
      result: result.differences.length === 0 ? 'equal' : 'different',
      reason: undefined,
    });
  }

  fail(reason: TransportFailure): void {
    this.#failed[reason] = (this.#failed[reason] ?? 0) + 1;
    this.#results.add(1, { result: 'failed', reason });
  }

  drop(reason: DropReason): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
    this.#results.add(1, { result: 'dropped', reason });
  }

  counts({ url, share, perSecond }: ShadowOptions): ShadowCounts {
    return {
      ...{ url: hideInUrls(url), share, perSecond, since: this.#since, processes: 1 },
      ...{ failed: { ...this.#failed }, dropped: { ...this.#dropped }, compared: this.#compared.save() },
    };
  }
}

/** What several processes have compared together; undefined without one. */
export function addShadows(all: readonly ShadowCounts[]): ShadowReport | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  const { url, share, perSecond } = first;
  return {
    ...{ url, share, perSecond },
    since: Math.min(...all.map(({ since }) => since)),
    processes: all.reduce((sum, { processes }) => sum + processes, 0),
    failed: addCounts(all.map(({ failed }) => failed)),
    dropped: addCounts(all.map(({ dropped }) => dropped)),
    ...new ReplayReport(...all.map(({ compared }) => compared)).toJSON(),
  };
}

function addCounts<Reason extends string>(all: readonly Counts<Reason>[]): Counts<Reason> {
  const sums: Counts<Reason> = {};
  for (const counts of all)
    for (const [reason, count] of Object.entries(counts) as [Reason, number][])
      sums[reason] = (sums[reason] ?? 0) + count;
  return sums;
}
