import { type FetchCounts, noCalls, type PairCounts, type Tally } from './call-counts';
import type { PlannedCall } from '../../console/api';
import type { Meter } from './meter';
import { TopSeries } from './top-series';

/** A client's operation, as fetches are counted for it. */
export interface CountedOperation {
  readonly type: string;
  /** `anonymous` without one. */
  readonly name: string;
  /** Identifies it among counted operations. */
  readonly key: string;
}

/** @param name undefined or null for an operation without one */
export const countedOperation = (type: string, name: string | null | undefined): CountedOperation => ({
  type,
  name: name ?? 'anonymous',
  key: `${type} ${name ?? 'anonymous'}`,
});

/**
 * How queries were answered: by the response cache, by an execution that another request began (`coalesced`), or by one of
 * their own, whose answer was cached (`miss`) or not (`pass`).
 */
export type AnswerCounts = Record<'hit' | 'stale' | 'coalesced' | 'miss' | 'pass', number>;

/** The counts of one operation: plain numbers since it has a series. */
export class OperationCalls implements Tally {
  /** How often its plan was run: for a request, for several that share the execution, or for an event. */
  executions = 0;
  readonly answers: AnswerCounts = { hit: 0, stale: 0, coalesced: 0, miss: 0, pass: 0 };
  readonly bySubgraph = new Map<string, PairCounts>();
  /** Of the program that was run last; undefined if none was. */
  program: ProgramTally | undefined;
  /** Whether everybody may see all of its fields, by the supergraph. */
  isOpen = false;

  constructor(
    readonly type: string,
    readonly name: string,
  ) {}

  of(subgraph: string): PairCounts {
    let counts = this.bySubgraph.get(subgraph);
    if (counts === undefined)
      this.bySubgraph.set(subgraph, (counts = { ...noCalls(), answers: 0, storable: 0 }));
    return counts;
  }
}

/** Counts the fetches of one program, for its operation. */
export class ProgramTally implements Tally {
  readonly operation: CountedOperation;
  /** The calls of the program, as a reader of reports needs them; undefined if it is not kept any more. */
  readonly outline: () => readonly PlannedCall[] | undefined;
  readonly #statistics: CallStatistics;
  #calls: OperationCalls | undefined;

  constructor(
    operation: CountedOperation,
    statistics: CallStatistics,
    outline: () => readonly PlannedCall[] | undefined,
  ) {
    this.operation = operation;
    this.#statistics = statistics;
    this.outline = outline;
  }

  /** Counts an execution, which plans the same fetches whether they are sent or not. */
  begin(isOpen: boolean): void {
    const calls = this.#statistics.of(this.operation);
    calls.executions++;
    calls.isOpen = isOpen;
    calls.program = this;
    this.#calls = calls;
  }

  of(subgraph: string): PairCounts {
    return (this.#calls ??= this.#statistics.of(this.operation)).of(subgraph);
  }
}

/** Counts subgraph calls in plain numbers, by operation and subgraph. */
export class CallStatistics {
  /** Bounded, as clients choose the names of operations. */
  readonly #operations: TopSeries<OperationCalls>;
  readonly #current = new Set<OperationCalls>();
  /** By subgraph: the counts of operations that have lost their series. */
  readonly #earlier = new Map<string, FetchCounts>();

  constructor(meter: Meter) {
    const others = new OperationCalls('', 'other');
    this.#current.add(others);
    const opened = new Map<string, OperationCalls>();
    this.#operations = new TopSeries({
      most: 100,
      open: (key) => {
        const [type] = key.split(' ', 1) as [string];
        const calls = new OperationCalls(type, key.slice(type.length + 1));
        opened.set(key, calls);
        this.#current.add(calls);
        return calls;
      },
      close: (key) => {
        const calls = opened.get(key)!;
        opened.delete(key);
        this.#current.delete(calls);
        for (const [subgraph, counts] of calls.bySubgraph) addTo(this.#earlier, subgraph, counts);
      },
      others,
      othersName: 'other',
    });
    meter.observe('weir.subgraph.fetches', (observe) => {
      const bySubgraph = new Map<string, FetchCounts>();
      for (const [subgraph, counts] of this.#earlier) addTo(bySubgraph, subgraph, counts);
      for (const calls of this.#current)
        for (const [subgraph, counts] of calls.bySubgraph) addTo(bySubgraph, subgraph, counts);
      for (const [subgraph, counts] of bySubgraph)
        for (const result of results) observe(counts[result], { subgraph, result });
    });
    meter.observe('weir.subgraph.calls', (observe) => {
      for (const { name, bySubgraph } of this.#current)
        for (const [subgraph, { sent }] of bySubgraph)
          if (sent > 0) observe(sent, { subgraph, 'graphql.operation.name': name });
    });
  }

  /** The current counts of an operation. The caller must not keep them. */
  of({ key }: CountedOperation): OperationCalls {
    return this.#operations.of(key);
  }

  /** Called before metrics are collected. */
  review(): void {
    this.#operations.review();
  }

  /** The most used operations, and all others together as one with the name `other` and no type. */
  get operations(): Iterable<OperationCalls> {
    return this.#current;
  }
}

/** The possible results of a fetch. */
const results = ['merged', 'deduplicated', 'batched', 'cached', 'sent'] as const;

function addTo(sums: Map<string, FetchCounts>, subgraph: string, counts: FetchCounts): void {
  let sum = sums.get(subgraph);
  if (sum === undefined) sums.set(subgraph, (sum = noCalls()));
  for (const result of ['planned', ...results] as const) sum[result] += counts[result];
}
