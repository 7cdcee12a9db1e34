import { type GraphQLError } from 'graphql';
import { type Source } from '../subgraph-calls/contract/source';
import { DeferredParts, type DeferredPart } from './complete/deferred-parts';
import { ErrorPaths } from './complete/error-paths';
import { type Execution, OneResponse, writeResponse } from './complete/write-response';
import { type DeferUsage } from './compile/defer';
import { execute, type ExecuteOptions, isDataNullBefore } from './execute';
import { type CompiledFetch, type Delivery, type Program, type VariantInParts } from './program';
import { CallScheduler } from './run/call-scheduler';
import { startFetch } from './run/fetch';
import { Run } from './run/run';
import { runSchedule } from './run/schedule';

export interface ExecuteInPartsOptions extends ExecuteOptions {
  /** Whether a field is sent with each fragment that selects it, rather than once. */
  readonly repeatsFields: boolean;
}

/** A part of a response. Of the parts after the first, `data` is empty: `part` has it. */
export interface ExecutionPart extends Execution {
  readonly part: DeferredPart;
}

export interface ExecutionParts extends Source<ExecutionPart> {
  /** Resolves when all fetches have ended, or the execution has failed, however fast the parts are read. */
  readonly fetched: Promise<void>;
  /** Has `next` reject with this error: fetches have not ended in time. */
  expire(error: GraphQLError): void;
  /** The last part instead: all that its reader waits for ends with an error. */
  fail(error: GraphQLError): ExecutionPart;
}

/**
 * Runs a program, and sends fragments with `@defer` as soon as their fetches have ended. Resolves when the first part can be
 * sent; with the whole response if nothing is deferred, or nothing of what is deferred is left to be sent.
 */
export function executeInParts(
  program: Program,
  options: ExecuteInPartsOptions,
): Promise<Execution | ExecutionParts> {
  const { variables = {}, repeatsFields } = options;
  const conditions = program.conditionsOf(variables);
  const variant = program.partsFor({ conditions, variables, repeatsFields });
  if (variant === undefined) return execute(program, options);
  return new Promise((resolve, reject) => new RunInParts(program, variant, options, resolve, reject).start());
}

/** One execution in parts. Its workspace is kept until all fetches have ended, also when its reader has left. */
class RunInParts implements ExecutionParts {
  readonly fetched: Promise<void>;
  readonly #program: Program;
  readonly #variant: VariantInParts;
  readonly #resolve: (result: Execution | ExecutionParts) => void;
  readonly #reject: (error: unknown) => void;
  readonly #run: Run;
  readonly #errorPaths: ErrorPaths;
  readonly #parts: DeferredParts;
  /** Where the calls go that nothing of the first part waits for: they share no request with the others. */
  readonly #later: CallScheduler;
  #first: ExecutionPart | undefined;
  /** The usages whose fetches have ended, and whose fragments are not sent. */
  #ready: DeferUsage[] = [];
  /** A defect that ended the execution. */
  #defect: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  /** Nothing more is read. */
  #isClosed = false;
  /** All fetches have ended. */
  #isDone = false;
  #resolveFetched!: () => void;
  #isEnded = false;
  /** How many errors were sent, and how many were left out. */
  #reported = 0;
  #leftOut = 0;

  constructor(
    program: Program,
    variant: VariantInParts,
    { variables = {}, send, caller, errors, nulls }: ExecuteInPartsOptions,
    resolve: (result: Execution | ExecutionParts) => void,
    reject: (error: unknown) => void,
  ) {
    this.fetched = new Promise((fetched) => (this.#resolveFetched = fetched));
    this.#program = program;
    this.#variant = variant;
    this.#resolve = resolve;
    this.#reject = reject;
    const { schedule, projection, deferral } = variant;
    const fetches = schedule.fetches.map((step) => (step?.kind === 'delivery' ? undefined : step));
    this.#run = new Run({
      ...{ program, variables, projection, send, caller },
      conditions: program.conditionsOf(variables),
      fail: (error) => this.#fail(error),
      isDataNullBefore: (run, fetch) => isDataNullBefore(run, fetch, fetches),
    });
    this.#later = new CallScheduler(this.#run, program.combinations);
    this.#errorPaths = new ErrorPaths(this.#run, errors, nulls);
    const whole = new OneResponse(program, variables);
    this.#parts = new DeferredParts({
      ...{ run: this.#run, errorPaths: this.#errorPaths, deferral },
      introspect: (field, nodes) => whole.introspect(field, nodes),
    });
  }

  start(): void {
    const { schedule } = this.#variant;
    const done = (): void => {
      this.#isDone = true;
      this.#resolveFetched();
      this.#endRun();
    };
    runSchedule(schedule, this.#run, done, (run, step, stepDone) => this.#start(run, step, stepDone));
    this.#run.scheduler.flush();
    this.#later.flush();
  }

  #start(run: Run, step: CompiledFetch | Delivery, done: () => void): void {
    if (step.kind === 'delivery') {
      if (step.usage === undefined) this.#writeFirst();
      else this.#ready.push(step.usage);
      done();
      this.#wake?.();
      return;
    }
    if (this.#variant.deferral.first.has(step.index)) {
      startFetch(run, step, done);
      return;
    }
    const { scheduler } = run;
    run.scheduler = this.#later;
    startFetch(run, step, done);
    run.scheduler = scheduler;
  }

  #writeFirst(): void {
    const run = this.#run;
    this.#parts.addErrors();
    const execution = writeResponse(run, this.#program, this.#errorPaths, this.#parts);
    run.out = run.lendWriter();
    const part = this.#parts.announce();
    this.#first = this.#countErrors({ ...execution, part });
    if (part.hasNext) this.#resolve(this);
    else {
      this.close();
      this.#resolve(execution);
    }
  }

  async next(): Promise<ExecutionPart | undefined> {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first;
    }
    this.#parts.confirm();
    while (!this.#isClosed) {
      if (this.#defect !== undefined) throw this.#defect.error;
      if (this.#ready.length > 0) {
        const part = this.#parts.write(this.#ready.splice(0));
        if (part !== undefined) return this.#send(part);
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return undefined;
  }

  expire(error: GraphQLError): void {
    this.#fail(error);
  }

  fail(error: GraphQLError): ExecutionPart {
    this.close();
    const part = this.#parts.fail(error);
    return { body: noBytes, data: noBytes, errors: [error], errorsLeftOut: 0, part };
  }

  #send(part: DeferredPart): ExecutionPart {
    if (!part.hasNext) this.close();
    const errors = this.#errorPaths.errors.slice(this.#reported);
    return this.#countErrors({ body: noBytes, data: noBytes, errors, errorsLeftOut: 0, part });
  }

  #countErrors(execution: ExecutionPart): ExecutionPart {
    const { errors, leftOut, masked } = this.#errorPaths;
    const errorsLeftOut = leftOut - this.#leftOut;
    this.#reported = errors.length;
    this.#leftOut = leftOut;
    return { ...execution, errors: [...execution.errors], errorsLeftOut, masked };
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
    this.#endRun();
  }

  #fail(error: unknown): void {
    this.#defect ??= { error };
    this.#resolveFetched();
    this.#reject(error);
    this.#wake?.();
  }

  #endRun(): void {
    if (!this.#isClosed || !this.#isDone || this.#isEnded) return;
    this.#isEnded = true;
    this.#run.end();
  }
}

const noBytes = Buffer.alloc(0);
