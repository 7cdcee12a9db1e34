/** Graphs of random sources, and who answers them: one schema that reads the data directly, and Weir's engine. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildSchema, execute as executeMerged, GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { noStore } from '../../gateway/cache/policy';
import { compileOperation, execute } from '../../gateway/execution';
import { type QueryPlan } from '../../gateway/execution/compile/plan';
import { type EntityFacts } from '../../gateway/planning';
import {
  compose,
  routeBySubgraph,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
} from '../../gateway/subgraph-calls/contract/transport';
import { openSource } from '../../gateway/subgraph-calls/sources/open-source';
import { composeSupergraph } from '../../schema/composition/compose';
import { overlaidDocument } from '../../schema/composition/sources/overlaid-document';
import { sourcesOf } from '../../schema/supergraph/sources/sources-of';
import { callerOf } from '../support/caller';
import { buildQueryPlanner } from '../support/own-planner';
import { type RandomOperation } from '../support/random-operation';
import { answerRest, openApiDocument } from '../support/random-sources/rest';
import { type AnswerGraphql, federationSdl, graphqlApi, root } from '../support/random-sources/answer';
import { type ApiDraft } from '../support/random-sources/draft';
import { type DrawnGraph } from '../support/random-sources/draw';
import { type Args, type Thing } from '../support/random-sources/world';
import { type Answer, plain } from './systems';

export interface SourcesGraph {
  readonly drawn: DrawnGraph;
  readonly supergraphSdl: string;
  readonly apiSchema: GraphQLSchema;
  readonly answerTypes: GraphQLSchema;
  readonly facts: EntityFacts['subgraphs'];
  plan(operation: Pick<RandomOperation, 'source' | 'operationName'>): QueryPlan;
}

/** The graph of random APIs; the reasons where they do not compose. */
export function composeSources(drawn: DrawnGraph): SourcesGraph | string[] {
  const { supergraphSdl, errors } = composeSupergraph({
    subgraphs: drawn.apis.map((api) => {
      const { name } = api;
      const part = {
        name,
        routingUrl: `http://${name}.test/`,
        sdl: federationSdl(api),
        file: `${name}.graphql`,
      };
      if (api.kind === 'federation' || api.overlaySdl === '') return part;
      const overlay = { text: api.overlaySdl, file: `${name}.join.graphql` };
      const isRest = api.kind === 'rest';
      const sdl = isRest ? JSON.stringify(openApiDocument(api)) : api.sdl;
      return {
        ...part,
        document: overlaidDocument(name, { ...part, sdl }, overlay, isRest ? 'openapi' : 'sdl'),
      };
    }),
  });
  if (errors) return errors.map(({ message }) => message);
  const { supergraph, plan } = buildQueryPlanner({ supergraphSdl });
  const apiSchema = buildSchema(supergraph.apiSchemaSdl.join(''));
  const plans = new Map<string, QueryPlan>();
  return {
    ...{ drawn, supergraphSdl, apiSchema, facts: supergraph.entities.subgraphs },
    answerTypes: supergraph.answerTypesSdl === undefined ? apiSchema : buildSchema(supergraph.answerTypesSdl),
    plan({ source, operationName }) {
      let known = plans.get(source);
      if (!known) plans.set(source, (known = plan(source, operationName, [])));
      return known;
    },
  };
}

/** Coordinates that an overlay defines and that the composed graph lacks. */
export function missingFields({ drawn, apiSchema }: SourcesGraph): string[] {
  return [...drawn.graph.keys()].filter((coordinate) => {
    const [type, field] = coordinate.split('.') as [string, string];
    const found = apiSchema.getType(type);
    return !(found && 'getFields' in found && field in found.getFields());
  });
}

/** Which objects' fields an API has nothing of: calls for them fail, or it answers that it does not know them. */
export interface Fault {
  readonly how: 'fails' | 'unknown';
  readonly isOf: (api: ApiDraft, thing: Thing) => boolean;
}

export interface NaiveAnswer extends Answer {
  /** Paths of fields that are null because their API does not know the entity. */
  readonly unknown: ReadonlySet<string>;
}

/** The oracle: one schema, whose resolvers read the data. */
export async function answerNaively(
  { drawn: { graph, world, isHome, entities, apis }, apiSchema }: SourcesGraph,
  { document, variables, operationName }: RandomOperation,
  fault?: Fault,
): Promise<NaiveAnswer> {
  const unknown = new Set<string>();
  const result = await executeMerged({
    ...{ schema: apiSchema, document, variableValues: variables, operationName, rootValue: root },
    fieldResolver: (thing: Thing, args: Args, _context, { parentType, fieldName, path }) => {
      const {
        api,
        isLookedUp = false,
        isKey = false,
        resolve,
      } = graph.get(`${parentType.name}.${fieldName}`)!;
      const isBroken =
        fault !== undefined &&
        (entities.some((each) => each.name === thing.type && (each.keys.length > 1 || each.isNeeded))
          ? apis.some((each) => fault.isOf(each, thing))
          : !isKey && fault.isOf(api, thing));
      if (isBroken && fault.how === 'fails') throw new GraphQLError(`${thing.id} fails`);
      if (isBroken || (isLookedUp && !world.isKnown(api, thing, isHome(api, thing.type)))) {
        unknown.add(JSON.stringify(pathOf(path)));
        return null;
      }
      return resolve(thing, args);
    },
    typeResolver: ({ type }: Thing) => type,
  });
  return { ...plain(result), unknown };
}

const pathOf = (
  path: { readonly prev: unknown; readonly key: string | number } | undefined,
): (string | number)[] => (path === undefined ? [] : [...pathOf(path.prev as typeof path), path.key]);

/** A call of an API. */
export interface Call {
  readonly api: ApiDraft;
  readonly request: SubgraphRequest;
}

/** Changes what an API answers to a call; a rejection is a call that fails. */
export type Alter = (call: Call, response: SubgraphResponse) => Promise<SubgraphResponse>;

/** Weir's engine, with the executors of sources in front of the APIs. */
export function startSources(graph: SourcesGraph, alter: Alter = async (_call, response) => response) {
  const send = routeBySubgraph(new Map(sourcesSends(graph, alter)));
  return async (operation: RandomOperation): Promise<Answer> => {
    const { document, variables, operationName } = operation;
    const program = compileOperation({
      plan: graph.plan(operation),
      schema: graph.apiSchema,
      supergraphSchema: graph.answerTypes,
      inaccessibleValues: new Map(),
      subgraphs: graph.facts,
      document,
      operationName,
    });
    const errors = { limit: 100_000, maxBytes: 100_000_000 };
    const { body } = await execute(program, { variables, send, caller: callerOf(), errors });
    return plain(JSON.parse(body.toString()) as Parameters<typeof plain>[0]);
  };
}

/** Of each graph of the supergraph, what answers its calls. */
function* sourcesSends({ drawn, supergraphSdl }: SourcesGraph, alter: Alter): Iterable<[string, Send]> {
  const sources = sourcesOf(parse(supergraphSdl));
  for (const api of drawn.apis) {
    const call = callOf(drawn, api, alter);
    const source = sources.get(api.name);
    const own = source && { subgraph: api.name, ...source, policyOf: () => noStore };
    yield [api.name, own === undefined ? call : compose(call, [openSource(own)])];
  }
}

function callOf(drawn: DrawnGraph, api: ApiDraft, alter: Alter): Send {
  const answer: AnswerGraphql | undefined = api.kind === 'rest' ? undefined : graphqlApi(drawn, api);
  return async (request) => {
    const { operation, variables, http } = request;
    await nextTurn();
    const headers = { 'content-type': 'application/json' };
    if (answer === undefined) {
      const { status, body } = answerRest(api, http!.method, http!.path);
      return alter({ api, request }, { status, headers, body: Buffer.from(body) });
    }
    const given = variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Args);
    const result = await answer(operation.document, given, operation.name);
    return alter({ api, request }, { status: 200, headers, body: Buffer.from(JSON.stringify(result)) });
  };
}
