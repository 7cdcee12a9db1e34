/**
 * Wraps Apollo's query planner (licence: Elastic-2.0), so that another planner can replace it. Runs in worker threads;
 * loading it into the main thread costs memory and start-up time.
 */
import {
  isCompositeType,
  operationFromDocument,
  printSchema,
  type Schema,
  Supergraph,
} from '@apollo/federation-internals';
import {
  prettyFormatQueryPlan,
  type QueryPlan as ApolloQueryPlan,
  QueryPlanner,
} from '@apollo/query-planner';
import { buildSchema, type DocumentNode, type GraphQLSchema, Kind, parse } from 'graphql';
import { type QueryPlan } from '../execution/compile/plan';
import { type CostDirectives, readCostDirectives } from './cost-directives';
import { mendsOf } from './defects';
import { withOneOfDeclared } from './defects/undeclared-one-of';
import { type EntityFacts, entityFactsOf } from './entity-facts';
import { type EventFieldProblem, type EventFields, eventsSubgraph, withEventFields } from './event-fields';
import { incrementalDirectives, withoutIncrementalDirectives } from './incremental-delivery';
import { type PlanningFailure, PlanningError } from './planning-error';
import { type DirectiveNames, type Protections, protectionsOf } from './protections';

export type { QueryPlan };

export interface QueryPlannerOptions {
  readonly supergraphSdl: string;
  /**
   * Most ways to reach one selection; an operation that needs more is refused. Fields that several subgraphs share
   * multiply the ways with every level.
   *
   * @default 5000
   */
  readonly pathsLimit?: number | undefined;
  /**
   * Most whole plans that are compared; the best of them is taken. Comparing a plan takes about 0.3 ms, so many more
   * would end at the deadline without a plan.
   *
   * @default 1000
   */
  readonly maxEvaluatedPlans?: number | undefined;
  /** Subscription fields whose source is events. @default none */
  readonly eventFields?: EventFields | undefined;
}

/** The facts about a supergraph after its query graph is built. */
export interface SupergraphFacts {
  /** The API schema, in parts of a few definitions each, so that a large one need not be parsed at once. */
  readonly apiSchemaSdl: readonly string[];
  /**
   * The object types, interfaces and unions of the supergraph, without their fields, as a schema; undefined where the
   * API schema has them all.
   */
  readonly answerTypesSdl: string | undefined;
  /** The `@inaccessible` values of enums that clients see, by the enum's name. */
  readonly inaccessibleValues: ReadonlyMap<string, readonly string[]>;
  readonly subgraphs: readonly { readonly name: string; readonly url: string }[];
  /** The labels of progressive `@override`s. */
  readonly overrideLabels: readonly string[];
  readonly protections: Protections;
  /** Undefined for a supergraph without cost directives. */
  readonly costs: CostDirectives | undefined;
  readonly entities: EntityFacts;
  /** What `eventFields` names, and the supergraph does not have. */
  readonly eventFieldProblems: readonly EventFieldProblem[];
}

/** Builds the query graph of a supergraph. Throws an `Error` with the reason if it refuses the supergraph. */
export function buildQueryPlanner(options: QueryPlannerOptions): {
  readonly supergraph: SupergraphFacts;
  /** Plans a valid operation. Throws a `PlanningError`. */
  readonly plan: (
    document: string,
    operationName: string | undefined,
    overrideLabels: readonly string[],
  ) => QueryPlan;
} {
  const { supergraphSdl, pathsLimit = 5000, maxEvaluatedPlans = 1000, eventFields = {} } = options;
  const original = withOneOfDeclared(parse(supergraphSdl, { noLocation: true }));
  if (!isSupergraph(original)) {
    throw new Error('This is not a supergraph: it has no `join__Graph` that lists its subgraphs.');
  }
  const entities = entityFactsOf(original);
  const { supergraph: document, problems } = withEventFields(original, eventFields);
  const { supergraph: plannable, hasStandIns, mend } = mendsOf(document, entities);
  // Stand-ins leave unused `@external` fields, which validation refuses; the original supergraph is validated below.
  const supergraph = Supergraph.build(plannable, { supportedFeatures, validateSupergraph: !hasStandIns });
  const apiSchema = supergraph.apiSchema();
  const clients = hasStandIns ? Supergraph.build(document, { supportedFeatures }).apiSchema() : apiSchema;
  const apiSchemaSdl = `${printSchema(clients)}\n${incrementalDirectives}`;
  const planner = new QueryPlanner(supergraph, {
    // Subgraph requests are smallest, and planned fastest, with fragments expanded: reusing the client's adds a
    // definition and a spread for what is often shorter, and generating them does so for every entity fetch.
    reuseQueryFragments: false,
    generateQueryFragments: false,
    debug: { pathsLimit, maxEvaluatedPlans },
  });

  let clientSchema: GraphQLSchema | undefined;

  return {
    supergraph: {
      apiSchemaSdl: inParts(apiSchemaSdl),
      answerTypesSdl: answerTypesSdl(supergraph.schema, apiSchema),
      inaccessibleValues: inaccessibleValuesOf(supergraph.schema, apiSchema),
      subgraphs: supergraph
        .subgraphsMetadata()
        .flatMap(({ name, url }) => (name === eventsSubgraph ? [] : [{ name, url }])),
      overrideLabels: overrideLabelsOf(supergraph),
      protections: protectionsOf(document, directiveNamesOf(supergraph)),
      costs: readCostDirectives(document),
      entities,
      eventFieldProblems: problems,
    },
    plan(document, operationName, overrideLabels) {
      const overrideConditions = new Map(overrideLabels.map((label) => [label, true]));
      const plan = mend(
        (ast, name) => {
          const operation = operationFromDocument(
            apiSchema,
            ast,
            name === undefined ? {} : { operationName: name },
          );
          return planner.buildQueryPlan(operation, { overrideConditions });
        },
        () => (clientSchema ??= buildSchema(apiSchemaSdl, { assumeValidSDL: true })),
      );
      try {
        const parsed = parse(document, { noLocation: true });
        return plan(withoutIncrementalDirectives(parsed), operationName);
      } catch (error) {
        throw new PlanningError(failureOf(error), error);
      }
    },
  };
}

/** A plan as text, for people. */
export const formatQueryPlan = (plan: QueryPlan): string =>
  prettyFormatQueryPlan(plan satisfies OfKnownKind as Parameters<typeof prettyFormatQueryPlan>[0]);

/** A plan of Apollo's node kinds: its formatter prints only the name of any other kind. */
interface OfKnownKind {
  readonly node?: { readonly kind: NonNullable<ApolloQueryPlan['node']>['kind'] } | undefined;
}

/**
 * The supported features (`@link`s for execution or security). A feature is listed once Weir implements it. A
 * supergraph that uses another is refused.
 */
const supportedFeatures = new Set([
  'https://specs.apollo.dev/core/v0.1',
  'https://specs.apollo.dev/core/v0.2',
  'https://specs.apollo.dev/join/v0.1',
  'https://specs.apollo.dev/join/v0.2',
  'https://specs.apollo.dev/join/v0.3',
  'https://specs.apollo.dev/join/v0.4',
  'https://specs.apollo.dev/join/v0.5',
  'https://specs.apollo.dev/tag/v0.1',
  'https://specs.apollo.dev/tag/v0.2',
  'https://specs.apollo.dev/tag/v0.3',
  'https://specs.apollo.dev/inaccessible/v0.1',
  'https://specs.apollo.dev/inaccessible/v0.2',
  'https://specs.apollo.dev/context/v0.1',
  'https://specs.apollo.dev/authenticated/v0.1',
  'https://specs.apollo.dev/requiresScopes/v0.1',
  'https://specs.apollo.dev/policy/v0.1',
  'https://specs.apollo.dev/cost/v0.1',
  'https://specs.apollo.dev/cacheTag/v0.1',
]);

const isSupergraph = ({ definitions }: DocumentNode): boolean =>
  definitions.some(
    (definition) => definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph',
  );

/** Characters of a part, which are parsed within a few milliseconds. */
const usualPart = 8192;

function inParts(sdl: string): string[] {
  const parts = [];
  let start = 0;
  for (const { loc } of parse(sdl).definitions) {
    if (loc!.end - start < usualPart) continue;
    parts.push(sdl.slice(start, loc!.end));
    start = loc!.end;
  }
  const rest = sdl.slice(start);
  return rest.trim() === '' ? parts : [...parts, rest];
}

function answerTypesSdl(schema: Schema, apiSchema: Schema): string | undefined {
  const types = schema.types().filter(isCompositeType);
  if (types.every(({ name }) => apiSchema.type(name) !== undefined)) return undefined;
  return types
    .map((type) => {
      if (type.kind === 'UnionType') return `union ${type.name} = ${type.types().join(' | ')}`;
      const interfaces = type.interfaces().join(' & ');
      const keyword = type.kind === 'ObjectType' ? 'type' : 'interface';
      return `${keyword} ${type.name}${interfaces && ` implements ${interfaces}`} { _: Boolean }`;
    })
    .join('\n');
}

function inaccessibleValuesOf(schema: Schema, apiSchema: Schema): Map<string, string[]> {
  const visible = new Map(apiSchema.enumTypes().map((type) => [type.name, new Set(namesOf(type.values))]));
  const inaccessible = new Map<string, string[]>();
  for (const type of schema.enumTypes()) {
    const ofClients = visible.get(type.name);
    const others = namesOf(type.values).filter((name) => ofClients?.has(name) === false);
    if (others.length > 0) inaccessible.set(type.name, others);
  }
  return inaccessible;
}

const namesOf = (named: readonly { readonly name: string }[]): string[] => named.map(({ name }) => name);

function overrideLabelsOf(supergraph: Supergraph): string[] {
  const labels = new Set<string>();
  for (const application of supergraph.schema.directive('join__field')?.applications() ?? []) {
    const label: unknown = application.arguments()['overrideLabel'];
    if (typeof label === 'string') labels.add(label);
  }
  return [...labels];
}

function directiveNamesOf({ schema }: Supergraph): DirectiveNames {
  const nameOf = (name: string): string | undefined =>
    schema.coreFeatures?.getByIdentity(`https://specs.apollo.dev/${name}`)?.directiveNameInSchema(name);
  return {
    authenticated: nameOf('authenticated'),
    requiresScopes: nameOf('requiresScopes'),
    policy: nameOf('policy'),
    context: nameOf('context'),
    inaccessible: nameOf('inaccessible'),
  };
}

/** The planner reports exceeded limits only by message; any other error is a failure of the planner. */
function failureOf(error: unknown): PlanningFailure {
  const text = error instanceof Error ? error.message : '';
  const guards =
    /^Too many options generated|^Exceeded maximum recursive selections|^Number of non-local selections|^Maximum call stack/;
  return guards.test(text) ? 'too-complex' : 'failed';
}
