/** The `extensions` of answers in development: subgraph calls, query plan and cache use. */
import type { IncomingRequest } from '../../request/incoming-request';
import { explainPlan, printReasons } from '../../explain/fetch-reasons';
import { outlineCalls } from '../../explain/outline-calls';
import type { AnswerHeaders } from '../../cache/responses/answer-headers';
import type { OperationResult } from '../../cache/responses/response-cache';
import { nullsOf } from '../../cache/responses/stored-nulls';
import type { OperationCost } from '../../limits/cost/operation-cost';
import { printPlan } from '../../explain/print-plan';
import { type PlannedOperation, type Planner } from '../../planning';
import type { Caller } from '../../subgraph-calls/contract/transport';
import { type CountedProgram, Rejection } from '../programs';
import type { OperationOptions, OperationParts } from '../operations/options';
import { showNulls } from './observed-nulls';

/** An operation, its caller, and its result. */
interface OperationOutcome {
  readonly planned: PlannedOperation;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly cost: OperationCost;
  readonly answered: OperationResult;
  readonly request: Pick<IncomingRequest, 'head' | 'calls'> & Pick<Caller, 'span'>;
}

interface ShowOptions
  extends Pick<OperationOptions, 'mocked'>, Pick<OperationParts, 'authorization' | 'planner' | 'programs'> {
  readonly answerHeaders: AnswerHeaders;
}

/** The subgraph calls, and the query plan for clients that send `Apollo-Query-Plan-Experimental`. */
export async function showExecution(
  { planner, authorization, answerHeaders, mocked, programs }: ShowOptions,
  { planned, variables, cost, answered, request }: OperationOutcome,
): Promise<Record<string, unknown>> {
  const { headers } = request.head;
  const actual = cost.actual(JSON.parse(answered.data.toString()));
  const noted = request.span?.trace.notes?.cost;
  if (noted !== undefined) noted.actual = actual;
  const costs = { estimated: cost.estimate(variables).cost, actual };
  const { errorsLeftOut, cachedReply } = answered;
  const nulls = answered.nulls ?? (cachedReply && nullsOf(cachedReply.answer));
  const weir = { calls: request.calls, cost: costs, cache: showCache(answered, answerHeaders) };
  const mocks = mocked.length === 0 ? {} : showMocked(mocked, await programs.get(planned), variables);
  const extensions: Record<string, unknown> = {
    weir: { ...weir, ...showGaps(errorsLeftOut, nulls), ...mocks },
  };
  // As Apollo Gateway: an empty header asks for nothing.
  if ((headers['apollo-query-plan-experimental'] ?? '') !== '') {
    const format = String(headers['apollo-query-plan-experimental-format'] ?? 'prettified');
    const shown = { ...planned, document: await authorization.visiblePart(planned, planner) };
    extensions['__queryPlanExperimental'] = await showPlan(planner, shown, format);
  }
  return extensions;
}

/** The subgraph calls of an operation that is answered in parts; complete when the last part is sent. */
export function showCalls(
  cost: OperationCost,
  variables: Readonly<Record<string, unknown>>,
  { calls, errorsLeftOut }: Pick<IncomingRequest, 'calls' | 'errorsLeftOut'>,
  nulls: OperationResult['nulls'],
  mocks: object,
): Record<string, unknown> {
  const weir = { calls, cost: { estimated: cost.estimate(variables).cost }, cache: { result: 'PASS' } };
  return { weir: { ...weir, ...showGaps(errorsLeftOut, nulls), ...mocks } };
}

const showGaps = (errorsLeftOut: number, nulls: OperationResult['nulls'] = []): object => ({
  ...(errorsLeftOut > 0 && { errorsLeftOut }),
  ...(nulls.length > 0 && { nulls: showNulls(nulls) }),
});

/** The subgraphs whose part of an answer was made up. */
export function showMocked(
  mocked: readonly string[],
  program: CountedProgram | Rejection,
  variables: Readonly<Record<string, unknown>>,
): object {
  if (program instanceof Rejection) return {};
  const called = new Set(outlineCalls(program, variables).map(({ subgraph }) => subgraph));
  const names = mocked.filter((name) => called.has(name));
  return names.length === 0 ? {} : { mocked: names };
}

/** Which caches took part in an answer, for development. */
function showCache({ cachedReply }: OperationResult, answerHeaders: AnswerHeaders): object {
  if (cachedReply === undefined) return { result: 'PASS' };
  const { result, answer } = cachedReply;
  return { result, age: answerHeaders.ageOf(answer), ...answer.policy, tags: answer.tags };
}

/** The plan in the form that a client requested, as Apollo Gateway shows it to Apollo Sandbox. */
function showPlan(
  planner: Planner,
  { document, operationName, overrideLabels }: PlannedOperation,
  format: string,
): Promise<unknown> {
  switch (format) {
    case 'prettified':
      return planner
        .plan(document, operationName, overrideLabels)
        .then((plan) => (plan.node === undefined ? true : printPlan(plan)));
    case 'why':
      return explainPlan(planner, document, operationName, overrideLabels).then((explained) =>
        explained.reasons.size === 0 ? true : printReasons(explained),
      );
    case 'internal':
      return planner.plan(document, operationName, overrideLabels);
    default:
      return Promise.resolve(true);
  }
}
