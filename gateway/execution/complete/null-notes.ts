import type { FieldProjection } from '../compile/projection';
import { ANSWER, ANSWERED, NULL, STATUS } from '../json/tape';
import type { SubgraphCall } from '../run/call';
import type { Run } from '../run/run';
import type { ErrorPaths } from './error-paths';
import type { Path } from './losses';
import type { NullCause, NullObserver, ObservedNull } from './null-cause';

/** Where the value of a field is, or should be. */
export interface MissingValue {
  readonly field: FieldProjection;
  /** The object that has the field; 0 for an item of a list. */
  readonly record: number;
  readonly at: number;
  /** The cells that should hold it. */
  readonly cells: readonly number[];
  readonly isNull: boolean;
}

/** The nulls of a part of an answer while it is written, for an observer. */
export class NullNotes {
  readonly #run: Run;
  readonly #errorPaths: ErrorPaths;
  readonly #observer: NullObserver;
  #found: { readonly at: number; readonly observed: ObservedNull }[] = [];
  #leftOut = 0;
  /** What may not be null and is, until a position is found that may. */
  #lost: ObservedNull | undefined;

  constructor(run: Run, errorPaths: ErrorPaths, observer: NullObserver) {
    this.#run = run;
    this.#errorPaths = errorPaths;
    this.#observer = observer;
  }

  /** Notes a null. @param isWritten false where it may not stand there, and propagates */
  note(path: Path, coordinate: string, cause: NullCause, isWritten: boolean): void {
    if (isWritten) this.#add({ path, coordinate, cause });
    else this.#lost = { path, coordinate, cause };
  }

  /** Notes that a null has propagated to this position, or replaces a value there that could not be written. */
  settle(path: Path, coordinate: string): void {
    const from = this.#lost;
    if (from === undefined) return;
    this.#lost = undefined;
    const isOwn = from.path.length === path.length;
    this.#add(isOwn ? from : { path, coordinate, cause: { kind: 'propagated', from } });
  }

  /** Forgets the nulls of output that is undone from `end` on. */
  takeBack(end: number): void {
    while (this.#found.length > 0 && this.#found.at(-1)!.at >= end) this.#found.pop();
  }

  /** Passes the nulls to the observer. */
  report(): void {
    const nulls = this.#found.map(({ observed }) => observed);
    if (nulls.length > 0) this.#observer.observe(nulls, this.#leftOut);
    this.#found = [];
    this.#leftOut = 0;
    this.#lost = undefined;
  }

  #add(observed: ObservedNull): void {
    if (this.#found.length === mostNulls) this.#leftOut++;
    else this.#found.push({ at: this.#run.out.end, observed });
  }

  /** Why a value is null or absent. To be called when the errors at its path are known. */
  causeOf(path: Path, missing: MissingValue): NullCause {
    const { field, record, at, cells, isNull } = missing;
    const { tape } = this.#run.workspace;
    const failed = this.#errorPaths.callToBlame(path, cells, field.answeredBy);
    if (failed !== undefined) return this.#causeOfCall(path, failed);
    if (isNull) {
      const subgraph = this.#errorPaths.senderOf(tape[at]!, NULL, field.answeredBy);
      return { kind: 'null-in-subgraph', subgraph };
    }
    const subgraph = this.#errorPaths.fetchResponsibleFor(record, cells, field.answeredBy);
    const isUnknown = (cell: number): boolean =>
      tape[cell + STATUS] === ANSWERED && tape[cell + ANSWER] === 0;
    if (subgraph !== undefined && cells.some(isUnknown)) {
      const [type = ''] = field.coordinate.split('.');
      return { kind: 'entity-not-found', subgraph, type };
    }
    if (cells.some((cell) => cell === 0 || cell === this.#run.skipped)) return { kind: 'not-requested' };
    return { kind: 'not-answered', subgraph };
  }

  #causeOfCall(path: Path, { operation, failure, errors }: SubgraphCall): NullCause {
    const { subgraph } = operation.request;
    if (failure !== undefined) {
      const { code, message, reason } = failure;
      if (code === 'GATEWAY_TIMEOUT') return { kind: 'timeout', subgraph, code, message };
      if (reason === 'broken') return { kind: 'breaker', subgraph, code, message };
      const isLimit = ['over-limit', 'over-rate', 'busy', 'too-large'].includes(reason ?? '');
      return { kind: isLimit ? 'limit' : 'call-failed', subgraph, code, message };
    }
    const code = this.#errorPaths.codeAt(path, subgraph) ?? codeOf(errors[0]);
    return { kind: 'subgraph-error', subgraph, code: code.slice(0, longestCode) };
  }
}

/** Of one part of an answer. */
const mostNulls = 1000;
const longestCode = 100;

function codeOf(error: unknown): string {
  const { extensions } = (error ?? {}) as { readonly extensions?: { readonly code?: unknown } | null };
  const code = extensions?.code;
  return typeof code === 'string' ? code : 'DOWNSTREAM_SERVICE_ERROR';
}
