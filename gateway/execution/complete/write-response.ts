import { type FieldNode, type GraphQLError } from 'graphql';
import { type FieldProjection } from '../compile/projection';
import { type Program } from '../program';
import { type Run } from '../run/run';
import { Completion, type Specials } from './complete';
import { type ErrorPaths, type MaskedError } from './error-paths';
import { type ObservedNull } from './null-cause';

export interface Execution {
  /** Complete UTF-8: `{"data":…}` or `{"data":…,"errors":[…]}`. */
  readonly body: Buffer;
  /** The part of `body` that is `data`. */
  readonly data: Buffer;
  readonly errors: readonly GraphQLError[];
  /** How many errors `errors` leaves out. */
  readonly errorsLeftOut: number;
  readonly masked?: readonly MaskedError[] | undefined;
  /** Why values in it are null, where its caller has observed that for whoever gets the answer. */
  readonly nulls?: readonly ObservedNull[] | undefined;
  /**
   * Releases the memory of `body` and `data` for the next response. Call at most once, and only with no other reference
   * to them left. Without the call the garbage collector frees them, which costs more.
   */
  readonly release?: (() => void) | undefined;
}

/** Writes a response, or the first part of one, from the answers of a run. The caller ends the run. */
export function writeResponse(
  run: Run,
  program: Program,
  errorPaths: ErrorPaths,
  specials: Specials,
): Execution {
  run.beginOutput(program.usualBytes);
  const { out } = run;
  out.all(dataPrefix);
  new Completion(run, errorPaths, specials).root();
  if (specials.isWhole) errorPaths.addErrorsWithoutPosition();
  const dataEnd = out.end;
  if (errorPaths.errors.length === 0) out.byte(CLOSE_OBJECT);
  else out.all(Buffer.from(`,"errors":${JSON.stringify(errorPaths.errors)}}`));
  const { body, release } = run.takeOutput();
  program.usualBytes = Math.max(
    body.length + (body.length >> 3),
    program.usualBytes - (program.usualBytes >> 5),
  );
  const data = body.subarray(dataPrefix.length, dataEnd);
  const { errors, leftOut: errorsLeftOut, masked } = errorPaths;
  return { body, data, errors, errorsLeftOut, masked, release };
}

/** For a response that is written as a whole. */
export class OneResponse implements Specials {
  readonly isWhole = true;
  readonly #program: Program;
  readonly #variables: Readonly<Record<string, unknown>>;

  constructor(program: Program, variables: Readonly<Record<string, unknown>>) {
    this.#program = program;
    this.#variables = variables;
  }

  introspect({ responseKey }: FieldProjection, nodes: readonly FieldNode[]): Buffer {
    return this.#program.introspection.answer(responseKey, nodes, this.#variables);
  }

  defer(): void {
    // Its projection defers nothing.
  }

  takeBack(): void {
    // It notes nothing.
  }
}

/** For output that nobody reads. */
export const discarded: Specials = {
  isWhole: true,
  introspect: () => unread,
  defer: () => undefined,
  takeBack: () => undefined,
};

const unread = Buffer.alloc(0);
const dataPrefix = Buffer.from('{"data":');
const CLOSE_OBJECT = 0x7d;
