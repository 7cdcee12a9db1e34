import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type GraphQLError,
} from 'graphql';
import { requestError } from '../errors';
import { idsPerProgram } from './complete';
import { conditionValues, conditionVariables, type Conditions, type Conjunction } from './conditions';
import { Introspection } from './introspection';
import { Place } from './merge';
import { condition } from './nodes/condition';
import { compileContexts } from './nodes/context';
import { type CompiledFetch, entityFetch, rootFetch } from './nodes/fetch';
import { compileWalk, flattenedPath, placeAt, type ResponsePath } from './nodes/flatten';
import { parallel } from './nodes/parallel';
import { sequence } from './nodes/sequence';
import { type Step } from './nodes/step';
import { type CompiledOperation, compileSubgraphOperation } from './operation';
import { type FetchNode, type PlanNode, type QueryPlan } from './plan';
import { ObjectProjection } from './projection';
import { Representation } from './representations';
import { Pool } from './run';
import { Shape } from './shape';
import { TypeTable } from './types';

export interface CompileOptions {
  readonly plan: QueryPlan;
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** What subgraphs may answer: has the types that are `@inaccessible`, too. */
  readonly supergraphSchema: GraphQLSchema;
  /** The client's, valid for `schema`. */
  readonly document: DocumentNode;
  readonly operationName?: string | undefined;
}

/** A client's operation and its query plan, compiled: everything that can be decided before a request comes. */
export interface Program {
  /** Fetches everything. */
  readonly step: Step;
  /** The layout of the record at the root, and how large the largest record is. */
  readonly rootShape: Shape;
  readonly largestRecord: number;
  /** Whether an entity must not be shared between places: its fields may depend on what is around it. */
  readonly isExclusive: boolean;
  readonly introspection: Introspection;
  readonly pool: Pool;
  /** How large the latest responses were, and some more. */
  usualBytes: number;
  /** The values of the variables that `@skip` and `@include` depend on. */
  readonly conditionsOf: (variables: Readonly<Record<string, unknown>>) => Conditions;
  /** How the response is written under these conditions. */
  readonly projectionFor: (conditions: Conditions) => ObjectProjection;
}

/** Throws a `GraphQLError` with the code `UNSUPPORTED_OPERATION` for what the engine does not do. */
export function compileOperation(options: CompileOptions): Program {
  const { plan, schema, supergraphSchema, document, operationName } = options;
  const types = TypeTable.of(supergraphSchema);
  const operation = operationOf(document, operationName);
  const fragments = fragmentsOf(document);
  const root = new Place(types);
  const rootShape = new Shape(types).seal();
  root.addOwn(rootShape);

  // First everything that contributes to the merged response, for only then its layout is known.
  const operations = new Map<string, CompiledOperation>();
  const fetches = new Map<FetchNode, { index: number; operation: CompiledOperation; path: ResponsePath }>();
  if (plan.node !== undefined) gather(plan.node, [], []);
  const largestRecord = largestOf(
    root.layOut(),
    [...operations.values()].map(({ shape }) => shape),
  );
  const step = plan.node === undefined ? nothing : compileNode(plan.node);

  const conditionNames = conditionVariables(document, plan);
  const projections = new Map<string, ObjectProjection>();
  const rootType = schema.getRootType(operation.operation)!;

  return {
    step,
    rootShape,
    largestRecord,
    isExclusive: [...fetches.keys()].some(({ contextRewrites }) => contextRewrites !== undefined),
    introspection: new Introspection(schema, operation, fragments),
    pool,
    usualBytes: 0,
    conditionsOf: (variables) => conditionValues(operation, conditionNames, variables),
    projectionFor: (conditions) => {
      const key = conditionNames.map((name) => (conditions[name] === true ? '1' : '0')).join('');
      let projection = projections.get(key);
      if (projection === undefined) {
        if (projections.size === mostProjections) projections.clear();
        let id = 0;
        const nextId = (): number => (++id < idsPerProgram ? id : 0);
        const source = { schema, types, fragments, conditions, nextId };
        projection = new ObjectProjection(source, root, rootType, [operation.selectionSet]);
        projections.set(key, projection);
      }
      return projection;
    },
  };

  function gather(node: NonNullable<QueryPlan['node']>, path: ResponsePath, when: Conjunction): void {
    switch (node.kind) {
      case 'Sequence':
      case 'Parallel':
        for (const child of node.nodes) gather(child, path, when);
        return;
      case 'Flatten':
        gather(node.node, flattenedPath(path, node), when);
        return;
      case 'Condition':
        for (const value of [true, false]) {
          const child = value ? node.ifClause : node.elseClause;
          if (child !== undefined) gather(child, path, [...when, { variable: node.condition, value }]);
        }
        return;
      case 'Fetch': {
        const compiled = compileSubgraphOperation(node, types, operations);
        fetches.set(node, { index: fetches.size, operation: compiled, path });
        placeAt(root, path)?.addJoining(joinKey(node, compiled, fetches.size), compiled.result, when);
        return;
      }
      case 'Defer':
      case 'Subscription':
        throw unsupported(node.kind);
      default:
        node satisfies never;
    }
  }

  function compileNode(node: PlanNode | { readonly kind: 'Subscription' }): Step {
    switch (node.kind) {
      case 'Sequence':
        return sequence(node.nodes.map(compileNode));
      case 'Parallel':
        return parallel(node.nodes.map(compileNode));
      case 'Flatten':
        return compileNode(node.node);
      case 'Condition':
        return condition(
          node.condition,
          node.ifClause && compileNode(node.ifClause),
          node.elseClause && compileNode(node.elseClause),
        );
      case 'Fetch':
        return compileFetch(node);
      case 'Defer':
      case 'Subscription':
        throw unsupported(node.kind);
      default:
        return node satisfies never;
    }
  }

  function compileFetch(node: FetchNode): Step {
    const { index, operation: compiled, path } = fetches.get(node)!;
    const walk = compileWalk(root, path);
    const place = placeAt(root, path);
    // Nobody fetches the objects that the fetch is about.
    if (walk === undefined || place === undefined) return nothing;
    const target = place.shape;
    if (!compiled.targets.includes(target)) compiled.targets.push(target);
    const fetch: CompiledFetch = {
      index,
      operation: compiled,
      walk,
      join: place.joinWord(joinKey(node, compiled, index + 1)),
      target,
      representation:
        node.requires === undefined
          ? undefined
          : new Representation(place, node.requires, node.inputRewrites),
      contexts: node.contextRewrites && compileContexts(node.contextRewrites, root, path),
    };
    return fetch.representation === undefined ? rootFetch(fetch) : entityFetch(fetch);
  }
}

/** Fetches under the same key give a record the same answer. A fetch at a root type answers for itself. */
function joinKey(node: FetchNode, { key, asksEntities }: CompiledOperation, fetchNumber: number): string {
  return asksEntities ? JSON.stringify([key, node.requires, node.inputRewrites]) : `${fetchNumber}`;
}

const nothing: Step = (_run, done) => done();

function unsupported(feature: string): GraphQLError {
  return requestError('UNSUPPORTED_OPERATION', { feature: feature === 'Defer' ? '@defer' : feature });
}

function operationOf({ definitions }: DocumentNode, name: string | undefined): OperationDefinitionNode {
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    if (name !== undefined && definition.name?.value !== name) continue;
    if (definition.operation === OperationTypeNode.SUBSCRIPTION) throw unsupported('Subscription');
    return definition;
  }
  throw new Error(`The document has no operation "${name ?? ''}"`);
}

function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}

function largestOf(words: number, shapes: readonly (Shape | null)[]): number {
  let largest = words;
  for (const shape of shapes)
    if (shape !== null) largest = largestOf(Math.max(largest, shape.size), shape.children);
  return largest;
}

/** Per operation. Clients that vary many conditions pay for compiling. */
const mostProjections = 64;
const pool = new Pool();
