import { type GraphQLSchema } from 'graphql';
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type CompiledFetch } from '../program';
import { compileContexts } from './contexts';
import { dependenciesOf } from './dependencies';
import { ResponsePosition } from './response-position';
import { fetchesOf, type OrderedFetch } from './order';
import { compileWalk, positionAt } from './paths';
import { type QueryPlan } from './plan';
import { Representation } from './representations';
import { Shape } from './shape';
import { type ClientOperation, type FetchOperation, compileSubgraphOperation } from './subgraph-operation';
import { TypeTable } from './type-table';

/** The fetches of a plan, and the merged response of their answers. */
export class FetchCompiler {
  readonly types: TypeTable;
  /** In the order of the plan. */
  readonly fetches: readonly OrderedFetch[];
  readonly operations = new Map<string, FetchOperation>();
  readonly root: ResponsePosition;
  readonly rootShape: Shape;
  /** Undefined for a fetch without objects. */
  readonly compiled: (CompiledFetch | undefined)[] = [];
  /** Words of the largest record. */
  largestRecord = 0;
  readonly #client: ClientOperation;

  constructor(plan: QueryPlan, supergraphSchema: GraphQLSchema, client: ClientOperation) {
    this.types = TypeTable.of(supergraphSchema);
    this.fetches = fetchesOf(plan);
    this.root = new ResponsePosition(this.types);
    this.rootShape = new Shape(this.types).seal();
    this.root.addOwn(this.rootShape);
    this.#client = client;
  }

  /** Call once, before anything is read of it. */
  *compile(): SlicedWork<void> {
    // All fetches must add their fields before the merged response can be laid out.
    const prepared: (PreparedFetch | undefined)[] = [];
    for (const [index, fetch] of this.fetches.entries()) {
      prepared.push(this.#prepare(fetch, index));
      yield;
    }
    const shapes = [...this.operations.values()].map(({ shape }) => shape);
    this.largestRecord = largestOf(this.root.layOut(), shapes);
    for (const fetch of prepared) {
      this.compiled.push(fetch && this.#finish(fetch));
      yield;
    }
  }

  /** For each fetch, the numbers of those whose answers it needs. */
  dependencies(): number[][] {
    return dependenciesOf(this.fetches, this.root);
  }

  /** The subgraphs of which several fetches request entities. */
  sharedSubgraphs(): ReadonlySet<string> {
    const requested = this.compiled.flatMap((fetch) =>
      fetch?.kind === 'entities' ? fetch.operation.request.subgraph : [],
    );
    return new Set(requested.filter((name, i) => requested.indexOf(name) !== i));
  }

  operationOf({ node }: OrderedFetch): FetchOperation {
    return compileSubgraphOperation(node, this.types, this.operations, this.#client);
  }

  /** Undefined for a fetch without objects. */
  #prepare(fetch: OrderedFetch, index: number): PreparedFetch | undefined {
    const { requires, inputRewrites, contextRewrites } = fetch.node;
    const operation = this.operationOf(fetch);
    // Fetches with the same key join the same answer to a record. A fetch at a root type has a key of its own.
    const key =
      requires === undefined
        ? `${index}`
        : JSON.stringify([operation.number, requires, inputRewrites, contextRewrites]);
    const position = positionAt(this.root, fetch.path);
    // No fetch answers the objects that this fetch would extend.
    if (position === undefined) return undefined;
    position.addJoining(key, operation.result);
    position.addAnswer(index, operation.result, fetch.when);
    return { fetch, index, operation, key, position };
  }

  #finish({ fetch, index, operation, key, position }: PreparedFetch): CompiledFetch {
    const { node, path, before } = fetch;
    const { requires, inputRewrites, contextRewrites, typeKeys } = node;
    const walk = compileWalk(this.root, path);
    const facts = { index, operation, walk, join: position.joinWord(key) };
    if (requires === undefined)
      return { ...facts, kind: node.operationKind === 'mutation' ? 'mutation' : 'root' };
    const target = position.shape;
    const { targets } = operation;
    if (!targets.includes(target)) targets.push(target);
    return {
      ...facts,
      kind: 'entities',
      target,
      targetIndex: targets.indexOf(target),
      representation: new Representation({ position, before }, requires, inputRewrites, typeKeys),
      contexts: contextRewrites && compileContexts(contextRewrites, this.root, path),
    };
  }
}

/** A fetch whose fields are part of the merged response. */
interface PreparedFetch {
  readonly fetch: OrderedFetch;
  /** Its number in the order of the plan. */
  readonly index: number;
  readonly operation: FetchOperation;
  /** Fetches with equal keys join the same answer to a record. */
  readonly key: string;
  /** Of the objects that it fetches or extends. */
  readonly position: ResponsePosition;
}

function largestOf(words: number, shapes: readonly (Shape | null)[]): number {
  let largest = words;
  for (const shape of shapes)
    if (shape !== null) largest = largestOf(Math.max(largest, shape.size), shape.children);
  return largest;
}
