/**
 * The systems that answer the same operation: graphql-js on the merged schema, and Weir's engine. Over 300 lines: they are
 * built of the same parts.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  buildSchema,
  execute as executeMerged,
  isAbstractType,
  parse,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  getNamedType,
  getOperationAST,
  type GraphQLFieldResolver,
  type GraphQLFormattedError,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  OperationTypeNode,
  specifiedRules,
  subscribe,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import {
  compileOperation,
  execute,
  executeEvent,
  executeInParts,
  type Program,
  sourceRequest,
} from '../../gateway/execution';
import { type ErrorOptions } from '../../gateway/execution/complete/error-paths';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { buildQueryPlanner } from '../support/own-planner';
import { type EntityFacts, type Protections } from '../../gateway/planning';
import { type Send } from '../../gateway/subgraph-calls/contract/transport';
import { type FormatError } from '../../gateway/request/answers/format-error';
import { partBody } from '../../gateway/request/answers/part-body';
import { type IncrementalFormat } from '../../gateway/request/sink';
import { type SentPart } from '../support/merge-parts';
import { fastValidate } from '../support/fast-validate';
import { recall } from '../support/kept-composition';
import { hashOf } from '../support/random-source';
import { type RandomOperation } from '../support/random-operation';
import {
  type RandomWorld,
  reachedFrom,
  type SubgraphSource,
  type WorldObject,
  type WorldRun,
} from '../support/random-world';
import { callerOf } from '../support/caller';
import { fieldsNotResolved } from './not-resolved';

/** What a client gets. */
export interface Answer {
  readonly data: unknown;
  readonly errors: readonly GraphQLFormattedError[];
}

/** A federated graph over a world of data. */
export interface Graph {
  readonly subgraphs: readonly SubgraphSource[];
  readonly supergraphSdl: string;
  readonly world: RandomWorld;
  readonly apiSchema: GraphQLSchema;
  readonly subgraphSchemas: ReadonlyMap<string, GraphQLSchema>;
  /** The types that subgraphs answer with. */
  readonly answerTypes: GraphQLSchema;
  /** The values of enums that subgraphs answer with, but that clients may not see. */
  readonly inaccessibleValues: ReadonlyMap<string, readonly string[]>;
  /** What is known of each subgraph. */
  readonly facts: EntityFacts['subgraphs'];
  readonly protections: Protections;
  /** By subgraph, the coordinates of fields that another one resolves in its place. */
  readonly overridden: ReadonlyMap<string, ReadonlySet<string>>;
  /** Plans a valid operation, once. */
  plan(operation: Pick<RandomOperation, 'source' | 'operationName'>): QueryPlan;
}

/**
 * The graph of the subgraphs over a world; the reasons when they do not compose.
 *
 * @param isKept whether the composition is kept on disk for the next time
 */
export function composeGraph(
  subgraphs: readonly SubgraphSource[],
  world: RandomWorld,
  isKept = false,
): Graph | string[] {
  let composed = compositions.get(subgraphs);
  if (!composed) compositions.set(subgraphs, (composed = compose(subgraphs, isKept)));
  if (Array.isArray(composed)) return composed;
  return {
    ...composed,
    subgraphs,
    world,
    subgraphSchemas: new Map(subgraphs.map((subgraph) => [subgraph.name, subgraphSchema(subgraph, world)])),
  };
}

/** Other worlds behind the same subgraphs are planned for in the same way. */
const compositions = new WeakMap<readonly SubgraphSource[], Composition | string[]>();

type Composition = Omit<Graph, 'subgraphs' | 'world' | 'subgraphSchemas'>;

function compose(subgraphs: readonly SubgraphSource[], isKept: boolean): Composition | string[] {
  const outcome = isKept
    ? recall(subgraphs, () => JSON.stringify(composeSubgraphs(subgraphs)))
    : JSON.stringify(composeSubgraphs(subgraphs));
  const { supergraphSdl, errors } = JSON.parse(outcome) as ReturnType<typeof composeSubgraphs>;
  if (supergraphSdl === undefined) return errors ?? [];
  const { supergraph, plan } = buildQueryPlanner({ supergraphSdl });
  const apiSchema = buildSchema(supergraph.apiSchemaSdl.join(''));
  const { answerTypesSdl, inaccessibleValues } = supergraph;
  // Every other progressive override is on.
  const labels = supergraph.overrideLabels.filter((_, i) => i % 2 === 0);
  const plans = new Map<string, QueryPlan>();
  return {
    supergraphSdl,
    apiSchema,
    protections: supergraph.protections,
    overridden: overriddenFields(subgraphs, labels),
    inaccessibleValues,
    facts: supergraph.entities.subgraphs,
    answerTypes: answerTypesSdl === undefined ? apiSchema : buildSchema(answerTypesSdl),
    plan({ source, operationName }) {
      let known = plans.get(source);
      if (!known) plans.set(source, (known = plan(source, operationName, labels)));
      return known;
    },
  };
}

function composeSubgraphs(subgraphs: readonly SubgraphSource[]): {
  readonly supergraphSdl?: string;
  readonly errors?: string[];
} {
  const { supergraphSdl, errors } = composeServices(
    subgraphs.map(({ name, typeDefs }) => ({
      name,
      typeDefs: parse(typeDefs),
      url: `http://${name}.test/graphql`,
    })),
  );
  return errors ? { errors: errors.map(({ message }) => message) } : { supergraphSdl };
}

/** @param labels the progressive overrides that are on */
function overriddenFields(
  subgraphs: readonly SubgraphSource[],
  labels: readonly string[],
): Map<string, Set<string>> {
  const overridden = new Map<string, Set<string>>();
  for (const { name, typeDefs } of subgraphs)
    visit(parse(typeDefs, { noLocation: true }), {
      ObjectTypeDefinition({ name: { value: type }, fields = [] }) {
        for (const field of fields)
          for (const { name: directive, arguments: given = [] } of field.directives ?? []) {
            if (directive.value !== 'override') continue;
            const { from, label } = Object.fromEntries(
              given.map(({ name: { value: argument }, value }) => [argument, valueFromASTUntyped(value)]),
            ) as { readonly from: string; readonly label?: string };
            const other = label === undefined || labels.includes(label) ? from : name;
            const fieldsOf = overridden.get(other) ?? new Set();
            overridden.set(other, fieldsOf.add(`${type}.${field.name.value}`));
          }
      },
    });
  return overridden;
}

/** Refuses what somebody may not see, by throwing. */
export interface Guard {
  readonly field: (info: GraphQLResolveInfo) => void;
  readonly object: (type: string) => void;
}

/** The oracle: one schema, one executor, written with the specification. What clients may not see is null to it. */
export async function answerMerged(
  { apiSchema, inaccessibleValues, world }: Graph,
  operation: RandomOperation,
  guard?: Guard,
): Promise<Answer> {
  const { hasContexts } = world;
  const fieldResolver: GraphQLFieldResolver<WorldObject, WorldRun> = (source, args, run, info) => {
    guard?.field(info);
    const value = world.field(source, info.fieldName, args, run);
    const inaccessible = inaccessibleValues.get(getNamedType(info.returnType).name);
    const visible = inaccessible === undefined ? value : withoutValues(value, inaccessible);
    return hasContexts ? reachedFrom(source, visible) : visible;
  };
  const { operation: kind } = getOperationAST(operation.document, operation.operationName)!;
  const rootValue = rootOf(kind, operation.event);
  return plain(
    await (kind === OperationTypeNode.SUBSCRIPTION ? answerEvent : executeMerged)({
      schema: apiSchema,
      document: operation.document,
      variableValues: operation.variables,
      operationName: operation.operationName,
      rootValue,
      contextValue: newRun(),
      fieldResolver,
      typeResolver: (value: WorldObject) => {
        guard?.object(value.type);
        return value.type;
      },
    }),
  );
}

/** What graphql-js tells a subscriber of the event that is the root value. */
async function answerEvent(args: ExecutionArgs): Promise<ExecutionResult> {
  const results = await subscribe({
    ...args,
    subscribeFieldResolver: async function* () {
      yield args.rootValue;
    },
  });
  if (!(Symbol.asyncIterator in results)) return results;
  const { value } = await results.next();
  return value as ExecutionResult;
}

const withoutValues = (value: unknown, inaccessible: readonly string[]): unknown => {
  if (Array.isArray(value)) return value.map((item) => withoutValues(item, inaccessible));
  return inaccessible.includes(value as string) ? null : value;
};

export const newRun = (event?: string): WorldRun => ({ mutations: 0, event });

function rootOf(kind: OperationTypeNode, event: string | undefined): WorldObject {
  switch (kind) {
    case OperationTypeNode.QUERY:
      return { type: 'Query', id: 'Query' };
    case OperationTypeNode.MUTATION:
      return { type: 'Mutation', id: 'Mutation' };
    case OperationTypeNode.SUBSCRIPTION:
      return { type: 'Subscription', id: event! };
  }
}

/** Objects as a subgraph holds them: with the representation they were asked for by. */
type Held = WorldObject & { readonly representation?: Readonly<Record<string, unknown>> };

/** Answers an operation in one subgraph. */
export async function answerSubgraph(
  graph: Graph,
  subgraph: string,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
  run: WorldRun,
  operationName?: string,
): Promise<ExecutionResult> {
  const { world } = graph;
  const definition = getOperationAST(document)!;
  return executeMerged({
    schema: graph.subgraphSchemas.get(subgraph)!,
    document,
    variableValues: variables,
    operationName,
    rootValue: rootOf(definition.operation, run.event),
    contextValue: run,
    fieldResolver: (source: Held, args: Record<string, unknown>, context: WorldRun, info) => {
      const required = world.requiredOf(
        subgraph,
        info.parentType.name,
        info.fieldName,
        source.representation,
      );
      if (required === 'incomplete' || required === 'not asked')
        throw new Error(`${subgraph} is not sent what ${info.parentType.name}.${info.fieldName} requires`);
      return world.field(source, info.fieldName, args, context, required);
    },
    typeResolver: (value: WorldObject) => world.typeNameIn(subgraph, value),
  });
}

function subgraphSchema({ name, typeDefs }: SubgraphSource, world: RandomWorld): GraphQLSchema {
  const schema = buildSubgraphSchema({ typeDefs: parse(typeDefs) });
  for (const type of Object.values(schema.getTypeMap()))
    if (isAbstractType(type)) type.resolveType = undefined;
  const entities = schema.getQueryType()?.getFields()['_entities'];
  if (entities)
    entities.resolve = (
      _root,
      { representations }: { representations: Record<string, unknown>[] },
      run: WorldRun,
    ) =>
      representations.map((representation) => {
        const entity = world.find(name, representation, run);
        if (!entity) return new Error(`Subgraph "${name}" does not know ${JSON.stringify(representation)}`);
        return world.isMissing(name, entity) ? null : { ...entity, representation };
      });
  return schema;
}

/** A gateway in front of the subgraphs. */
export interface System {
  answer(operation: RandomOperation): Promise<Answer>;
}

export interface EngineOptions {
  /** How an operation becomes a program. @default planned and compiled as it is */
  readonly compile?: ((operation: RandomOperation) => Promise<Program>) | undefined;
  /** Is told what each subgraph is asked. */
  readonly onCall?:
    | ((subgraph: string, document: DocumentNode, variables: Readonly<Record<string, unknown>>) => void)
    | undefined;
  /** Changes what a subgraph answers; a rejection is a call that fails. @default nothing is changed */
  readonly alter?: ((subgraph: string, result: ExecutionResult) => Promise<ExecutionResult>) | undefined;
  /** @default none is left out: graphql-js has no limit */
  readonly errors?: ErrorOptions | undefined;
}

const allErrors: ErrorOptions = { limit: 100_000, maxBytes: 100_000_000 };

const none: ReadonlySet<string> = new Set();

/** What subgraphs were asked, by their schemas: each engine of a graph asks the same. */
const validDocuments = new WeakMap<GraphQLSchema, Map<string, DocumentNode>>();

function validDocument(graph: Graph, subgraph: string, text: string): DocumentNode {
  const schema = graph.subgraphSchemas.get(subgraph)!;
  let known = validDocuments.get(schema);
  if (!known) validDocuments.set(schema, (known = new Map()));
  let document = known.get(text);
  if (!document) {
    document = parse(text, { noLocation: true });
    const invalid = fastValidate(schema, document, specifiedRules);
    if (invalid.length > 0) throw new Error(`${invalid.map(({ message }) => message).join()}\n${text}`);
    const others = fieldsNotResolved(schema, document, graph.overridden.get(subgraph) ?? none);
    if (others.length > 0) throw new Error(`${subgraph} does not resolve ${others.join(', ')}\n${text}`);
    known.set(text, document);
  }
  return document;
}

/** Weir's engine with its planner, in this thread. */
export function startEngine(graph: Graph, options: EngineOptions = {}): System {
  return {
    async answer(operation) {
      const { program, ...asking } = await prepare(graph, operation, options);
      const opening = sourceRequest(program, asking.variables);
      const { body } =
        opening === undefined
          ? await execute(program, asking)
          : await executeEvent(program, await asking.send({ ...opening, caller: asking.caller }), asking);
      return plain(JSON.parse(body.toString()) as ExecutionResult);
    },
  };
}

/** The parts in which the engine answers an operation. */
export async function answerInParts(
  graph: Graph,
  operation: RandomOperation,
  format: IncrementalFormat,
  options: EngineOptions = {},
): Promise<SentPart[]> {
  const { program, ...asking } = await prepare(graph, operation, options);
  const answer = await executeInParts(program, { ...asking, repeatsFields: format === '20220824' });
  if (!('next' in answer)) return [JSON.parse(answer.body.toString())];
  const formatError: FormatError = (formatted) => formatted;
  const parts: SentPart[] = [];
  for (let part = await answer.next(); part !== undefined; part = await answer.next()) {
    const body = partBody(part, { format, formatError, request: { noteError: () => {} } });
    parts.push(JSON.parse(body.toString()));
  }
  return parts;
}

async function prepare(
  graph: Graph,
  operation: RandomOperation,
  { compile, onCall, alter = async (_, result) => result, errors = allErrors }: EngineOptions,
) {
  const { document, variables, operationName } = operation;
  const program =
    (await compile?.(operation)) ??
    compileOperation({
      plan: graph.plan(operation),
      operationName,
      schema: graph.apiSchema,
      supergraphSchema: graph.answerTypes,
      inaccessibleValues: graph.inaccessibleValues,
      subgraphs: graph.facts,
      document,
    });
  const run = newRun(operation.event);
  const send: Send = async ({ operation, variables: bytes }) => {
    const text = operation.document;
    const parsed = validDocument(graph, operation.subgraph, text);
    const given = bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as Record<string, unknown>);
    onCall?.(operation.subgraph, parsed, given);
    // Subgraphs answer in an order of their own.
    for (let turns = hashOf(`${text}${bytes.length}`) % 5; turns > 0; turns--) await nextTurn();
    const answered = await answerSubgraph(graph, operation.subgraph, parsed, given, run, operation.name);
    const result = await alter(operation.subgraph, answered);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: written(result, text) };
  };
  return { program, variables, send, caller: callerOf(), errors };
}

/**
 * JSON as services write it: some with white space, some with all of Unicode escaped, errors first or last, keys in an
 * order of their own, things that nobody asked for.
 */
function written({ data, errors }: ExecutionResult, text: string): Buffer {
  const style = hashOf(text);
  const answered = style % 7 === 0 ? disordered(data) : data;
  const ordered =
    style % 3 === 0 ? { extensions: { cost: [1] }, errors, data: answered } : { data: answered, errors };
  let json = JSON.stringify(ordered, undefined, style % 5 === 0 ? 2 : 0);
  if (style % 4 === 0)
    json = json.replace(
      /[^\0-\x7f]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return Buffer.from(json);
}

/** Where keys have an order of their own: in all objects but those of custom scalars, which have no type. */
function disordered(value: unknown, isRoot = true): unknown {
  if (Array.isArray(value)) return value.map((item) => disordered(item, false));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, disordered(item, false)] as const);
  if (!isRoot && !('__typename' in value)) return Object.fromEntries(entries);
  return Object.fromEntries([['unasked', { type: [null] }], ...entries.reverse()]);
}

/** As it looks after having been JSON. */
export function plain(result: ExecutionResult): Answer {
  const { data, errors } = JSON.parse(JSON.stringify(result)) as {
    data?: unknown;
    errors?: GraphQLFormattedError[];
  };
  return { data: data ?? null, errors: errors ?? [] };
}

export const describeGraph = ({ subgraphs }: Pick<Graph, 'subgraphs'>): string =>
  subgraphs.map(({ name, typeDefs }) => `# --- subgraph ${name}\n${typeDefs}`).join('\n\n');
