/**
 * The search of one planning. Its problems (a selection of objects of a type, from some sources) are solved once each.
 *
 * Solving one needs the solutions of others. To a certain depth these are calls; beyond it, and where a slice of time is
 * over, the problem at hand and those around it are put on a stack, and begun again when what they need is solved. As all
 * that was solved is kept, and those on the stack stay begun, the result does not depend on where this happens.
 */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type StepCount } from '../budget';
import { type Selection } from '../selections';
import { type IndexedType, type SupergraphIndex } from '../supergraph-index';
import { CallSets } from './calls';
import { TypeFacts } from './classes';
import { type KeyCandidate } from './entries';
import { SelectionFlattener } from './fields-of';
import { leavesLeft, type LeafPlan, noPlan, type Plan } from './plans';
import { planOf } from './solve';
import { SourceLists, type SourceList } from './sources';

/** A selection of objects of a type, from some sources. */
export interface Problem {
  readonly type: IndexedType;
  readonly selection: Selection;
  readonly sources: SourceList;
  /** Null: there is no way, or it is not found yet. */
  plan: Plan | null;
  /** False while it is being solved, or put off. */
  isSolved: boolean;
}

export class Search {
  readonly callSets: CallSets;
  readonly flattening: SelectionFlattener;
  readonly typeFacts: TypeFacts;
  readonly sourceLists = new SourceLists();
  /** The ways into subgraphs that keys of a type open. */
  readonly candidates = new Map<IndexedType, readonly KeyCandidate[]>();
  /** The subgraphs that a solved problem cannot do without: some field has no other way. */
  readonly needed = new Set<number>();
  /** The subgraphs that were chosen for such a field where another was possible. */
  readonly preferred = new Set<number>();
  /** The problem that is being solved. */
  current: Problem | undefined;
  readonly #leaves = new Map<number, LeafPlan>();
  readonly #stack: Problem[] = [];
  /** Problems that an exception has left, innermost first. */
  #unwound: Problem[] = [];
  #depth = 0;

  constructor(
    readonly index: SupergraphIndex,
    /** The labels of progressive `@override`s that are on. */
    readonly labels: ReadonlySet<string>,
    readonly steps: StepCount,
    /** A subgraph that is entered only where no other way is as good. */
    avoided?: number,
  ) {
    this.callSets = new CallSets(index.subgraphs.length, avoided);
    this.flattening = new SelectionFlattener(index, steps);
    this.typeFacts = new TypeFacts(index);
  }

  /** How a selection is answered; null where it is not, or where this is being solved: nothing can need itself. */
  solve(type: IndexedType, selection: Selection, sources: SourceList): Plan | null {
    const solved = sources.problems.get(selection);
    if (solved !== undefined) return solved.plan;
    const problem: Problem = { type, selection, sources, plan: null, isSolved: false };
    sources.problems.set(selection, problem);
    this.steps.take(1);
    if (this.#depth === deepest || this.steps.isSliceOver) {
      this.#unwound.push(problem);
      throw interrupted;
    }
    this.#depth++;
    try {
      this.#evaluate(problem);
    } catch (error) {
      if (error === interrupted) this.#unwound.push(problem);
      throw error;
    } finally {
      this.#depth--;
    }
    return problem.plan;
  }

  /** Reaches a goal that needs solutions. */
  *attempt<Result>(goal: () => Result): SlicedWork<Result> {
    for (;;) {
      try {
        const problem = this.#stack.at(-1);
        if (problem === undefined) return goal();
        this.#evaluate(problem);
        this.#stack.pop();
      } catch (error) {
        if (error !== interrupted) throw error;
        this.#stack.push(...this.#unwound.reverse());
        this.#unwound = [];
      }
      if (this.steps.isSliceOver) yield;
    }
  }

  leaf(subgraph: number, stage: number): LeafPlan {
    const key = subgraph * 4096 + stage;
    let plan = this.#leaves.get(key);
    if (plan === undefined) this.#leaves.set(key, (plan = { ...noPlan, depth: stage, uses: [subgraph] }));
    return plan;
  }

  /** Below 0 where the first plan leaves less, ends earlier, calls less, or is smaller, in this order. */
  compare(one: Plan, other: Plan): number {
    return (
      leavesLeft(one) - leavesLeft(other) ||
      one.depth - other.depth ||
      this.callSets.count(one.calls) - this.callSets.count(other.calls) ||
      one.visits - other.visits ||
      one.size - other.size
    );
  }

  #evaluate(problem: Problem): void {
    const around = this.current;
    this.current = problem;
    try {
      problem.plan = planOf(this, problem);
      problem.isSolved = true;
    } finally {
      this.current = around;
    }
  }
}

/** Problems within problems that are solved by calls: each takes about eight frames. */
const deepest = 30;

/** Thrown to leave the problems at hand. */
const interrupted = new Error('A problem was put off');
