/** A graph for tests: composed from SDL, planned by the real planner, its subgraphs answered in the process. */
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  buildSchema,
  execute as executeOperation,
  type GraphQLFormattedError,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  parse,
} from 'graphql';
import {
  compileOperation,
  execute,
  executeInParts,
  type Execution,
  type NullObserver,
  type Program,
  type FieldRefusals,
} from '../../../../gateway/execution';
import type { ErrorOptions } from '../../../../gateway/execution/complete/error-paths';
import { type QueryPlan } from '../../../../gateway/execution/compile/plan';
import { type EntityFacts } from '../../../../gateway/planning';
import { buildQueryPlanner } from '../../../support/own-planner';
import { type CallCounts } from '../../../../gateway/telemetry/metrics/call-counts';
import { type SubgraphRequest } from '../../../../gateway/subgraph-calls/contract/transport';
import { compose } from '../../../support/compose';
import { callerOf } from '../../../support/caller';

export interface SubgraphFixture {
  readonly sdl: string;
  /** Ordinary resolvers; `__resolveReference` for entities. */
  readonly resolvers?: Record<string, Record<string, unknown>>;
}

export interface SentRequest {
  readonly subgraph: string;
  readonly query: string;
  readonly operationName?: string;
  readonly variables: Record<string, unknown> & { readonly representations?: readonly unknown[] };
}

/** An answer instead of the resolvers': a JSON value, the bytes of a body, a response with a status, or an error. */
export type Answer = (request: SentRequest, answered: () => Promise<unknown>) => unknown;

export interface Outcome {
  readonly data: unknown;
  readonly errors: readonly GraphQLFormattedError[];
  readonly text: string;
  readonly sent: readonly SentRequest[];
  readonly calls: CallCounts;
  readonly execution: Execution;
}

export interface Asking {
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
  readonly answer?: Answer;
  readonly errors?: ErrorOptions;
  readonly nulls?: NullObserver;
  /** Changes the plan before it is compiled. */
  readonly replan?: (plan: QueryPlan) => QueryPlan;
  readonly refusals?: FieldRefusals;
}

export class Graph {
  readonly apiSchema: GraphQLSchema;
  readonly answerTypes: GraphQLSchema;
  readonly #inaccessibleValues: ReadonlyMap<string, readonly string[]>;
  readonly #subgraphs: EntityFacts['subgraphs'];
  readonly #plan: ReturnType<typeof buildQueryPlanner>['plan'];
  readonly #schemas: Map<string, GraphQLSchema>;

  constructor(subgraphs: Record<string, SubgraphFixture>) {
    const sdls = Object.fromEntries(Object.entries(subgraphs).map(([name, { sdl }]) => [name, sdl]));
    const { supergraph, plan } = buildQueryPlanner({ supergraphSdl: compose(sdls) });
    this.apiSchema = buildSchema(supergraph.apiSchemaSdl.join(''));
    const { answerTypesSdl, inaccessibleValues } = supergraph;
    this.#inaccessibleValues = inaccessibleValues;
    this.#subgraphs = supergraph.entities.subgraphs;
    this.answerTypes = answerTypesSdl === undefined ? this.apiSchema : buildSchema(answerTypesSdl);
    this.#plan = plan;
    this.#schemas = new Map(
      Object.entries(subgraphs).map(([name, { sdl, resolvers = {} }]) => [
        name,
        buildSubgraphSchema({ typeDefs: parse(`${federation}\n${sdl}`), resolvers: resolvers as never }),
      ]),
    );
  }

  compile(source: string, { operationName, replan = (plan) => plan, refusals }: Asking = {}): Program {
    return compileOperation({
      plan: replan(this.planOf(source, operationName)),
      refusals,
      schema: this.apiSchema,
      supergraphSchema: this.answerTypes,
      inaccessibleValues: this.#inaccessibleValues,
      subgraphs: this.#subgraphs,
      document: parse(source),
      operationName,
    });
  }

  planOf(source: string, operationName?: string): QueryPlan {
    return structuredClone(this.#plan(source, operationName, []));
  }

  async ask(source: string, asking: Asking = {}): Promise<Outcome> {
    return this.run(this.compile(source, asking), asking);
  }

  async run(program: Program, asking: Asking = {}): Promise<Outcome> {
    const { sent, options } = this.#prepare(asking);
    const execution = await execute(program, options);
    const text = execution.body.toString();
    return { errors: [], ...JSON.parse(text), text, sent, calls: options.caller.calls, execution };
  }

  /** Runs an operation with `@defer`: the parts of its answer, or the whole of it. */
  async runInParts(program: Program, asking: Asking & { readonly repeatsFields?: boolean } = {}) {
    const { repeatsFields = false } = asking;
    const { sent, options } = this.#prepare(asking);
    return { answer: await executeInParts(program, { ...options, repeatsFields }), sent };
  }

  #prepare({ variables, answer, errors, nulls }: Asking) {
    const sent: SentRequest[] = [];
    const send = async (request: SubgraphRequest) => {
      const variablesText = request.variables.length === 0 ? '{}' : request.variables.toString();
      const body = JSON.parse(`${request.operation.bodyPrefix.toString()}${variablesText}}`);
      const asked: SentRequest = { ...body, subgraph: request.operation.subgraph };
      sent.push(asked);
      const answered = async () =>
        executeOperation({
          schema: this.#schemas.get(asked.subgraph)!,
          document: parse(asked.query),
          variableValues: asked.variables,
          operationName: asked.operationName,
          fieldResolver: resolveByKey,
        });
      const given = (await answer?.(asked, answered)) ?? (await answered());
      if (given instanceof Response) {
        return { status: given.status, headers: {}, body: Buffer.from(await given.arrayBuffer()) };
      }
      const bytes = given instanceof Uint8Array ? Buffer.from(given) : Buffer.from(JSON.stringify(given));
      return { status: 200, headers: {}, body: bytes };
    };
    return { sent, options: { variables, send, caller: callerOf(), errors, nulls } };
  }
}

/** Answers of a single subgraph `only` to one operation, as they are written. */
export function answering(body: string | Uint8Array): Answer {
  return () => Buffer.from(body);
}

const resolveByKey: GraphQLFieldResolver<Record<string, unknown>, unknown> = (
  source,
  args,
  context,
  info,
) => {
  const value = (source as typeof source | undefined)?.[info.fieldName];
  return typeof value === 'function' ? value(args, context, info) : value;
};

const federation = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: [
  "@key", "@requires", "@provides", "@external", "@shareable", "@override", "@inaccessible", "@tag", "@interfaceObject"
])`;
