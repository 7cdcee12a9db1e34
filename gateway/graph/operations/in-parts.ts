import type { OperationResult } from '../../cache/responses/response-cache';
import { fieldError } from '../../errors';
import { executeInParts, type Execution } from '../../execution';
import type { IncomingRequest } from '../../request/incoming-request';
import type { IncrementalFormat } from '../../request/sink';
import type { Flow } from '../../subgraph-calls/contract/source';
import { loggedIds } from '../../telemetry/logged-ids';
import type { VariableValues } from '../../limits/variables';
import type { CompiledOperation } from '../compiled-operation';
import { deferredAnswer } from '../deferred-answer';
import { showCalls, showMocked } from '../observation/development';
import { noteNulls } from '../observation/observed-nulls';
import { noteErrors } from '../observation/traced';
import { type CountedProgram, Rejection } from '../programs';
import { patience } from '../subscriptions/event-caller';
import type { Executions } from './executions';
import type { OperationOptions, OperationParts } from './options';

/** A request whose answer is sent in parts. */
interface InParts {
  readonly compiled: CompiledOperation;
  readonly variables: VariableValues;
  readonly request: IncomingRequest;
  readonly format: IncrementalFormat;
}

/** Answers in parts: deferred fragments are sent later. They are not cached, and shared with nobody; their entities are. */
export class AnswersInParts {
  readonly #options: OperationOptions & OperationParts;
  readonly #executions: Executions;

  constructor(options: OperationOptions & OperationParts, executions: Executions) {
    this.#options = options;
    this.#executions = executions;
  }

  /** Call when the operation was checked, and is planned. */
  async run(
    program: CountedProgram | Rejection,
    { compiled, variables, request, format }: InParts,
  ): Promise<OperationResult | Flow<OperationResult>> {
    request.cacheResult = 'PASS';
    if (program instanceof Rejection) return this.#executions.perform(program, compiled, variables, request);
    const { isDevelopment, metrics, mocked, scopes } = this.#options;
    const { how, span } = this.#executions.begin(program, compiled, variables, request, request.timing);
    request.onEnd(() => scopes.leave(request.scope));
    metrics.calls.of(compiled.counted).answers.pass++;
    const answer = await executeInParts(program, { ...how, repeatsFields: format === '20220824' });
    const endSpan = (): void => {
      noteNulls(span!, how.nulls);
      span!.end();
    };
    const finish = this.#finisher(compiled, variables, request);
    const extensions = (): Readonly<Record<string, unknown>> =>
      showCalls(compiled.cost, variables, request, how.nulls?.nulls, showMocked(mocked, program, variables));
    const shown = isDevelopment ? extensions : undefined;
    if (!('next' in answer)) {
      if (span !== undefined) {
        noteErrors(span, answer);
        endSpan();
      }
      this.#executions.measure(answer, compiled, variables);
      return { ...finish(answer), extensions: shown?.() };
    }
    if (span !== undefined) void answer.fetched.then(endSpan);
    return this.#send(answer, { compiled, variables, request, format }, finish, shown);
  }

  /** Counts the errors of each part, and logs those that no part before it had. */
  #finisher(compiled: CompiledOperation, variables: VariableValues, request: IncomingRequest) {
    let logged = 0;
    return <Sent extends Execution>(part: Sent): Sent => {
      request.errorsLeftOut += part.errorsLeftOut;
      const masked = part.masked?.slice(logged) ?? [];
      logged += masked.length;
      if (masked.length === 0) return { ...part, masked: undefined };
      return { ...part, masked: this.#executions.logMasked(masked, compiled, variables, request) };
    };
  }

  #send(
    answer: Extract<Awaited<ReturnType<typeof executeInParts>>, { readonly next: unknown }>,
    { compiled, variables, request, format }: InParts,
    finish: <Sent extends Execution>(part: Sent) => Sent,
    extensions: (() => Readonly<Record<string, unknown>>) | undefined,
  ): Flow<OperationResult> {
    const { logger, mostBytes } = this.#options;
    const countCost = this.#executions.reportCost.inParts(compiled.cost, variables);
    void answer.fetched.then(request.workOn());
    const { timeout, deadline } = request;
    const late = setTimeout(
      () => answer.expire(fieldError('GATEWAY_TIMEOUT', { timeout })),
      deadline + patience - performance.now(),
    );
    request.onSettle(() => clearTimeout(late));
    return deferredAnswer(answer, {
      format,
      mostBytes: Math.min(mostBytes, request.sink.longest ?? Infinity),
      finish: (part) => {
        countCost?.(part);
        return finish(part);
      },
      extensions,
      onDefect: (error) => logger.error({ err: error, ...loggedIds(request) }, 'an operation failed'),
    });
  }
}
