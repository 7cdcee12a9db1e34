/** Over 300 lines: one pass from a query plan to a program. */
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { runAtOnce, type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { Combinations } from './combine';
import { conditionValues, conditionVariables, type Conditions, holds } from './conditions';
import { Deferral, deferVariables, isDeferOn } from './defer';
import { dependenciesOf } from './dependencies';
import { compileContexts } from './contexts';
import { Introspection } from './introspection';
import { ResponsePosition } from './merge';
import { compileWalk, positionAt } from './paths';
import { type CompiledOperation, compileSubgraphOperation } from './subgraph-operation';
import { fetchesOf, type OrderedFetch } from './order';
import { type QueryPlan } from './plan';
import {
  idsPerProgram,
  type InaccessibleValues,
  ObjectProjection,
  type ProjectionSource,
} from './projection';
import { type Refusals } from './refusals';
import { Representation } from './representations';
import { Shape } from './shape';
import type {
  CompiledFetch,
  Delivery,
  PartsOptions,
  Program,
  Schedule,
  Variant,
  VariantInParts,
} from '../program';
import type { SubgraphOperation } from '../../subgraph-calls/contract/transport';
import { GrowingSize, ProgramSize, sizeOfProgram, sizeOfVariant } from '../size';
import { startTogether, type WaitingFetch } from './start-together';
import { TypeTable } from './type-table';

export interface CompileOptions {
  readonly plan: QueryPlan;
  /** The API schema. */
  readonly schema: GraphQLSchema;
  /** The supergraph schema, which has the `@inaccessible` types too. */
  readonly supergraphSchema: GraphQLSchema;
  /** Enum values that subgraphs may answer and clients may not see. @default none */
  readonly inaccessibleValues?: InaccessibleValues | undefined;
  /** The subgraphs by name, each with the interfaces that it defines as `@interfaceObject`. @default none */
  readonly subgraphs?: ReadonlyMap<string, { readonly interfaceObjects: ReadonlySet<string> }> | undefined;
  /** The client's document, valid for `schema`. */
  readonly document: DocumentNode;
  readonly operationName?: string | undefined;
  /** What this caller may not see. The plan does not fetch it. @default nothing */
  readonly refusals?: Refusals | undefined;
  /** Counts its fetches. @default undefined: they are not counted */
  readonly tally?: SubgraphOperation['tally'];
  /** Called when the program takes more memory than before. */
  readonly onGrowth?: (() => void) | undefined;
}

/** Throws a `GraphQLError` with the code `UNSUPPORTED_OPERATION` for features that the engine lacks. */
export const compileOperation = (options: CompileOptions): Program => runAtOnce(compileInSlices(options));

/** Does what `compileOperation` does. */
export function* compileInSlices(options: CompileOptions): SlicedWork<Program> {
  const { plan, schema, supergraphSchema, document, operationName, refusals } = options;
  const operation = operationOf(document, operationName);
  const fetches = fetchesOf(plan);
  const { inaccessibleValues, subgraphs, tally, onGrowth = () => undefined } = options;
  const types = TypeTable.of(supergraphSchema);
  const fragments = fragmentsOf(document);
  const root = new ResponsePosition(types);
  const rootShape = new Shape(types).seal();
  root.addOwn(rootShape);

  const operations = new Map<string, CompiledOperation>();
  // All fetches must add their fields before the merged response can be laid out.
  const prepared: ReturnType<typeof prepareFetch>[] = [];
  for (const [index, fetch] of fetches.entries()) {
    prepared.push(prepareFetch(fetch, index));
    yield;
  }
  const shapes = [...operations.values()].map(({ shape }) => shape);
  const largestRecord = largestOf(root.layOut(), shapes);
  const compiled: (CompiledFetch | undefined)[] = [];
  for (const finish of prepared) {
    compiled.push(finish?.());
    yield;
  }
  const dependencies = dependenciesOf(fetches, root);
  const size = new ProgramSize(sizeOfProgram(document, root, operations.values()), onGrowth);
  const sizeOfVariants = new GrowingSize(size);

  const conditionNames = conditionVariables(document, fetches);
  const variants = new Map<string, Variant>();
  const deferring = deferVariables(document);
  const variantsInParts = new Map<string, VariantInParts | undefined>();
  const sizeOfVariantsInParts = new GrowingSize(size);
  const rootType = schema.getRootType(operation.operation)!;

  return {
    rootShape,
    largestRecord,
    isExclusive: fetches.some(({ node }) => node.contextRewrites !== undefined),
    dependencies,
    introspection: new Introspection(
      () => refusals?.visibleSchema ?? schema,
      operation,
      fragments,
      new GrowingSize(size),
    ),
    combinations: new Combinations(types, new GrowingSize(size)),
    subgraphs: [...new Set(fetches.map(({ node }) => node.serviceName))],
    source: plan.node?.kind === 'Subscription' ? [...operations.values()][0] : undefined,
    size,
    usualBytes: 0,
    conditionsOf: (variables) => conditionValues(operation, conditionNames, variables),
    variantFor: (conditions) => {
      const key = conditionNames.map((name) => (conditions[name] === true ? '1' : '0')).join('');
      let variant = variants.get(key);
      if (variant === undefined) {
        if (variants.size === mostVariants) {
          variants.clear();
          sizeOfVariants.clear();
        }
        variants.set(key, (variant = compileVariant(conditions)));
        sizeOfVariants.add(sizeOfVariant(fetches.length));
      }
      return variant;
    },
    partsFor: (options) => {
      if (deferring === undefined) return undefined;
      const { conditions, variables, repeatsFields } = options;
      const isOn = new Set(deferring.filter((name) => isDeferOn(operation, variables, name)));
      const held = conditionNames.filter((name) => conditions[name] === true);
      const key = JSON.stringify([held, [...isOn], repeatsFields]);
      if (variantsInParts.has(key)) return variantsInParts.get(key);
      if (variantsInParts.size === mostVariants) {
        variantsInParts.clear();
        sizeOfVariantsInParts.clear();
      }
      const variant = compileInParts(options, isOn);
      variantsInParts.set(key, variant);
      sizeOfVariantsInParts.add(
        variant === undefined ? 0 : sizeOfVariant(fetches.length) + variant.deferral.bytes,
      );
      return variant;
    },
    outline: (conditions) => {
      const { wanted, waitsFor } = order(conditions);
      return wanted.map((i, k) => ({
        index: i,
        operation: compileSubgraphOperation(fetches[i]!.node, types, operations, tally),
        path: fetches[i]!.path.join('.'),
        waitsFor: waitsFor[k]!,
      }));
    },
  };

  /** The fetches that run under these conditions, and what each waits for. */
  function order(conditions: Conditions): { wanted: number[]; waitsFor: number[][] } {
    const wanted = wantedUnder(conditions);
    return { wanted, waitsFor: startTogether(waitingFetches(wanted)) };
  }

  function wantedUnder(conditions: Conditions): number[] {
    return [...fetches.keys()].filter((i) => holds(fetches[i]!.when, conditions));
  }

  function waitingFetches(wanted: readonly number[]): WaitingFetch[] {
    const indexOf = new Map(wanted.map((i, k) => [i, k]));
    const positionsOf = (some: readonly number[]): number[] =>
      some.flatMap((i) => (indexOf.has(i) ? [indexOf.get(i)!] : []));
    return wanted.map((i): WaitingFetch => {
      const { node, path, before } = fetches[i]!;
      const kind = node.requires === undefined ? 'root' : 'entities';
      return {
        subgraph: node.serviceName,
        kind: node.operationKind === 'mutation' ? 'mutation' : kind,
        path: path.join('.'),
        before: positionsOf(before),
        waitsFor: positionsOf(dependencies[i]!),
      };
    });
  }

  function compileVariant(conditions: Conditions): Variant {
    const { wanted, waitsFor } = order(conditions);
    const schedule = scheduleOf(
      wanted.map((i) => compiled[i]),
      waitsFor,
    );
    let id = 0;
    const nextId = (): number => (++id < idsPerProgram ? id : 0);
    const projection = project({ conditions, nextId, deferral: undefined, size: sizeOfVariants });
    return { schedule, projection };
  }

  function compileInParts(
    { conditions, repeatsFields }: PartsOptions,
    isOn: ReadonlySet<string>,
  ): VariantInParts | undefined {
    const wanted = wantedUnder(conditions);
    const deferral = new Deferral({
      ...{ root, operation, fragments, conditions, dependencies, repeatsFields, fetches: wanted },
      isOn: (name) => isOn.has(name),
      mayNameInterfaces: (fetch) =>
        (subgraphs?.get(fetches[fetch]!.node.serviceName)?.interfaceObjects.size ?? 0) > 0,
    });
    if (deferral.usages.length === 0) return undefined;
    // Objects are not copied from where they were written before: of each place, the deferred parts are noted.
    const nextId = (): number => 0;
    const projection = project({ conditions, nextId, deferral, size: sizeOfVariantsInParts });
    return { schedule: scheduleInParts(wanted, deferral), projection, deferral };
  }

  /** What is sent at once is not delayed for what is sent later: it comes first, and is put together by itself. */
  function scheduleInParts(wanted: readonly number[], deferral: Deferral): VariantInParts['schedule'] {
    const first = wanted.filter((i) => deferral.first.has(i));
    const ordered = [...first, ...wanted.filter((i) => !deferral.first.has(i))];
    const indexOf = new Map(ordered.map((i, k) => [i, k]));
    const indexesOf = (some: Iterable<number>): number[] =>
      [...some].flatMap((i) => (indexOf.has(i) ? [indexOf.get(i)!] : []));
    const together = startTogether(waitingFetches(first));
    const waitsFor = ordered.map((i, k) => together[k] ?? indexesOf(dependencies[i]!));
    const deliveryOf = (index: number): number => ordered.length + 1 + index;
    const deliveries: Delivery[] = [{ kind: 'delivery', usage: undefined }];
    waitsFor.push(indexesOf(first));
    for (const usage of deferral.usages) {
      deliveries.push({ kind: 'delivery', usage });
      const before = usage.parent === undefined ? ordered.length : deliveryOf(usage.parent.index);
      waitsFor.push([before, ...indexesOf(deferral.needsOf(usage))]);
    }
    return scheduleOf<CompiledFetch | Delivery>(
      [...ordered.map((i) => compiled[i]), ...deliveries],
      waitsFor,
    );
  }

  function project(
    given: Pick<ProjectionSource, 'conditions' | 'nextId' | 'deferral' | 'size'>,
  ): ObjectProjection {
    const facts = { schema, types, inaccessibleValues, isInterfaceObject };
    const selections = [{ on: rootType, selectionSet: operation.selectionSet, usage: undefined }];
    return new ObjectProjection({ ...facts, fragments, refusals, ...given }, root, rootType, selections, []);
  }

  function isInterfaceObject(name: string, some: ReadonlySet<number>): boolean {
    return [...some].some(
      (i) => subgraphs?.get(fetches[i]!.node.serviceName)?.interfaceObjects.has(name) === true,
    );
  }

  /** Returns a function that finishes it once the response is laid out; undefined for a fetch without objects. */
  function prepareFetch(
    { node, path, when, before }: OrderedFetch,
    index: number,
  ): (() => CompiledFetch) | undefined {
    const { requires, inputRewrites, contextRewrites, typeKeys } = node;
    const operation = compileSubgraphOperation(node, types, operations, tally);
    // Fetches with the same key join the same answer to a record. A fetch at a root type has a key of its own.
    const key =
      requires === undefined
        ? `${index}`
        : JSON.stringify([operation.number, requires, inputRewrites, contextRewrites]);
    const position = positionAt(root, path);
    // No fetch answers the objects that this fetch would extend.
    if (position === undefined) return undefined;
    position.addJoining(key, operation.result);
    position.addAnswer(index, operation.result, when);
    return () => {
      const facts = { index, operation, walk: compileWalk(root, path), join: position.joinWord(key) };
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
        contexts: contextRewrites && compileContexts(contextRewrites, root, path),
      };
    };
  }
}

/** @param waitsFor for each fetch, the indexes of the fetches that it waits for; without cycles */
export function scheduleOf<Step = CompiledFetch>(
  fetches: Schedule<Step>['fetches'],
  waitsFor: readonly (readonly number[])[],
): Schedule<Step> {
  const waiting = fetches.map((_, i) => [...fetches.keys()].filter((k) => waitsFor[k]!.includes(i)));
  return { fetches, waiting, counts: waitsFor.map(({ length }) => length) };
}

function operationOf({ definitions }: DocumentNode, name: string | undefined): OperationDefinitionNode {
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    if (name !== undefined && definition.name?.value !== name) continue;
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

/** Most variants kept per operation. Clients that vary many conditions pay for compiling them again. */
const mostVariants = 64;
