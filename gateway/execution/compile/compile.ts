import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { runAtOnce, type SlicedWork } from '../../../schema/supergraph/sliced-work';
import type { SubgraphOperation } from '../../subgraph-calls/contract/transport';
import type {
  CompiledFetch,
  Delivery,
  OutlinedFetch,
  PartsOptions,
  Program,
  Schedule,
  Variant,
  VariantInParts,
} from '../program';
import { GrowingSize, ProgramSize, sizeOfProgram, sizeOfVariant } from '../size';
import { Combinations } from './combine';
import { FetchCompiler } from './compile-fetches';
import { conditionValues, conditionVariables, type ConditionValues, fragmentsOf, holds } from './conditions';
import { Deferral, deferVariables, isDeferOn } from './defer';
import { Introspection } from './introspection';
import { type QueryPlan } from './plan';
import {
  idsPerProgram,
  type InaccessibleValues,
  ObjectProjection,
  type ProjectionSource,
} from './projection';
import { type FieldRefusals } from './refusals';
import { startTogether, type WaitingFetch } from './start-together';
import { Variants } from './variants';

export interface CompileOptions {
  readonly plan: QueryPlan;
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
  readonly refusals?: FieldRefusals | undefined;
  /** Counts its fetches. @default undefined: they are not counted */
  readonly tally?: SubgraphOperation['tally'];
  /** Called when the program takes more memory than before. */
  readonly onGrowth?: (() => void) | undefined;
}

/** Throws a `GraphQLError` with the code `UNSUPPORTED_OPERATION` for features that the engine lacks. */
export const compileOperation = (options: CompileOptions): Program => runAtOnce(compileInSlices(options));

export function* compileInSlices(options: CompileOptions): SlicedWork<Program> {
  const { plan, supergraphSchema, document, operationName, tally } = options;
  const clientName = operationOf(document, operationName).name?.value;
  const fetches = new FetchCompiler(plan, supergraphSchema, { clientName, tally });
  yield* fetches.compile();
  return new ProgramCompiler(options, fetches, plan.node?.kind === 'Subscription').program();
}

/** Makes the program of compiled fetches. Variants are compiled when they are needed. */
class ProgramCompiler {
  readonly #options: CompileOptions;
  readonly #fetches: FetchCompiler;
  readonly #isSubscription: boolean;
  readonly #operation: OperationDefinitionNode;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #dependencies: readonly (readonly number[])[];
  readonly #conditionNames: readonly string[];
  /** The variables that decide whether fragments are deferred; undefined without `@defer`. */
  readonly #deferring: readonly string[] | undefined;
  readonly #size: ProgramSize;
  readonly #variants: Variants<Variant>;
  /** Null where nothing is deferred under these conditions. */
  readonly #variantsInParts: Variants<VariantInParts | null>;

  constructor(options: CompileOptions, fetches: FetchCompiler, isSubscription: boolean) {
    const { document, onGrowth = () => undefined, operationName } = options;
    this.#options = options;
    this.#fetches = fetches;
    this.#isSubscription = isSubscription;
    this.#operation = operationOf(document, operationName);
    this.#fragments = fragmentsOf(document);
    this.#dependencies = fetches.dependencies();
    this.#conditionNames = conditionVariables(document, fetches.fetches);
    this.#deferring = deferVariables(document);
    this.#size = new ProgramSize(
      sizeOfProgram(document, fetches.root, fetches.operations.values()),
      onGrowth,
    );
    this.#variants = new Variants(this.#size);
    this.#variantsInParts = new Variants(this.#size);
  }

  program(): Program {
    const { refusals, schema } = this.#options;
    const { fetches, largestRecord, operations, rootShape, types } = this.#fetches;
    const [operation, fragments, size] = [this.#operation, this.#fragments, this.#size];
    const visibleSchema = (): GraphQLSchema => refusals?.visibleSchema ?? schema;
    return {
      ...{ rootShape, largestRecord, size },
      isExclusive: fetches.some(({ node }) => node.contextRewrites !== undefined),
      dependencies: this.#dependencies,
      introspection: new Introspection(visibleSchema, operation, fragments, new GrowingSize(size)),
      combinations: new Combinations(types, this.#fetches.sharedSubgraphs(), new GrowingSize(size)),
      subgraphs: [...new Set(fetches.map(({ node }) => node.serviceName))],
      source: this.#isSubscription ? [...operations.values()][0] : undefined,
      usualBytes: 0,
      conditionsOf: (variables) => conditionValues(operation, this.#conditionNames, variables),
      variantFor: (conditions) => this.#variantFor(conditions),
      partsFor: (given) => this.#partsFor(given),
      outline: (conditions) => this.#outline(conditions),
    };
  }

  #variantFor(conditions: ConditionValues): Variant {
    const key = this.#conditionNames.map((name) => (conditions[name] === true ? '1' : '0')).join('');
    const known = this.#variants.get(key);
    if (known !== undefined) return known;
    const size = this.#variants.makeRoom();
    const { compiled, fetches } = this.#fetches;
    const { wanted, waitsFor } = this.#order(conditions);
    const schedule = scheduleOf(
      wanted.map((i) => compiled[i]),
      waitsFor,
    );
    let id = 0;
    const nextId = (): number => (++id < idsPerProgram ? id : 0);
    const projection = this.#project({ conditions, nextId, deferral: undefined, size });
    return this.#variants.keep(key, { schedule, projection }, sizeOfVariant(fetches.length));
  }

  #partsFor(given: PartsOptions): VariantInParts | undefined {
    if (this.#deferring === undefined) return undefined;
    const { conditions, variables, repeatsFields } = given;
    const isOn = new Set(this.#deferring.filter((name) => isDeferOn(this.#operation, variables, name)));
    const held = this.#conditionNames.filter((name) => conditions[name] === true);
    const key = JSON.stringify([held, [...isOn], repeatsFields]);
    const known = this.#variantsInParts.get(key);
    if (known !== undefined) return known ?? undefined;
    const made = this.#compileInParts(given, isOn, this.#variantsInParts.makeRoom());
    const { length } = this.#fetches.fetches;
    const bytes = made === undefined ? 0 : sizeOfVariant(length) + made.deferral.bytes;
    return this.#variantsInParts.keep(key, made ?? null, bytes) ?? undefined;
  }

  #compileInParts(
    { conditions, repeatsFields }: PartsOptions,
    isOn: ReadonlySet<string>,
    size: GrowingSize,
  ): VariantInParts | undefined {
    const wanted = this.#wantedUnder(conditions);
    const { fetches, root } = this.#fetches;
    const { subgraphs } = this.#options;
    const deferral = new Deferral({
      ...{ root, conditions, repeatsFields, fetches: wanted },
      operation: this.#operation,
      fragments: this.#fragments,
      dependencies: this.#dependencies,
      isOn: (name) => isOn.has(name),
      mayNameInterfaces: (fetch) =>
        (subgraphs?.get(fetches[fetch]!.node.serviceName)?.interfaceObjects.size ?? 0) > 0,
    });
    if (deferral.usages.length === 0) return undefined;
    // Objects are not copied from where they were written before: at each position, the deferred parts are noted.
    const projection = this.#project({ conditions, nextId: () => 0, deferral, size });
    return { schedule: this.#scheduleInParts(wanted, deferral), projection, deferral };
  }

  /** What is sent at once is not delayed for what is sent later: it comes first, and is put together by itself. */
  #scheduleInParts(wanted: readonly number[], deferral: Deferral): VariantInParts['schedule'] {
    const first = wanted.filter((i) => deferral.first.has(i));
    const ordered = [...first, ...wanted.filter((i) => !deferral.first.has(i))];
    const indexOf = new Map(ordered.map((i, k) => [i, k]));
    const indexesOf = (some: Iterable<number>): number[] =>
      [...some].flatMap((i) => (indexOf.has(i) ? [indexOf.get(i)!] : []));
    const together = startTogether(this.#waitingFetches(first));
    const waitsFor = ordered.map((i, k) => together[k] ?? indexesOf(this.#dependencies[i]!));
    const deliveryOf = (index: number): number => ordered.length + 1 + index;
    const deliveries: Delivery[] = [{ kind: 'delivery', usage: undefined }];
    waitsFor.push(indexesOf(first));
    for (const usage of deferral.usages) {
      deliveries.push({ kind: 'delivery', usage });
      const before = usage.parent === undefined ? ordered.length : deliveryOf(usage.parent.index);
      waitsFor.push([before, ...indexesOf(deferral.needsOf(usage))]);
    }
    return scheduleOf<CompiledFetch | Delivery>(
      [...ordered.map((i) => this.#fetches.compiled[i]), ...deliveries],
      waitsFor,
    );
  }

  #outline(conditions: ConditionValues): OutlinedFetch[] {
    const { wanted, waitsFor } = this.#order(conditions);
    return wanted.map((index, k) => {
      const fetch = this.#fetches.fetches[index]!;
      const operation = this.#fetches.operationOf(fetch);
      return { index, operation, path: fetch.path.join('.'), waitsFor: waitsFor[k]! };
    });
  }

  /** The fetches that run under these conditions, and what each waits for. */
  #order(conditions: ConditionValues): { wanted: number[]; waitsFor: number[][] } {
    const wanted = this.#wantedUnder(conditions);
    return { wanted, waitsFor: startTogether(this.#waitingFetches(wanted)) };
  }

  #wantedUnder(conditions: ConditionValues): number[] {
    const { fetches } = this.#fetches;
    return [...fetches.keys()].filter((i) => holds(fetches[i]!.when, conditions));
  }

  #waitingFetches(wanted: readonly number[]): WaitingFetch[] {
    const indexOf = new Map(wanted.map((i, k) => [i, k]));
    const positionsOf = (some: readonly number[]): number[] =>
      some.flatMap((i) => (indexOf.has(i) ? [indexOf.get(i)!] : []));
    return wanted.map((i): WaitingFetch => {
      const { node, path, before } = this.#fetches.fetches[i]!;
      const kind = node.requires === undefined ? 'root' : 'entities';
      return {
        subgraph: node.serviceName,
        kind: node.operationKind === 'mutation' ? 'mutation' : kind,
        path: path.join('.'),
        before: positionsOf(before),
        waitsFor: positionsOf(this.#dependencies[i]!),
      };
    });
  }

  #project(given: Pick<ProjectionSource, 'conditions' | 'nextId' | 'deferral' | 'size'>): ObjectProjection {
    const { inaccessibleValues, refusals, schema, subgraphs } = this.#options;
    const { fetches, root, types } = this.#fetches;
    const rootType = schema.getRootType(this.#operation.operation)!;
    const isInterfaceObject = (name: string, some: ReadonlySet<number>): boolean =>
      [...some].some(
        (i) => subgraphs?.get(fetches[i]!.node.serviceName)?.interfaceObjects.has(name) === true,
      );
    const facts = { schema, types, inaccessibleValues, isInterfaceObject, refusals };
    const fragments = this.#fragments;
    const selections = [{ on: rootType, selectionSet: this.#operation.selectionSet, usage: undefined }];
    return new ObjectProjection({ ...facts, fragments, ...given }, root, rootType, selections, []);
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
