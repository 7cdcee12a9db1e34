/**
 * Plans one operation: reads its selection, searches which subgraph answers what, and emits fetches. It can be left after
 * each step and continued.
 */
import { type DocumentNode, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { type FetchNode, type PlanNode, type QueryPlan } from '../execution/compile/plan';
import { type SlicedWork, type Steps } from './budget';
import { Emitter } from './emit/emitter';
import { startLate } from './emit/late-fetches';
import { NodeWriter } from './emit/nodes';
import { Position } from './emit/positions';
import { inOrderOfOccurrence } from './mutation-order';
import { cover } from './search/cover';
import { Hub } from './search/hub';
import { type ObjectPlan } from './search/plans';
import { Search } from './search/search';
import { solveObject } from './search/solve-object';
import { type Sources } from './search/sources';
import { type KnownDirectives, readOperation, type SelectedOperation } from './selections/operation';
import { type SelectedField, type SelectionItem } from './selections/selection';
import { type IndexedType, type SupergraphIndex } from './supergraph-index/supergraph-index';

export interface OperationToPlan {
  readonly index: SupergraphIndex;
  readonly directives: KnownDirectives;
  /** Valid for the API schema. */
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
}

/** Root fields that are fetched one after another: all of a query, some of a mutation each. */
interface RootGroup {
  readonly fields: readonly SelectedField[];
  readonly sources: Sources;
}

export class OperationPlanning implements SlicedWork {
  readonly #index: SupergraphIndex;
  readonly #steps: Steps;
  readonly #directives: KnownDirectives;
  readonly #operation: SelectedOperation;
  readonly #root: IndexedType | undefined;
  readonly #search: Search;
  readonly #position: Position;
  /** Undefined before they are found. */
  #groups: readonly RootGroup[] | undefined;
  readonly #found: ObjectPlan[] = [];
  readonly #nodes: PlanNode[] = [];
  /** The groups of which all nodes are there. */
  #emitted = 0;
  /** The fetches of these. */
  #fetches = 0;
  #emitter: Emitter | undefined;
  #writer: NodeWriter | undefined;
  #plan: QueryPlan | undefined;

  constructor({ index, directives, document, operationName }: OperationToPlan, steps: Steps) {
    this.#index = index;
    this.#steps = steps;
    this.#directives = directives;
    this.#operation = readOperation(document, operationName, directives, steps);
    this.#root = index.types.get(index.roots[this.#operation.operation.operation]);
    this.#search = new Search(index, steps);
    this.#position = new Position([this.#operation.selection]);
  }

  /** What nobody answers: of a composed supergraph nothing, but for types that no object at its position has. */
  get unanswered(): readonly SelectionItem[] {
    return this.#found.flatMap(({ left }) => left ?? []);
  }

  /** Read when it is done. */
  get plan(): QueryPlan {
    return this.#plan!;
  }

  advance(): boolean {
    if (this.#root === undefined) return this.#finish();
    this.#groups ??= this.#search.attempt(() => this.#groupsOf(this.#root!));
    if (this.#groups === undefined) return false;
    while (this.#found.length < this.#groups.length) {
      const plan = this.#search.attempt(() => this.#solve(this.#groups![this.#found.length]!));
      if (plan === undefined) return false;
      this.#found.push(plan);
    }
    while (this.#emitted < this.#found.length) if (!this.#emit()) return false;
    return this.#finish();
  }

  /** Emits one group. Returns whether it is done. */
  #emit(): boolean {
    if (this.#emitter === undefined) {
      this.#emitter = new Emitter(this.#search, this.#steps);
      this.#emitter.addRoot(this.#found[this.#emitted]!, 0, this.#position);
    }
    if (!this.#emitter.advance()) return false;
    const { fetches } = this.#emitter;
    const facts = { operation: this.#operation, subgraphs: this.#index.subgraphs };
    if (this.#writer === undefined) {
      startLate(fetches);
      this.#writer = new NodeWriter(fetches, { ...facts, onQueries: this.#directives.onQueries });
    }
    if (!this.#writer.advance(this.#steps)) return false;
    this.#nodes.push(...this.#writer.nodes(this.#fetches));
    this.#fetches += fetches.length;
    [this.#emitter, this.#writer] = [undefined, undefined];
    this.#emitted++;
    return true;
  }

  #solve({ fields, sources }: RootGroup): ObjectPlan {
    const hub = new Hub(this.#search, this.#root!, sources, true);
    return solveObject(hub, fields);
  }

  #groupsOf(root: IndexedType): readonly RootGroup[] {
    const all = this.#search.flattening.fieldsOf(this.#operation.selection, root.name);
    const fields = all.filter(({ name }) => name !== '__typename');
    if (fields.length === 0) return [];
    if (this.#operation.operation.operation === OperationTypeNode.MUTATION)
      return this.#inOrder(fields, root);
    return [{ fields, sources: this.#sourcesOf(root, [...root.joins.keys()]) }];
  }

  /** Mutation fields run one after another; those of one subgraph that follow each other are one request. */
  #inOrder(fields: readonly SelectedField[], root: IndexedType): readonly RootGroup[] {
    const groups: { subgraph: number; fields: SelectedField[] }[] = [];
    for (const same of inOrderOfOccurrence(fields)) {
      const able = this.#ableTo(same, root);
      const last = groups.at(-1);
      if (last !== undefined && able.includes(last.subgraph)) last.fields.push(...same);
      else groups.push({ subgraph: able[0]!, fields: same });
    }
    return groups.map((group) => ({
      fields: group.fields,
      sources: this.#sourcesOf(root, [group.subgraph]),
    }));
  }

  /** The subgraphs that answer all of what is selected of one mutation field, first those that need the fewest others. */
  #ableTo(same: readonly SelectedField[], root: IndexedType): readonly number[] {
    const { name } = same[0]!;
    const able: { readonly subgraph: number; readonly depth: number; readonly calls: number }[] = [];
    for (const subgraph of root.fields.get(name)?.joins.keys() ?? []) {
      const sources = this.#sourcesOf(root, [subgraph]);
      const plans = same.map((field) => cover(this.#search, field, sources));
      if (!plans.every((plan) => plan !== null && plan.left === undefined)) continue;
      const depth = Math.max(...plans.map((plan) => plan!.depth));
      const calls = plans.reduce((sum, plan) => sum + this.#search.calls.count(plan!.calls), 0);
      able.push({ subgraph, depth, calls });
    }
    if (able.length === 0) throw new Error(`No subgraph answers ${root.name}.${name}`);
    able.sort((one, other) => one.depth - other.depth || one.calls - other.calls);
    return able.map(({ subgraph }) => subgraph);
  }

  #sourcesOf(root: IndexedType, subgraphs: readonly number[]): Sources {
    const source = { stage: 0, as: root, provided: undefined };
    return this.#search.sources.of(subgraphs.map((subgraph) => ({ ...source, subgraph })));
  }

  #finish(): true {
    this.#plan = wholePlan(this.#nodes, this.#operation.operation);
    return true;
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
