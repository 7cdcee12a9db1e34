/**
 * Plans one operation.
 *
 * 1. `selections/` reads what it selects. Equal selections are one object, by which the search remembers what it found.
 * 2. `search/` decides which subgraph answers what. A `Hub` is one position of objects. Its *sources* are the subgraphs that
 *    answer the objects themselves. Its *entries* (`entries.ts`) lead into others by keys, each from a *stage* on: stage 0
 *    is the fetch of the sources. `cover.ts` finds how sources answer a field, and solves the objects below it. The hub
 *    lists the ways to each field, `Assignment` chooses among them, and `Visits` adds what the representations of each
 *    *visit* (a fetch through an entry) need. What nobody answers is *left* to an object around this one.
 * 3. `emit/` makes fetches of that (`Emitter`), starts some later (`startLate`), and writes the plan (`NodeWriter`).
 */
import { type DocumentNode, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { type FetchNode, type PlanNode, type QueryPlan } from '../execution/compile/plan';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { type StepCount } from './budget';
import { Emitter } from './emit/emitter';
import { startLate } from './emit/late-fetches';
import { NodeWriter } from './emit/nodes';
import { Position } from './emit/positions';
import { mutationGroups, rootSources } from './mutation-groups';
import { Hub } from './search/hub';
import { leavesLeft, type ObjectPlan } from './search/plans';
import { Search } from './search/search';
import { solveObject } from './search/solve-object';
import { readOperation, type SelectedOperation } from './selections/read-selections';
import { type Selection } from './selections';
import { type IndexedType, type SupergraphIndex } from './supergraph-index';

export interface OperationToPlan {
  /** Valid for the API schema. */
  readonly document: DocumentNode;
  /** Undefined where the document has one operation. */
  readonly operationName?: string | undefined;
  /** The labels of progressive `@override`s that are on. @default none */
  readonly overrideLabels?: readonly string[] | undefined;
  /** Called with the number of leaves that nobody answers: those of types that objects cannot have, and of no subgraph. */
  readonly onLeft?: ((leaves: number) => void) | undefined;
}

/** Yields where a slice of `steps` is over. Throws a `GraphQLError` with the code `QUERY_TOO_COMPLEX` beyond their budget. */
export function* planOperation(
  { document, operationName, overrideLabels, onLeft }: OperationToPlan,
  index: SupergraphIndex,
  steps: StepCount,
): SlicedWork<QueryPlan> {
  const selected = yield* readOperation(document, operationName, index, steps);
  const { operation, selection } = selected;
  const root = index.types.get(index.roots[operation.operation]);
  if (root === undefined) return { kind: 'QueryPlan' };
  const firstSearch = new Search(index, new Set(overrideLabels), steps);
  const { search, plans } = yield* searchTwice(selected, root, firstSearch);
  for (const { left = [] } of plans) refuse(left, root, index);
  onLeft?.(plans.reduce((sum, plan) => sum + leavesLeft(plan), 0));
  const position = new Position([selection]);
  const writer = new NodeWriter(selected, index);
  const nodes: PlanNode[] = [];
  for (const plan of plans) {
    const emitter = new Emitter(search, steps);
    const fetches = yield* emitter.emit(plan, position);
    yield* startLate(fetches, steps);
    nodes.push(...(yield* writer.write(fetches, steps)));
  }
  return wholePlan(nodes, operation);
}

interface Solution {
  readonly search: Search;
  /** Of each group of root fields. */
  readonly plans: readonly ObjectPlan[];
}

/**
 * The plans of a search, or of a second one that avoids a subgraph: each position is solved by itself, and of ways that
 * are equal there one may use a call that another position needs anyway.
 */
function* searchTwice(selected: SelectedOperation, root: IndexedType, search: Search): SlicedWork<Solution> {
  const first = yield* searchOnce(selected, root, search);
  const { index, labels, needed, preferred, steps } = search;
  const avoidable = [...preferred].filter((subgraph) => !needed.has(subgraph));
  if (avoidable.length === 0 || !steps.isEarly) return first;
  const avoiding = new Search(index, labels, steps, Math.min(...avoidable));
  const second = yield* searchOnce(selected, root, avoiding);
  const [one, other] = [costOf(first), costOf(second)];
  return (other.left - one.left || other.depth - one.depth || other.calls - one.calls) < 0 ? second : first;
}

function* searchOnce(selected: SelectedOperation, root: IndexedType, search: Search): SlicedWork<Solution> {
  const all = search.flattening.fieldsOf(selected.selection, root.name);
  const fields = all.filter(({ name }) => name !== '__typename');
  const plans: ObjectPlan[] = [];
  if (fields.length === 0) return { search, plans };
  const groups =
    selected.operation.operation === OperationTypeNode.MUTATION
      ? yield* mutationGroups(search, root, fields)
      : [{ fields, sources: rootSources(search, root, root.joins.keys()) }];
  for (const group of groups)
    plans.push(
      yield* search.attempt(() => solveObject(new Hub(search, root, group.sources, true), group.fields)),
    );
  return { search, plans };
}

function costOf({ search, plans }: Solution): { left: number; depth: number; calls: number } {
  const cost = { left: 0, depth: 0, calls: 0 };
  for (const plan of plans) {
    cost.left += leavesLeft(plan);
    cost.depth += plan.depth;
    cost.calls += search.callSets.count(plan.calls) + plan.uses.length;
  }
  return cost;
}

/** Throws where nobody answers a field, whatever the types of the objects. What is left of some types no object there has. */
function refuse(
  left: Selection,
  type: IndexedType | undefined,
  index: SupergraphIndex,
  seen = new Set<Selection>(),
): void {
  if (seen.size === seen.add(left).size) return;
  for (const item of left) {
    if (item.kind === 'fragment') continue;
    if (item.selection === undefined) throw new Error(`No subgraph answers ${type?.name ?? ''}.${item.name}`);
    refuse(item.selection, index.types.get(type?.fields.get(item.name)?.namedType ?? ''), index, seen);
  }
}

function wholePlan(nodes: readonly PlanNode[], { operation }: OperationDefinitionNode): QueryPlan {
  const [first, ...others] = nodes;
  if (first === undefined) return { kind: 'QueryPlan' };
  if (operation !== OperationTypeNode.SUBSCRIPTION) return { kind: 'QueryPlan', node: sequence(nodes) };
  const rest = others.length > 0 && { rest: sequence(others) };
  return { kind: 'QueryPlan', node: { kind: 'Subscription', primary: first as FetchNode, ...rest } };
}

const sequence = (nodes: readonly PlanNode[]): PlanNode =>
  nodes.length === 1 ? nodes[0]! : { kind: 'Sequence', nodes };
