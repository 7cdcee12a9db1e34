import { PendingAnswer } from '../subgraph-calls/contract/pending-answer';
import { type Caller, type Send } from '../subgraph-calls/contract/transport';
import { Completion } from './complete/complete';
import { type ErrorOptions, ErrorPaths } from './complete/error-paths';
import { type NullObserver } from './complete/null-cause';
import { discarded, type Execution, OneResponse, writeResponse } from './complete/write-response';
import { type CompiledFetch, type Program } from './program';
import { Run } from './run/run';
import { runSchedule } from './run/schedule';

export interface ExecuteOptions {
  /** The variables as the client sent them. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  readonly send: Send;
  readonly caller: Caller;
  readonly errors?: ErrorOptions | undefined;
  /** Gets why values of the answer are null. @default undefined: nobody does */
  readonly nulls?: NullObserver | undefined;
}

/** Runs a program for one client request. Failures of subgraphs become errors of the response, never a rejection. */
export function execute(
  program: Program,
  { variables = {}, send, caller, errors, nulls }: ExecuteOptions,
): Promise<Execution> {
  const answer = new PendingAnswer<Execution>();
  try {
    const conditions = program.conditionsOf(variables);
    // Before the run: compiling the projection reserves words of the records that it reads.
    const { projection, schedule } = program.variantFor(conditions);
    const run = new Run({
      program,
      variables,
      conditions,
      projection,
      send,
      caller,
      fail: (error) => answer.reject(error),
      isDataNullBefore: (run, fetch) => isDataNullBefore(run, fetch, schedule.fetches),
    });
    runSchedule(schedule, run, () => {
      const errorPaths = new ErrorPaths(run, errors, nulls);
      errorPaths.addCallErrors();
      const execution = writeResponse(run, program, errorPaths, new OneResponse(program, variables));
      run.end();
      answer.resolve(execution);
    });
    run.scheduler.flush();
  } catch (error) {
    answer.reject(error);
  }
  return answer;
}

/** Completes the answers so far, only to find out whether `data` is null. */
export function isDataNullBefore(
  run: Run,
  fetch: number,
  fetches: readonly (CompiledFetch | undefined)[],
): boolean {
  const toCome = new Set(fetches.flatMap((one) => (one && one.index >= fetch ? [one.index] : [])));
  run.out = run.lendWriter();
  return new Completion(run, new ErrorPaths(run), discarded).isDataNullBefore((one) => toCome.has(one));
}
