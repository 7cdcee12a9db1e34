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
import { Combinations } from './combine';
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
import { type FetchNode, type QueryPlan } from './plan';
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
  readonly combinations: Combinations;
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

  const operations = new Map<string, CompiledOperation>();
  let fetchCount = 0;
  let isExclusive = false;
  // First everything that contributes to the merged response, for only then its layout is known.
  const compileStep = plan.node === undefined ? () => nothing : prepare(plan.node, [], []);
  const shapes = [...operations.values()].map(({ shape }) => shape);
  const largestRecord = largestOf(root.layOut(), shapes);
  const step = compileStep();

  const conditionNames = conditionVariables(document, plan);
  const projections = new Map<string, ObjectProjection>();
  const rootType = schema.getRootType(operation.operation)!;

  return {
    step,
    rootShape,
    largestRecord,
    isExclusive,
    introspection: new Introspection(schema, operation, fragments),
    combinations: new Combinations(types),
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

  function prepare(node: NonNullable<QueryPlan['node']>, path: ResponsePath, when: Conjunction): () => Step {
    switch (node.kind) {
      case 'Sequence': {
        const steps = node.nodes.map((child) => prepare(child, path, when));
        return () => sequence(steps.map((compile) => compile()));
      }
      case 'Parallel': {
        const steps = node.nodes.map((child) => prepare(child, path, when));
        return () => parallel(steps.map((compile) => compile()));
      }
      case 'Flatten':
        return prepare(node.node, flattenedPath(path, node), when);
      case 'Condition': {
        const variable = node.condition;
        const [ifStep, elseStep] = [true, false].map((value) => {
          const child = value ? node.ifClause : node.elseClause;
          return child && prepare(child, path, [...when, { variable, value }]);
        });
        return () => condition(variable, ifStep?.(), elseStep?.());
      }
      case 'Fetch':
        return prepareFetch(node, path, when);
      case 'Defer':
      case 'Subscription':
        throw unsupported(node.kind);
      default:
        return node satisfies never;
    }
  }

  function prepareFetch(node: FetchNode, path: ResponsePath, when: Conjunction): () => Step {
    const { requires, inputRewrites, contextRewrites } = node;
    const compiled = compileSubgraphOperation(node, types, operations);
    const index = fetchCount++;
    if (contextRewrites !== undefined) isExclusive = true;
    // Fetches under the same key give a record the same answer. A fetch at a root type answers for itself.
    const key =
      requires === undefined
        ? `${index}`
        : JSON.stringify([compiled.number, requires, inputRewrites, contextRewrites]);
    const place = placeAt(root, path);
    // Nobody fetches the objects that the fetch is about.
    if (place === undefined) return () => nothing;
    place.addJoining(key, compiled.result, when);
    return () => {
      const target = place.shape;
      if (!compiled.targets.includes(target)) compiled.targets.push(target);
      const fetch: CompiledFetch = {
        index,
        operation: compiled,
        walk: compileWalk(root, path),
        join: place.joinWord(key),
        target,
        representation: requires && new Representation(place, requires, inputRewrites),
        contexts: contextRewrites && compileContexts(contextRewrites, root, path),
      };
      return requires === undefined ? rootFetch(fetch) : entityFetch(fetch);
    };
  }
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
  throw new Error('The document has no such operation');
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
