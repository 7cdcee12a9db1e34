import { type GraphQLError } from 'graphql';
import { type Caller, type Send } from '../subgraph-calls/transport';
import { Completion } from './complete/complete';
import { type ErrorOptions, ErrorTrail, type MaskedError } from './complete/error-paths';
import { type Program, type Schedule } from './program';
import { Run } from './run/run';
import { runSchedule } from './run/schedule';

export interface ExecuteOptions {
  /** The variables as the client sent them. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  readonly send: Send;
  readonly caller: Caller;
  readonly errors?: ErrorOptions | undefined;
}

export interface Execution {
  /** Complete UTF-8: `{"data":…}` or `{"data":…,"errors":[…]}`. */
  readonly body: Buffer;
  /** The part of `body` that is `data`. */
  readonly data: Buffer;
  readonly errors: readonly GraphQLError[];
  /** How many errors `errors` leaves out. */
  readonly errorsLeftOut: number;
  /** What is masked in `errors`, for the log. */
  readonly masked?: readonly MaskedError[] | undefined;
  /**
   * Releases the memory of `body` and `data` for the next response. Call at most once, and only with no other reference
   * to them left. Without the call the garbage collector frees them, which costs more.
   */
  readonly release?: (() => void) | undefined;
}

/** Runs a program for one client request. Failures of subgraphs become errors of the response, never a rejection. */
export function execute(
  program: Program,
  { variables = {}, send, caller, errors }: ExecuteOptions,
): Promise<Execution> {
  return new Promise((resolve, reject) => {
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
      fail: reject,
      isDataNullBefore: (run, fetch) => isDataNullBefore(run, fetch, schedule),
    });
    runSchedule(schedule, run, () => {
      const trail = new ErrorTrail(run, errors);
      trail.addCallErrors();
      run.beginOutput(program.usualBytes);
      const { out } = run;
      out.all(dataPrefix);
      new Completion(run, trail, ({ responseKey, introspection }) =>
        program.introspection.answer(responseKey, introspection!, variables),
      ).root();
      trail.addUnplaced();
      const dataEnd = out.end;
      const suffix = trail.errors.length === 0 ? '}' : `,"errors":${JSON.stringify(trail.errors)}}`;
      out.all(Buffer.from(suffix));
      const { body, release } = run.takeOutput();
      program.usualBytes = Math.max(
        body.length + (body.length >> 3),
        program.usualBytes - (program.usualBytes >> 5),
      );
      run.end();
      const data = body.subarray(dataPrefix.length, dataEnd);
      const { errors: told, leftOut: errorsLeftOut, masked } = trail;
      resolve({ body, data, errors: told, errorsLeftOut, masked, release });
    });
    run.scheduler.flush();
  });
}

/** Completes the answers so far, only to find out whether `data` is null. */
function isDataNullBefore(run: Run, fetch: number, { fetches }: Schedule): boolean {
  const toCome = new Set(fetches.flatMap((one) => (one && one.index >= fetch ? [one.index] : [])));
  run.out = run.lendWriter();
  return new Completion(run, new ErrorTrail(run), () => unread).isDataNullBefore((one) => toCome.has(one));
}

const unread = Buffer.alloc(0);

const dataPrefix = Buffer.from('{"data":');
