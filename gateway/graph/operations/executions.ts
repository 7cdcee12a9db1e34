import type { IdentifiedCaller } from '../../cache/responses/flights';
import { requestError } from '../../errors';
import { execute, executeEvent, type Execution, type MaskedError } from '../../execution';
import { createCostReport } from '../../limits/cost/report';
import type { ServerTiming } from '../../request/server-timing';
import { follow } from '../../subgraph-calls/contract/pending-answer';
import type { Caller, SubgraphEvent } from '../../subgraph-calls/contract/transport';
import { limitCalls } from '../../subgraph-calls/interceptors/limit-calls';
import { TracedCaller } from '../../subgraph-calls/traced-caller';
import { loggedIds } from '../../telemetry/logged-ids';
import { logMasked, withoutWhatWasSent } from '../../telemetry/masked-errors';
import { errorTypeOf, type Span } from '../../telemetry/traces/span';
import type { VariableValues } from '../../limits/variables';
import type { CompiledOperation } from '../compiled-operation';
import { noteNulls, ObservedNulls } from '../observation/observed-nulls';
import { beginExecution, noteErrors } from '../observation/traced';
import { type CountedProgram, Rejection } from '../programs';
import type { OperationOptions, OperationParts } from './options';

/** What executions are made for. */
export type ExecutingCaller = Pick<IdentifiedCaller, 'identity'> & Caller;

/** An execution that is under way. */
interface RunningExecution {
  readonly compiled: CompiledOperation;
  readonly variables: VariableValues;
  readonly caller: Caller;
  readonly span: Span | undefined;
  readonly observed: ObservedNulls | undefined;
}

/** Executes programs, within the limits of their callers: measured, traced, and their masked errors logged. */
export class Executions {
  readonly #options: OperationOptions & OperationParts;
  readonly reportCost: ReturnType<typeof createCostReport>;

  constructor(options: OperationOptions & OperationParts) {
    this.#options = options;
    this.reportCost = createCostReport(options.metrics.meter);
  }

  /** Rejects for a program that this caller may not run, and where a whole answer is too large. */
  perform(
    program: CountedProgram | Rejection,
    compiled: CompiledOperation,
    variables: VariableValues,
    caller: ExecutingCaller,
    { event, timing }: { readonly event?: SubgraphEvent; readonly timing?: ServerTiming | undefined } = {},
  ): Promise<Execution> {
    if (program instanceof Rejection)
      return Promise.reject(requestError('UNAUTHORIZED_FIELD_OR_TYPE', { what: program.fields }));
    const { how, span } = this.begin(program, compiled, variables, caller, timing);
    // Nobody plans the fetch that opened the source for an event.
    if (event !== undefined) program.tally.of(program.source!.request.subgraph).planned--;
    const executing = event === undefined ? execute(program, how) : executeEvent(program, event, how);
    const running = { compiled, variables, caller, span, observed: how.nulls };
    return follow(executing, running, this.#performed, this.#failed);
  }

  /** Begins an execution: counted, traced, and with at most as many calls as this caller may make. */
  begin(
    program: CountedProgram,
    compiled: CompiledOperation,
    variables: VariableValues,
    caller: ExecutingCaller,
    timing: ServerTiming | undefined,
  ) {
    const { errors, isDevelopment, limits, scopes, send } = this.#options;
    scopes.enter(caller.scope);
    const span = beginExecution(caller, compiled);
    program.tally.begin(compiled.isOpen);
    const limited = limitCalls(send, limits.of(caller.identity).calls);
    const how = {
      variables,
      errors,
      nulls: ObservedNulls.for(isDevelopment, span),
      send: timing?.around(limited) ?? limited,
      caller: span === undefined ? caller : new TracedCaller(caller, span),
    };
    return { how, span };
  }

  /** Throws where an answer that is whole is too large. Records its cost. */
  measure({ body, data }: Execution, { cost }: CompiledOperation, variables: VariableValues): void {
    const { length } = body;
    const { mostBytes: limit } = this.#options;
    if (length > limit) throw requestError('RESPONSE_TOO_LARGE', { got: length, limit });
    this.reportCost.whole(cost, variables, data);
  }

  /** Returns the errors without what the client has sent. */
  logMasked(
    errors: readonly MaskedError[],
    { source: document }: CompiledOperation,
    variables: VariableValues,
    caller: Caller,
  ): readonly MaskedError[] {
    const masked = withoutWhatWasSent(errors, { document, variables, headers: headersOf(caller) });
    logMasked(this.#options.logger, loggedIds(caller), masked);
    return masked;
  }

  readonly #performed = (result: Execution, performing: RunningExecution): Execution => {
    const { compiled, variables, caller, span, observed } = performing;
    try {
      const execution = observed === undefined ? result : { ...result, nulls: observed.nulls };
      if (span !== undefined) {
        noteErrors(span, execution);
        noteNulls(span, observed);
      }
      this.measure(execution, compiled, variables);
      if (execution.masked === undefined) return execution;
      return { ...execution, masked: this.logMasked(execution.masked, compiled, variables, caller) };
    } catch (error) {
      span?.fail(errorTypeOf(error));
      throw error;
    } finally {
      span?.end();
      this.#options.scopes.leave(caller.scope);
    }
  };

  readonly #failed = (error: unknown, { caller, span }: RunningExecution): never => {
    span?.fail(errorTypeOf(error));
    span?.end();
    this.#options.scopes.leave(caller.scope);
    throw error;
  };
}

/** All headers that subgraphs got from a caller. */
const headersOf = ({
  headers,
  bySubgraph,
  tracing,
  tracestate = '',
  signedIdentity = '',
}: Caller): Caller['headers'][] => [
  ...[headers, tracing, { tracestate, 'weir-identity': signedIdentity }],
  ...[...(bySubgraph?.values() ?? [])].map((own) => own.headers),
];
