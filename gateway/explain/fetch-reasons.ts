/**
 * Why a plan has each of its fetches. This is found on demand, from the plan, the supergraph, and plans without a way that was
 * taken: planning itself keeps no reasons.
 */
import { GraphQLError, parse } from 'graphql';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { fetchesOf } from '../execution/compile/order';
import { type FetchNode, type QueryPlan } from '../execution/compile/plan';
import { runInSlices } from '../net/slice';
import { StepCount } from '../planning/budget';
import { type OperationToPlan, planOperation } from '../planning/plan-operation';
import { type Planner } from '../planning';
import { printPlan } from './print-plan';
import { type IndexedType, type SupergraphIndex } from '../planning/supergraph-index';
import { FetchView } from './fetch-view';
import { costOf, type PlanCost } from './plan-costs';

export interface FetchReason {
  readonly subgraph: string;
  /** The response keys of its objects, such as `products.reviews`; empty at the root. */
  readonly path: string;
  /** The keys by which objects are fetched, such as `Product by upc`; empty at a root type. */
  readonly keys: readonly string[];
  /** Fields with `@requires`, and what they require: `price weight`. */
  readonly requires: readonly { readonly field: string; readonly fields: string }[];
  /** Later fetches that send fields of this one. */
  readonly neededBy: readonly { readonly subgraph: string; readonly fields: readonly string[] }[];
  /** Its fields that no other subgraph resolves. */
  readonly only: readonly string[];
  /**
   * The cost of the next best plan: without this key, if no other subgraph resolves all of the fields; else without this
   * subgraph for these types. `none`: there is no other way. `unknown`: finding it takes too many steps.
   */
  readonly nextBest: PlanCost | 'none' | 'unknown';
}

export interface ExplainedPlan {
  readonly plan: QueryPlan;
  /** In the order of the plan. */
  readonly reasons: ReadonlyMap<FetchNode, FetchReason>;
}

/** The plan as text, with the reasons of each fetch as comments. */
export function printReasons({ plan, reasons }: ExplainedPlan): string {
  const cost = costOf(plan);
  return printPlan(plan, (node) => sentencesOf(reasons.get(node)!, cost));
}

/** Rejects with a `GraphQLError`. */
export async function explainPlan(
  planner: Planner,
  text: string,
  operationName: string | undefined,
  overrideLabels: readonly string[] = [],
): Promise<ExplainedPlan> {
  const plan = await planner.plan(text, operationName, overrideLabels);
  const document = parse(text, { noLocation: true });
  const { index, budget } = await planner.details();
  const others = new OtherPlans({ document, operationName, overrideLabels }, index, new StepCount(budget));
  return { plan, reasons: await runInSlices(reasonsOf(plan, index, others)) };
}

function* reasonsOf(
  plan: QueryPlan,
  index: SupergraphIndex,
  others: OtherPlans,
): SlicedWork<ReadonlyMap<FetchNode, FetchReason>> {
  const fetches = fetchesOf(plan).map((fetch) => ({ ...fetch, view: new FetchView(fetch, index) }));
  const reasons = new Map<FetchNode, FetchReason>();
  for (const [i, { node, view }] of fetches.entries()) {
    const only = view.only();
    reasons.set(node, {
      subgraph: node.serviceName,
      path: view.path.join('.'),
      keys: view.parts.flatMap(({ type, key }) => (key === undefined ? [] : [`${type} by ${key}`])),
      requires: view.requires(),
      neededBy: fetches.flatMap(({ before, node: { serviceName: subgraph }, view: later }) => {
        const fields = before.includes(i) ? view.neededBy(later) : [];
        return fields.length === 0 ? [] : [{ subgraph, fields }];
      }),
      only,
      nextBest: yield* others.costWithout(view, only.length > 0),
    });
  }
  return reasons;
}

/** Plans of an operation in which a way is missing. */
class OtherPlans {
  readonly #known = new Map<string, FetchReason['nextBest']>();
  readonly #operation: OperationToPlan;
  readonly #index: SupergraphIndex;
  readonly #steps: StepCount;
  /** Leaves of the operation that no plan answers, such as fields of types that an object cannot have. */
  #usuallyLeft: number | undefined;

  /** @param steps of all plans together */
  constructor(operation: OperationToPlan, index: SupergraphIndex, steps: StepCount) {
    this.#operation = operation;
    this.#index = index;
    this.#steps = steps;
  }

  /** @param isNeeded whether only this subgraph resolves what is fetched */
  *costWithout(view: FetchView, isNeeded: boolean): SlicedWork<FetchReason['nextBest']> {
    const ways = view.parts.map(({ as, fields, key }) => `${as.name} ${key ?? fields.join()}`);
    const id = JSON.stringify([view.subgraph, isNeeded, ways]);
    let cost = this.#known.get(id);
    if (cost === undefined) {
      const index = without(this.#index, view, isNeeded);
      cost = index === undefined ? 'none' : yield* this.#costWith(index);
      this.#known.set(id, cost);
    }
    return cost;
  }

  *#costWith(index: SupergraphIndex): SlicedWork<FetchReason['nextBest']> {
    try {
      if (this.#usuallyLeft === undefined) {
        const usual = yield* this.#plan(this.#index);
        this.#usuallyLeft = usual.left;
      }
      const { plan, left } = yield* this.#plan(index);
      return left > this.#usuallyLeft ? 'none' : costOf(plan);
    } catch (error) {
      // Any other error: a key that nobody supplies.
      return error instanceof GraphQLError ? 'unknown' : 'none';
    }
  }

  *#plan(index: SupergraphIndex): SlicedWork<{ readonly plan: QueryPlan; readonly left: number }> {
    let left = 0;
    const onLeft = (leaves: number): void => void (left = leaves);
    const planning = planOperation({ ...this.#operation, onLeft }, index, this.#steps);
    for (;;) {
      this.#steps.slice.begin();
      const { done, value } = planning.next();
      if (done === true) return { plan: value, left };
      yield;
    }
  }
}

/** The supergraph without the way of a fetch; undefined where what it fetches has no other. */
function without(index: SupergraphIndex, view: FetchView, isNeeded: boolean): SupergraphIndex | undefined {
  if (isNeeded && view.isOfRoot) return undefined;
  const types = new Map(index.types);
  const { subgraph } = view;
  for (const { as, fields, key } of view.parts) {
    const type = types.get(as.name)!;
    if (view.isOfRoot) types.set(as.name, withoutFields(type, fields, subgraph));
    else {
      const join = type.joins.get(subgraph)!;
      const keys = join.keys.map((one) =>
        !isNeeded || one.text === key ? { ...one, isResolvable: false } : one,
      );
      if (isNeeded && !keys.some(({ isResolvable }) => isResolvable)) return undefined;
      types.set(as.name, { ...type, joins: new Map(type.joins).set(subgraph, { ...join, keys }) });
    }
  }
  return { ...index, types };
}

function withoutFields(type: IndexedType, names: readonly string[], subgraph: number): IndexedType {
  const fields = new Map(type.fields);
  for (const name of names) {
    const field = fields.get(name);
    if (field === undefined) continue;
    const joins = new Map(field.joins);
    joins.delete(subgraph);
    fields.set(name, { ...field, joins });
  }
  return { ...type, fields };
}

function sentencesOf({ keys, neededBy, nextBest, only, requires }: FetchReason, own: PlanCost): string[] {
  return [
    ...keys.map((key) => `Fetches ${key}.`),
    ...requires.map(({ field, fields }) => `${field} requires ${fields}.`),
    ...neededBy.map(({ subgraph, fields }) => `${subgraph} needs ${fields.join(', ')}.`),
    ...(only.length === 0 ? [] : [`No other subgraph resolves ${only.join(', ')}.`]),
    nextBest === 'none'
      ? 'There is no other way.'
      : nextBest === 'unknown'
        ? 'The next best plan takes too many steps to find.'
        : `The next best plan has ${textOf(nextBest)}; this one has ${textOf(own)}.`,
  ];
}

const textOf = ({ fetches, chain }: PlanCost): string =>
  `${fetches} ${fetches === 1 ? 'call' : 'calls'}, ${chain} in sequence`;
