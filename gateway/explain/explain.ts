import { buildSchema, getOperationAST, getVariableValues, GraphQLError, parse, validate } from 'graphql';
import { requestError } from '../errors';
import { compileOperation, mayDefer } from '../execution';
import { outlineCalls, type OutlinedCall } from './outline-calls';
import { outlineParts, type OutlinedPart } from './outline-parts';
import { Protection } from '../auth/directives/protection';
import { explainPlan, type FetchReason, printReasons } from './fetch-reasons';
import { explainSavings, type Savings } from './explain-savings';
import { explainSubscription, type SharedSubscription } from './explain-subscription';
import { eventFieldsOf } from '../events/fed-fields';
import { type Options, parseOptions } from '../options';
import { Planner } from '../planning';
import { printPlan } from './print-plan';
import type * as UpstreamCalls from './upstream-calls';
import { sourceDirective } from '../../schema/supergraph/sources/sources-of';
import { validationRules } from '../request/validation-rules';

export interface ExplanationRequest {
  readonly supergraphSdl: string;
  /** A GraphQL document. */
  readonly query: string;
  /** The name of the operation. Required if the document has several. */
  readonly operationName?: string | undefined;
  /**
   * Checked against the operation if given. The plan does not depend on them, but `@skip` and `@include` do: a missing
   * variable has its default, or is false.
   */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  /** The labels of progressive `@override`s that are on. @default none */
  readonly overrideLabels?: readonly string[] | undefined;
  /** Whether to explain why the plan has each fetch. @default false */
  readonly why?: boolean | undefined;
  /** The options of the gateway. @default the defaults */
  readonly options?: Options | undefined;
}

export interface OperationExplanation extends Savings {
  /** The query plan, as text; with `why` each fetch has its reasons as comments. */
  readonly plan: string;
  /** With `why`: the reasons of each fetch, in the order of the plan. */
  readonly reasons?: readonly FetchReason[] | undefined;
  /** The subgraph calls. Fetches of the plan that share a call are one. */
  readonly calls: readonly OutlinedCall[];
  /**
   * What is sent later to clients that take answers in parts; empty if everything that the operation defers comes with the
   * calls of the rest. Undefined for an operation without `@defer`.
   */
  readonly deferred?: readonly OutlinedPart[] | undefined;
  /** Undefined for a query or a mutation. */
  readonly subscription?: SharedSubscription | undefined;
}

/** How an operation is run, or why it cannot be: a syntax error, an unknown field, a missing variable. */
type Explanation = OperationExplanation | { readonly errors: readonly GraphQLError[] };

/** Plans an operation without running it. Rejects when the supergraph does not build. */
export async function explainOperation(given: ExplanationRequest): Promise<Explanation> {
  const { supergraphSdl, query, operationName, variables, why = false, options = parseOptions({}) } = given;
  const overrideLabels = [...(given.overrideLabels ?? [])].sort();
  const eventFields = eventFieldsOf(options.events.subscriptions);
  const planner = new Planner({ supergraphSdl, eventFields, limits: options.planning });
  const trusted = { assumeValid: true, assumeValidSDL: true };
  try {
    const { apiSchemaSdl, answerTypesSdl, protections, overrideLabels: known } = await planner.ready;
    const unknown = overrideLabels.find((label) => !known.includes(label));
    if (unknown !== undefined) {
      const reason = `No \`@override\` has the label "${unknown}". Labels are: ${known.join(', ') || 'none'}.`;
      return { errors: [requestError('BAD_REQUEST', { reason })] };
    }
    const schema = buildSchema(apiSchemaSdl.join(''), trusted);
    const document = parse(query);
    const invalid = validate(schema, document, validationRules);
    if (invalid.length > 0) return { errors: invalid };
    const operation = getOperationAST(document, operationName);
    if (operation == null) {
      const reason =
        operationName === undefined
          ? 'The document has several operations: name one.'
          : `The document has no operation "${operationName}".`;
      return { errors: [requestError('OPERATION_RESOLUTION_FAILURE', { reason })] };
    }
    if (variables !== undefined) {
      const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
      if (errors !== undefined) return { errors };
    }
    const supergraphSchema = answerTypesSdl === undefined ? schema : buildSchema(answerTypesSdl, trusted);
    const plan = await planner.plan(query, operationName, overrideLabels);
    const program = compileOperation({ plan, schema, supergraphSchema, document, operationName });
    const sources = sourcesIn(supergraphSdl);
    const calls = outlineCalls(program, variables ?? {}, sources);
    const { requirements } = new Protection(protections, schema).ofOperation(document, operation);
    return {
      ...(await describePlan(planner, why, query, operationName, overrideLabels)),
      calls,
      deferred: outlineParts(program, variables ?? {}, mayDefer(document)),
      subscription: explainSubscription(program, options, requirements.size > 0),
      ...explainSavings({ document, operation, schema, calls, options }),
    };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  } finally {
    await planner.close();
  }
}

/** What is known of the sources of a supergraph; undefined where it has none. */
const sourcesIn = (supergraphSdl: string) =>
  supergraphSdl.includes(sourceDirective)
    ? (require('./upstream-calls') as typeof UpstreamCalls).describeSources(supergraphSdl)
    : undefined;

async function describePlan(
  planner: Planner,
  why: boolean,
  ...operation: readonly [query: string, operationName: string | undefined, overrideLabels: readonly string[]]
): Promise<Pick<OperationExplanation, 'plan' | 'reasons'>> {
  if (!why) return { plan: printPlan(await planner.plan(...operation)) };
  const explained = await explainPlan(planner, ...operation);
  return { plan: printReasons(explained), reasons: [...explained.reasons.values()] };
}
