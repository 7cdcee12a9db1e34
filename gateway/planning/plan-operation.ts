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
import { readOperation } from './selections/operation';
import { type SelectedField, type Selection } from './selections/selection';
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
  const search = new Search(index, new Set(overrideLabels), steps);
  const groups = yield* search.attempt(() => groupsOf(search, root, operation, selection));
  const found: ObjectPlan[] = [];
  for (const { fields, sources } of groups)
    found.push(yield* search.attempt(() => solveObject(new Hub(search, root, sources, true), fields)));
  for (const { left = [] } of found) refuse(left, root, index);
  onLeft?.(found.reduce((sum, plan) => sum + leavesLeft(plan), 0));
  const position = new Position([selection]);
  const writer = new NodeWriter(selected, index);
  const nodes: PlanNode[] = [];
  for (const plan of found) {
    const emitter = new Emitter(search, steps);
    const fetches = yield* emitter.emit(plan, position);
    yield* startLate(fetches, steps);
    nodes.push(...(yield* writer.write(fetches, steps)));
  }
  return wholePlan(nodes, operation);
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

/** Mutation fields run one after another; those of one subgraph that follow each other are one request. */
function inOrder(search: Search, root: IndexedType, fields: readonly SelectedField[]): readonly RootGroup[] {
  const groups: { subgraph: number; fields: SelectedField[] }[] = [];
  for (const same of inOrderOfOccurrence(fields)) {
    const able = ableTo(search, root, same);
    const last = groups.at(-1);
    if (last !== undefined && able.includes(last.subgraph)) last.fields.push(...same);
    else groups.push({ subgraph: able[0]!, fields: same });
  }
  return groups.map((group) => ({
    fields: group.fields,
    sources: sourcesOf(search, root, [group.subgraph]),
  }));
}

/** The subgraphs that answer all of what is selected of one mutation field, first those that need the fewest others. */
function ableTo(search: Search, root: IndexedType, same: readonly SelectedField[]): readonly number[] {
  const { name } = same[0]!;
  const able: { readonly subgraph: number; readonly depth: number; readonly calls: number }[] = [];
  for (const subgraph of root.fields.get(name)?.joins.keys() ?? []) {
    const sources = sourcesOf(search, root, [subgraph]);
    const plans = same.map((field) => cover(search, field, sources));
    if (!plans.every((plan) => plan !== null && plan.left === undefined)) continue;
    const depth = Math.max(...plans.map((plan) => plan!.depth));
    const calls = plans.reduce((sum, plan) => sum + search.calls.count(plan!.calls), 0);
    able.push({ subgraph, depth, calls });
  }
  if (able.length === 0) throw new Error(`No subgraph answers ${root.name}.${name}`);
  able.sort((one, other) => one.depth - other.depth || one.calls - other.calls);
  return able.map(({ subgraph }) => subgraph);
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
