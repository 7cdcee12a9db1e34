/** Plans operations on the main thread, a slice at a time. */
import { GraphQLError, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type Pace, runInSlices, type Slice, swift } from '../net/slice';
import { type SlicedTask, SlicedTasks } from '../net/sliced-tasks';
import { requestError } from '../errors';
import { type QueryPlan } from '../execution/compile/plan';
import { type Options } from '../options';
import { defaultBudget, type PlanningBudget, StepCount } from './budget';
import { type EventFields } from './event-fields';
import { planOperation } from './plan-operation';
import { type ReadSupergraph, readSupergraph, type SupergraphFacts } from './supergraph-facts';
import { type SupergraphIndex } from './supergraph-index';

export interface PlannerOptions {
  readonly supergraphSdl: string;
  /**
   * What one operation may take, and how many may wait to be planned: a document counts as one for each 4 KiB begun. More are
   * refused at once, first those of the sender with the most.
   *
   * @default those of the options
   */
  readonly limits?: Partial<Options['planning']> | undefined;
  /** Subscription fields whose source is events. @default none */
  readonly eventFields?: EventFields | undefined;
  /** How the supergraph is read. @default swift */
  readonly pace?: Pace | undefined;
  /** The facts of the supergraph, where they are known already. @default they are read */
  readonly facts?: SupergraphFacts | undefined;
}

/** An operation with all inputs of its plan. Identifies the plan in the cache. */
export interface PlannedOperation {
  /** GraphQL text, valid against the API schema. */
  readonly document: string;
  /** A hash of `document` that nobody can make collide, for instance SHA-256. */
  readonly documentHash: string;
  readonly operationName: string | undefined;
  /** The labels of the active progressive overrides, sorted. */
  readonly overrideLabels?: readonly string[] | undefined;
  /** The elements refused to some callers, sorted. The operation is planned without them. @default nothing */
  readonly refused?: readonly string[] | undefined;
}

/** What a task of the planner works with. */
export interface PlannerContext {
  /** Plans a valid operation. Progressive overrides are on if `overrideLabels` names them. Throws a `GraphQLError`. */
  readonly plan: (
    document: string,
    operationName: string | undefined,
    overrideLabels?: readonly string[],
  ) => SlicedTask<QueryPlan>;
}

export class Planner {
  /** Settles when the supergraph has been read. Rejects with an `Error` that names what is wrong with it. */
  readonly ready: Promise<SupergraphFacts>;
  readonly #options: PlannerOptions;
  readonly #limits: Options['planning'];
  readonly #tasks: SlicedTasks;
  /** Operations that are too complex, within a million characters. */
  readonly #tooComplex = new LRUCache<string, GraphQLError>({
    maxSize: 1_000_000,
    sizeCalculation: (_error, key) => key.length,
  });
  /** Of a packaged graph undefined before the first operation that has no plan. */
  #supergraph: Promise<ReadSupergraph> | undefined;
  /** What has been read, or what is wrong with it. */
  #read: ReadSupergraph | { readonly wrong: Error } | undefined;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#limits = { ...defaultBudget, waiting: 500, ...options.limits };
    this.#tasks = new SlicedTasks(this.#limits.waiting);
    if (options.facts === undefined) this.#supergraph = this.#readSupergraph();
    this.ready = this.#supergraph?.then(({ facts }) => facts) ?? Promise.resolve(options.facts!);
    // Whoever needs it awaits it, too.
    this.ready.catch(() => undefined);
  }

  /** Does what `Planning.plan` does. Rejects with a `GraphQLError`. */
  plan(
    document: string,
    operationName: string | undefined,
    overrideLabels?: readonly string[],
    sender = '',
  ): Promise<QueryPlan> {
    const tooComplex = this.#tooComplex.get(keyOf(document, operationName, overrideLabels));
    if (tooComplex !== undefined) return Promise.reject(tooComplex);
    return this.run(document, sender, ({ plan }) => plan(document, operationName, overrideLabels));
  }

  /** Works at a task in slices between those of other senders. Rejects with a `GraphQLError` if too many wait. */
  run<Result>(
    document: string,
    sender: string,
    begin: (planning: PlannerContext) => SlicedTask<Result>,
  ): Promise<Result> {
    return this.#tasks.run(sender, Math.ceil(document.length / longDocument), (slice) =>
      begin({ plan: (...operation) => this.#plan(slice, ...operation) }),
    );
  }

  /** What it plans with. Rejects as `ready` does. */
  async details(): Promise<{ readonly index: SupergraphIndex; readonly budget: PlanningBudget }> {
    const { index } = await (this.#supergraph ??= this.#readSupergraph());
    return { index, budget: this.#limits };
  }

  /** Rejects all pending operations. */
  close(): Promise<void> {
    this.#tasks.close();
    return Promise.resolve();
  }

  async #readSupergraph(): Promise<ReadSupergraph> {
    const { eventFields = {}, pace = swift, supergraphSdl } = this.#options;
    // Not within the caller's turn.
    await pace.pause();
    try {
      return (this.#read = await runInSlices(readSupergraph(supergraphSdl, eventFields), pace));
    } catch (error) {
      // A `GraphQLError` would be one of an operation.
      const wrong = new Error((error as Error).message, { cause: error });
      this.#read = { wrong };
      throw wrong;
    }
  }

  *#plan(
    slice: Slice,
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[] = [],
  ): SlicedTask<QueryPlan> {
    const key = keyOf(document, operationName, overrideLabels);
    const tooComplex = this.#tooComplex.get(key);
    if (tooComplex !== undefined) throw tooComplex;
    if (this.#read === undefined) yield (this.#supergraph ??= this.#readSupergraph());
    if ('wrong' in this.#read!) throw failed(this.#read.wrong);
    try {
      const operation = { document: parse(document, { noLocation: true }), operationName, overrideLabels };
      return yield* planOperation(operation, this.#read!.index, new StepCount(this.#limits, slice));
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw failed(error);
      if (error.extensions['code'] === 'QUERY_TOO_COMPLEX') this.#tooComplex.set(key, error);
      throw error;
    }
  }
}

const keyOf = (
  document: string,
  operationName: string | undefined,
  overrideLabels: readonly string[] = [],
): string => JSON.stringify([document, operationName ?? null, overrideLabels]);

/** Characters of a document that count as one waiting operation. */
const longDocument = 4096;

/** The cause is for logs: the message reveals nothing about the supergraph. */
const failed = (cause: unknown): GraphQLError =>
  Object.assign(requestError('QUERY_PLANNING_FAILED', {}), { cause });
