/**
 * Plans operations on the main thread, a slice at a time. Senders take turns after each slice, so that large operations of
 * one client delay those of others by little. Of one sender the oldest operation is planned first: of many, few are begun.
 */
import { GraphQLError, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { FairQueue, heaviest } from '../admission/fair-queue';
import { requestError } from '../errors';
import { type QueryPlan } from '../execution/compile/plan';
import { type Options } from '../options';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { defaultBudget, longestSlice, nextTurn, type PlanningBudget, runInSlices, Steps } from './budget';
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

/** An operation whose plan is awaited. */
interface Task {
  readonly sender: string;
  readonly weight: number;
  readonly begin: (index: SupergraphIndex) => SlicedWork<QueryPlan>;
  readonly steps: Steps;
  /** Undefined before its first slice. */
  planning: SlicedWork<QueryPlan> | undefined;
  readonly resolve: (plan: QueryPlan) => void;
  readonly reject: (error: unknown) => void;
}

export class Planner {
  /** Settles when the supergraph has been read. Rejects with an `Error` that says what is wrong with it. */
  readonly ready: Promise<SupergraphFacts>;
  readonly #options: PlannerOptions;
  readonly #limits: Options['planning'];
  readonly #waiting = new FairQueue<Task>();
  /** Plans under way, by operation. */
  readonly #plans = new Map<string, Promise<QueryPlan>>();
  /** Operations that are too complex, within a million characters. */
  readonly #refused = new LRUCache<string, GraphQLError>({
    maxSize: 1_000_000,
    sizeCalculation: (_error, key) => key.length,
  });
  /** Of a packaged graph undefined before the first operation that has no plan. */
  #supergraph: Promise<ReadSupergraph> | undefined;
  #isWorking = false;
  #isClosed = false;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#limits = { ...defaultBudget, waiting: 500, ...options.limits };
    if (options.facts === undefined) this.#supergraph = this.#read();
    this.ready = this.#supergraph?.then(({ facts }) => facts) ?? Promise.resolve(options.facts!);
    // Whoever needs it awaits it, too.
    this.ready.catch(() => undefined);
  }

  /**
   * Plans an operation that is valid against the API schema. Progressive overrides are off unless `overrideLabels` names
   * their labels. Senders of waiting operations take turns. Rejects with a `GraphQLError`.
   */
  plan(
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[] | undefined = [],
    sender = '',
  ): Promise<QueryPlan> {
    if (this.#isClosed) return Promise.reject(requestError('SHUTTING_DOWN', {}));
    const key = JSON.stringify([document, operationName ?? null, overrideLabels]);
    const refused = this.#refused.get(key);
    if (refused !== undefined) return Promise.reject(refused);
    let plan = this.#plans.get(key);
    if (plan !== undefined) return plan;
    const steps = new Steps(this.#limits);
    const begin = (index: SupergraphIndex): SlicedWork<QueryPlan> => {
      const operation = { document: parse(document, { noLocation: true }), operationName, overrideLabels };
      return planOperation(operation, index, steps);
    };
    plan = new Promise((resolve, reject) => {
      const weight = Math.ceil(document.length / longDocument);
      this.#waiting.add({ sender, weight, begin, steps, planning: undefined, resolve, reject });
    });
    this.#plans.set(key, plan);
    plan
      .catch((error: unknown) => {
        const { code } = (error as GraphQLError).extensions;
        if (code === 'QUERY_TOO_COMPLEX') this.#refused.set(key, error as GraphQLError);
      })
      .finally(() => this.#plans.delete(key));
    this.#bound();
    if (!this.#isWorking) void this.#work();
    return plan;
  }

  /** What it plans with. Rejects as `ready` does. */
  async details(): Promise<{ readonly index: SupergraphIndex; readonly budget: PlanningBudget }> {
    const { index } = await (this.#supergraph ??= this.#read());
    return { index, budget: this.#limits };
  }

  /** Rejects all pending operations. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (let task = this.#waiting.next(); task !== undefined; task = this.#waiting.next())
      this.#end(task, requestError('SHUTTING_DOWN', {}));
    return Promise.resolve();
  }

  async #read(): Promise<ReadSupergraph> {
    // Not within the caller's turn.
    await nextTurn();
    const { eventFields = {}, supergraphSdl } = this.#options;
    try {
      return await runInSlices(readSupergraph(supergraphSdl, eventFields));
    } catch (error) {
      // A `GraphQLError` would be one of an operation.
      throw new Error((error as Error).message, { cause: error });
    }
  }

  #bound(): void {
    while (this.#waiting.weight > this.#limits.waiting && this.#waiting.size > 1) {
      const sender = heaviest(this.#waiting.senders(), (one) => this.#waiting.weightOf(one), 0);
      this.#waiting.takeNewestOf(sender!)?.reject(tooMany());
    }
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    const read = await (this.#supergraph ??= this.#read()).catch((error: unknown) => ({ error }));
    for (let task = this.#waiting.next(); task !== undefined; task = this.#waiting.next()) {
      if ('error' in read) this.#end(task, failed(read.error));
      else this.#advance(task, read.index);
      if (this.#waiting.size > 0) await nextTurn();
    }
    this.#isWorking = false;
  }

  /** Works at an operation for a slice. */
  #advance(task: Task, index: SupergraphIndex): void {
    try {
      task.steps.beginSlice(longestSlice);
      task.planning ??= task.begin(index);
      const { done, value } = task.planning.next();
      if (done !== true) return;
      this.#waiting.delete(task);
      task.resolve(value);
    } catch (error) {
      this.#end(task, error instanceof GraphQLError ? error : failed(error));
    }
  }

  #end(task: Task, error: GraphQLError): void {
    this.#waiting.delete(task);
    task.reject(error);
  }
}

/** Characters of a document that count as one waiting operation. */
const longDocument = 4096;

const tooMany = () => requestError('REQUEST_CONCURRENCY_LIMITED', {}, { headers: { 'retry-after': '1' } });

/** The cause is for logs: the message reveals nothing about the supergraph. */
const failed = (cause: unknown): GraphQLError =>
  Object.assign(requestError('QUERY_PLANNING_FAILED', {}), { cause });
