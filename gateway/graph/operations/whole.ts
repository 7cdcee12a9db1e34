import type { RefusedLabels } from '../../auth/directives';
import type { CacheResult } from '../../cache/responses/answer-headers';
import type { OperationResult } from '../../cache/responses/response-cache';
import { nullsOf } from '../../cache/responses/stored-nulls';
import type { Execution } from '../../execution';
import type { PlannedOperation } from '../../planning';
import type { IncomingRequest } from '../../request/incoming-request';
import { follow } from '../../subgraph-calls/contract/pending-answer';
import { loggedIds } from '../../telemetry/logged-ids';
import { logMasked } from '../../telemetry/masked-errors';
import type { AnswerCounts } from '../../telemetry/metrics/call-statistics';
import { endWith } from '../../telemetry/traces/span';
import { noteCached } from '../../telemetry/traces/trace-notes';
import type { VariableValues } from '../../limits/variables';
import type { CompiledOperation } from '../compiled-operation';
import { showExecution } from '../observation/development';
import { logPlan } from '../observation/logged-plans';
import { beginPlan } from '../observation/traced';
import type { CountedProgram, Rejection } from '../programs';
import { checkOperation } from './checks';
import type { OperationCompiler } from './compile';
import type { Executions } from './executions';
import type { OperationOptions, OperationParts } from './options';

/** A request that is waiting for the answer to its operation. */
interface RunningRequest {
  readonly compiled: CompiledOperation;
  readonly variables: VariableValues;
  readonly request: IncomingRequest;
  readonly keep: () => void;
  readonly planned: PlannedOperation;
  /** Whether its own execution has begun: else it is answered by that of another one, or from the cache. */
  isOwn: boolean;
}

/** Answers requests as a whole: from the response cache, by an execution in flight, or by one of their own. */
export class WholeAnswers {
  readonly #options: OperationOptions & OperationParts;
  readonly #compiler: OperationCompiler;
  readonly #executions: Executions;

  constructor(
    options: OperationOptions & OperationParts,
    compiler: OperationCompiler,
    executions: Executions,
  ) {
    this.#options = options;
    this.#compiler = compiler;
    this.#executions = executions;
  }

  /** Throws, or rejects, where it may not run. @param keep called when the operation is to be remembered */
  run(
    compiled: CompiledOperation,
    variables: VariableValues,
    request: IncomingRequest,
    keep: () => void,
  ): Promise<OperationResult> {
    const { access } = compiled;
    checkOperation(this.#options, compiled, variables, request);
    const refused = access.peek(request.identity);
    if (refused !== undefined) return this.#runWithout(refused, compiled, variables, request, keep);
    return endWith(request.span?.child('weir.authorize'), access.decide(request.identity)).then((decided) =>
      this.#runWithout(decided, compiled, variables, request, keep),
    );
  }

  #runWithout(
    refused: RefusedLabels,
    compiled: CompiledOperation,
    variables: VariableValues,
    request: IncomingRequest,
    keep: () => void,
  ): Promise<OperationResult> {
    if (refused.length > 0) request.unmet = refused;
    const planned = this.#compiler.plannedOf(compiled, refused, request);
    compiled.count?.(request, variables);
    const running: RunningRequest = { compiled, variables, request, keep, planned, isOwn: false };
    const { responses } = this.#options.caching;
    const answer = responses.answer(compiled.cacheQuery(variables, refused, request), request, (caller) => {
      running.isOwn = true;
      return this.#execute(running, caller);
    });
    return follow(answer, running, this.#noteAnswer, undefined);
  }

  #execute(
    { compiled, variables, request, keep, planned }: RunningRequest,
    caller: Parameters<Parameters<OperationOptions['caching']['responses']['answer']>[2]>[0],
  ): Promise<Execution> {
    const { authorization, logger, planner, planWaits, programs } = this.#options;
    const start = (program: CountedProgram | Rejection): Promise<Execution> => {
      // An operation is remembered only once it is planned: one that cannot be planned would evict one that can.
      keep();
      return this.#executions.perform(program, compiled, variables, caller, request);
    };
    const program = programs.peek(planned);
    if (program !== undefined) return start(program);
    const waiting = beginPlan(caller, planned, programs);
    const awaited = caller.awaitPlan(programs.get(planned, request.sender), planWaits);
    const plan = request.timing?.ofPlan(awaited) ?? awaited;
    return endWith(waiting, plan).then((made) => {
      logPlan({ logger, planner, authorization }, planned, loggedIds(request));
      return start(made);
    });
  }

  readonly #noteAnswer = (
    answered: OperationResult,
    running: RunningRequest,
  ): OperationResult | Promise<OperationResult> => {
    const { compiled, variables, request, keep, planned, isOwn } = running;
    const { caching, isDevelopment, logger, metrics } = this.#options;
    // A request that shares the execution of another one logs the masked errors under its own id, too.
    if (answered.masked !== undefined && !isOwn) logMasked(logger, loggedIds(request), answered.masked);
    request.cacheResult = answered.cachedReply?.result ?? 'PASS';
    const isNoted = isOwn && request.cacheResult === 'MISS';
    noteCached(request.span, answered.cachedReply?.answer, isNoted ? undefined : nullsOf);
    metrics.calls.of(compiled.counted).answers[countedAs(request.cacheResult, isOwn)]++;
    request.errorsLeftOut += answered.errorsLeftOut;
    keep();
    if (!isDevelopment) return answered;
    const showing = { ...this.#options, answerHeaders: caching.answerHeaders };
    const shown = showExecution(showing, { planned, variables, cost: compiled.cost, answered, request });
    return shown.then((extensions) => ({ ...answered, extensions }));
  };
}

/** @param isOwn whether its request began an execution, which for a stale answer is a refresh */
function countedAs(result: CacheResult, isOwn: boolean): keyof AnswerCounts {
  if (result === 'HIT') return 'hit';
  if (result === 'STALE') return 'stale';
  if (!isOwn) return 'coalesced';
  return result === 'MISS' ? 'miss' : 'pass';
}
