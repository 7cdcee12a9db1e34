/** Plans one operation: reads its selection, searches which subgraph answers what, and emits fetches. */
import { type DocumentNode, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { type FetchNode, type PlanNode, type QueryPlan } from '../execution/compile/plan';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { type Steps } from './budget';
import { Emitter } from './emit/emitter';
import { startLate } from './emit/late-fetches';
import { NodeWriter } from './emit/nodes';
import { Position } from './emit/positions';
import { inOrderOfOccurrence } from './mutation-order';
import { cover } from './search/cover';
import { Hub } from './search/hub';
import { leavesLeft, type ObjectPlan } from './search/plans';
import { Search } from './search/search';
import { solveObject } from './search/solve-object';
import { type Sources } from './search/sources';
import { readOperation, type SelectedOperation } from './selections/read-selections';
import { allOf, contradicts, type SelectedField, type Selection } from './selections/selection';
import { type IndexedType, type SupergraphIndex } from './supergraph-index/supergraph-index';

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
  steps: Steps,
): SlicedWork<QueryPlan> {
  const selected = yield* readOperation(document, operationName, index, steps);
  const { operation, selection } = selected;
  const root = index.types.get(index.roots[operation.operation]);
  if (root === undefined) return { kind: 'QueryPlan' };
  const newSearch = (avoided?: number): Search => new Search(index, new Set(overrideLabels), steps, avoided);
  const { search, plans } = yield* searchTwice(selected, root, newSearch, steps);
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

interface Found {
  readonly search: Search;
  /** Of each group of root fields. */
  readonly plans: readonly ObjectPlan[];
}

/**
 * The plans of a search, or of a second one that avoids a subgraph: each position is solved by itself, and of ways that
 * are equal there one may use a call that another position needs anyway.
 */
function* searchTwice(
  selected: SelectedOperation,
  root: IndexedType,
  newSearch: (avoided?: number) => Search,
  steps: Steps,
): SlicedWork<Found> {
  const first = yield* searchOnce(selected, root, newSearch());
  const { needed, preferred } = first.search;
  const avoidable = [...preferred].filter((subgraph) => !needed.has(subgraph));
  if (avoidable.length === 0 || !steps.isEarly) return first;
  const second = yield* searchOnce(selected, root, newSearch(Math.min(...avoidable)));
  const [one, other] = [costOf(first), costOf(second)];
  return (other.left - one.left || other.depth - one.depth || other.calls - one.calls) < 0 ? second : first;
}

function* searchOnce(
  { operation, selection }: SelectedOperation,
  root: IndexedType,
  search: Search,
): SlicedWork<Found> {
  const groups = yield* search.attempt(() => groupsOf(search, root, operation, selection));
  const plans: ObjectPlan[] = [];
  for (const { fields, sources } of groups)
    plans.push(yield* search.attempt(() => solveObject(new Hub(search, root, sources, true), fields)));
  return { search, plans };
}

function costOf({ search, plans }: Found): { left: number; depth: number; calls: number } {
  const cost = { left: 0, depth: 0, calls: 0 };
  for (const plan of plans) {
    cost.left += leavesLeft(plan);
    cost.depth += plan.depth;
    cost.calls += search.calls.count(plan.calls) + plan.uses.length;
  }
  return cost;
}

/** Root fields that are fetched one after another: all of a query, some of a mutation each. */
interface RootGroup {
  readonly fields: readonly SelectedField[];
  readonly sources: Sources;
}

function groupsOf(
  search: Search,
  root: IndexedType,
  { operation }: OperationDefinitionNode,
  selection: Selection,
): readonly RootGroup[] {
  const all = search.flattening.fieldsOf(selection, root.name);
  const fields = all.filter(({ name }) => name !== '__typename');
  if (fields.length === 0) return [];
  if (operation === OperationTypeNode.MUTATION) return inOrder(search, root, fields);
  return [{ fields, sources: sourcesOf(search, root, [...root.joins.keys()]) }];
}

/**
 * Mutation fields run one after another; those of one subgraph that follow each other are one request. Of all ways to
 * group them, the one with the fewest steps, then the fewest calls, then the fewest groups.
 */
function inOrder(search: Search, root: IndexedType, fields: readonly SelectedField[]): readonly RootGroup[] {
  let ways: readonly MutationWay[] = [];
  for (const occurrence of inOrderOfOccurrence(fields)) {
    const before = ways.length === 0 ? [undefined] : ways;
    ways = ableTo(search, root, occurrence).map((able) =>
      before.map((way) => extended(way, able, occurrence)).reduce(cheaperOf),
    );
  }
  const groups: { readonly subgraph: number; readonly occurrences: (readonly SelectedField[])[] }[] = [];
  let isLater = false;
  for (let way: MutationWay | undefined = ways.reduce(cheaperOf); way !== undefined; way = way.before) {
    if (isLater) groups.at(-1)!.occurrences.push(way.occurrence);
    else groups.push({ subgraph: way.subgraph, occurrences: [way.occurrence] });
    isLater = way.isJoined;
  }
  return groups.reverse().map(({ subgraph, occurrences }) => ({
    fields: occurrences.reverse().flat(),
    sources: sourcesOf(search, root, [subgraph]),
  }));
}

/** A way to run the mutation fields up to those of one occurrence. */
interface MutationWay {
  readonly before: MutationWay | undefined;
  readonly occurrence: readonly SelectedField[];
  readonly subgraph: number;
  /** Whether it is in one request with the occurrence before. */
  readonly isJoined: boolean;
  /** Those of its group. */
  readonly depth: number;
  readonly steps: number;
  readonly calls: number;
  readonly groups: number;
}

function extended(
  before: MutationWay | undefined,
  { subgraph, depth, calls }: AbleSubgraph,
  occurrence: readonly SelectedField[],
): MutationWay {
  const isJoined = before?.subgraph === subgraph;
  // Of fields under conditions that exclude each other, one side is left out: to join the other saves no call.
  const isSaved = isJoined && !isAlternative(before, occurrence);
  const covered = isSaved ? before.depth + 1 : 0;
  return {
    ...{ before, occurrence, subgraph, isJoined },
    depth: isSaved ? Math.max(before.depth, depth) : depth,
    steps: (before?.steps ?? 0) + Math.max(0, depth + 1 - covered),
    calls: (before?.calls ?? 0) + calls + (isSaved ? 0 : 1),
    groups: (before?.groups ?? 0) + (isJoined ? 0 : 1),
  };
}

/** Whether no field of an occurrence runs where one of the group before it does. */
function isAlternative(before: MutationWay, occurrence: readonly SelectedField[]): boolean {
  for (
    let way: MutationWay | undefined = before;
    way !== undefined;
    way = way.isJoined ? way.before : undefined
  )
    if (way.occurrence.some((one) => occurrence.some((other) => !contradicts(allOf(one.when, other.when)))))
      return false;
  return true;
}

function cheaperOf(one: MutationWay, other: MutationWay): MutationWay {
  const more = one.steps - other.steps || one.calls - other.calls || one.groups - other.groups;
  return more <= 0 ? one : other;
}

interface AbleSubgraph {
  readonly subgraph: number;
  readonly depth: number;
  readonly calls: number;
}

/** The subgraphs that answer all of what is selected of one mutation field. */
function ableTo(search: Search, root: IndexedType, same: readonly SelectedField[]): readonly AbleSubgraph[] {
  const { name } = same[0]!;
  const able: AbleSubgraph[] = [];
  for (const subgraph of root.fields.get(name)?.joins.keys() ?? []) {
    const sources = sourcesOf(search, root, [subgraph]);
    const plans = same.map((field) => cover(search, field, sources));
    if (!plans.every((plan) => plan !== null && plan.left === undefined)) continue;
    const depth = Math.max(...plans.map((plan) => plan!.depth));
    const calls: number[] = [];
    for (const plan of plans) search.calls.addAll(calls, plan!.calls, 0);
    able.push({ subgraph, depth, calls: search.calls.count(calls) });
  }
  if (able.length === 0) throw new Error(`No subgraph answers ${root.name}.${name}`);
  return able;
}

function sourcesOf(search: Search, root: IndexedType, subgraphs: readonly number[]): Sources {
  const source = { stage: 0, as: root, provided: undefined };
  return search.sources.of(subgraphs.map((subgraph) => ({ ...source, subgraph })));
}

/**
 * Throws where nobody answers a field, whatever the types of the objects are: of a composed supergraph there is none. What is
 * left of some types is of types that no object at its position has.
 */
function refuse(
  left: Selection,
  type: IndexedType | undefined,
  { types }: Pick<SupergraphIndex, 'types'>,
): void {
  for (const item of left) {
    if (item.kind === 'fragment' || item.isLeftover) continue;
    if (item.selection === undefined) throw new Error(`No subgraph answers ${type?.name ?? ''}.${item.name}`);
    refuse(item.selection, types.get(type?.fields.get(item.name)?.namedType ?? ''), { types });
  }
}

function wholePlan(nodes: readonly PlanNode[], { operation }: OperationDefinitionNode): QueryPlan {
  const [first, ...others] = nodes;
  if (first === undefined) return { kind: 'QueryPlan' };
  if (operation !== OperationTypeNode.SUBSCRIPTION) return { kind: 'QueryPlan', node: sequence(nodes) };
  const primary = first as FetchNode;
  const rest = others.length === 0 ? undefined : sequence(others);
  return { kind: 'QueryPlan', node: { kind: 'Subscription', primary, ...(rest && { rest }) } };
}

const sequence = (nodes: readonly PlanNode[]): PlanNode =>
  nodes.length === 1 ? nodes[0]! : { kind: 'Sequence', nodes };
