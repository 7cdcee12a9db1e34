/**
 * The errors of a response, and their paths in it.
 *
 * A subgraph names paths in its own answer. An entity that was requested once can stand at several positions of the
 * client's response: its errors are reported at each of them. An error without a path, such as a failed call, is
 * reported at each field that it left null.
 *
 * Over 300 lines: whether and where an error is reported depends on the errors that are known already.
 */
import { GraphQLError } from 'graphql';
import { type ErrorCode, errors } from '../../errors';
import { type SubgraphCall } from '../run/call';
import { ANSWER, CALL, FAILED, LIST, OBJECT, SOURCE_START, STATUS } from '../json/tape';
import { lengthToNull, Losses, type Path, pathKey } from './losses';
import { type NullObserver } from './null-cause';
import { walkPositions } from '../run/walk';
import { type CompiledFetch } from '../program';
import { renamedKey } from '../compile/rewrites';
import { type Run } from '../run/run';

export type ErrorMask = 'all' | 'unexpected' | 'none';

/** How a response reports errors. */
export interface ErrorOptions {
  /**
   * Which errors of subgraphs are masked: their message is replaced, and all extensions but `code` are left out.
   * `unexpected` masks errors without a code of their own.
   *
   * @default 'none'
   */
  readonly mask?: ErrorMask | undefined;
  /** The same for single subgraphs, by name. @default undefined: `mask` counts for all */
  readonly maskOf?: ReadonlyMap<string, ErrorMask> | undefined;
  /** How many errors a response holds at most. @default 100 */
  readonly limit?: number | undefined;
  /** How many bytes of JSON the errors of a response are at most. @default 32768 */
  readonly maxBytes?: number | undefined;
}

/** A subgraph's error whose message is hidden from clients. For the log only. */
export interface MaskedError {
  readonly subgraph: string;
  readonly code: string;
  readonly message: string;
  /** The path of its first report to clients; undefined if it is not reported, or has no path. */
  path: readonly (string | number)[] | undefined;
}

/** An error or failure of a subgraph, without its path. */
interface SubgraphError {
  readonly code: string;
  readonly message: string;
  readonly subgraph: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly isMasked?: true;
  /** What is logged of it; undefined where too much is logged already. */
  readonly masked?: MaskedError | undefined;
}

interface ErrorWithoutPosition extends SubgraphError {
  /** The path that it is reported at if it left no null that the client sees. */
  readonly path: () => Path | undefined;
  isReported: boolean;
}

interface LaterError {
  readonly path: Path;
  readonly reported: SubgraphError;
  readonly nullAt: Path;
}

/** The known errors of one response. */
class ErrorRecord {
  /** Message, code, path and subgraph of reported errors: equal errors are reported once. */
  readonly reported = new Set<string>();
  /** The paths of reported errors, and all prefixes of these paths. */
  readonly paths = new Set<string>();
  readonly exact = new Set<string>();
  areLossesKnown = false;
  readonly losses = new Losses();
  /** The errors without a path. Calls that shared a request share them. */
  readonly errorsWithoutPosition = new Map<SubgraphCall, Set<ErrorWithoutPosition>>();
  readonly errorsByText = new Map<string, ErrorWithoutPosition>();
  /** The masked errors by subgraph, code and message. */
  readonly masked = new Map<string, MaskedError>();
  /** Those that the client has sent. */
  responseNames: ReadonlySet<string> | undefined;
}

export class ErrorPaths {
  /** Gets why values of the response are null; undefined if nobody wants to know. */
  readonly nulls: NullObserver | undefined;
  readonly #run: Run;
  readonly #mask: ErrorMask;
  readonly #maskOf: ErrorOptions['maskOf'];
  readonly #limit: number;
  /** Bytes of JSON that are left for errors. */
  #bytesLeft: number;
  readonly #errors: GraphQLError[] = [];
  /** Made for the first error: most responses have none. */
  #lazyRecord: ErrorRecord | undefined;
  /** The fetches whose calls have errors. The positions that they left unanswered are found on demand. */
  #troubled: Run['uses'] = [];
  /** How many errors were found, reported or not. */
  count = 0;
  /** How many errors exceeded the limits. From the first of these on, equal errors count each time. */
  leftOut = 0;
  /** Whether an error at a path is reported with a later part; undefined for a response that is written as a whole. */
  #isLater: ((path: Path) => boolean) | undefined;
  #later: LaterError[] = [];

  /** @param nulls gets why values of the response are null */
  constructor(
    run: Run,
    { mask = 'none', maskOf, limit = 100, maxBytes = 32_768 }: ErrorOptions = {},
    nulls?: NullObserver,
  ) {
    this.#run = run;
    this.nulls = nulls;
    this.#mask = mask;
    this.#maskOf = maskOf;
    this.#limit = limit;
    this.#bytesLeft = maxBytes;
  }

  /**
   * Whether messages may quote values of a subgraph, which may be @inaccessible names or texts of errors. A value of unknown
   * origin, which is that of `undefined`, is quoted only where no subgraph is masked.
   */
  quotesValuesOf(subgraph: string | undefined): boolean {
    if (this.#maskOf === undefined || subgraph !== undefined) return this.#maskFor(subgraph) === 'none';
    return [this.#mask, ...this.#maskOf.values()].every((mask) => mask === 'none');
  }

  #maskFor(subgraph: string | undefined): ErrorMask {
    return (subgraph === undefined ? undefined : this.#maskOf?.get(subgraph)) ?? this.#mask;
  }

  get errors(): readonly GraphQLError[] {
    return this.#errors;
  }

  /** The first ten different errors that are masked in `errors`; undefined if none is. */
  get masked(): readonly MaskedError[] | undefined {
    const masked = this.#lazyRecord?.masked;
    return masked === undefined || masked.size === 0 ? undefined : [...masked.values()];
  }

  /** Whether a call failed, or was answered with errors. */
  get isTroubled(): boolean {
    return this.#troubled.length > 0;
  }

  /** Adds the errors of all calls, in the order of the plan. Errors without a path wait until the nulls are found. */
  addCallErrors(): void {
    this.#addErrorsOf(() => true);
  }

  /**
   * Adds the errors for one part of a response: those of the calls of some fetches, and those that earlier calls of this
   * method held back. Those of calls that were added before are not added again.
   *
   * @param isLater whether an error at a path is reported with a later part
   */
  addErrorsOfPart(isEnded: (fetch: number) => boolean, isLater: (path: Path) => boolean): void {
    this.#isLater = isLater;
    for (const { path, reported, nullAt } of this.#later.splice(0)) this.#reportAt(path, reported, nullAt);
    this.#addErrorsOf(isEnded);
  }

  #addErrorsOf(isEnded: (fetch: number) => boolean): void {
    if (this.#run.calls.every(({ failure, errors }) => failure === undefined && errors.length === 0)) return;
    const uses = this.#run.uses.toSorted((one, other) => one.fetch.index - other.fetch.index);
    const added = uses.filter(
      (use) =>
        (use.call.failure !== undefined || use.call.errors.length > 0) &&
        isEnded(use.fetch.index) &&
        !this.#troubled.includes(use),
    );
    this.#troubled = [...this.#troubled, ...added];
    if (this.#lazyRecord !== undefined) this.#lazyRecord.areLossesKnown = false;
    for (const { fetch, call } of added) {
      if (call.failure === undefined) this.#addSubgraphErrors(fetch, call);
      else {
        const reported = { ...call.failure, subgraph: call.operation.request.subgraph };
        this.#keepError(call, reported, () => this.#firstPosition(fetch, call));
      }
    }
  }

  get #record(): ErrorRecord {
    return (this.#lazyRecord ??= new ErrorRecord());
  }

  /** Adds the errors without a path that have left no null which the client sees. */
  addErrorsWithoutPosition(): void {
    if (this.#lazyRecord === undefined) return;
    for (const error of this.#lazyRecord.errorsByText.values())
      if (!error.isReported) this.#reportAt(error.path(), error);
  }

  /** Adds an error of value completion, unless a known error explains it. */
  addFieldError(path: Path, message: string, { code, subgraph }: SubgraphErrorOptions): void {
    this.count++;
    if (this.#isKnown(path)) return;
    this.#add(code ?? 'SUBREQUEST_MALFORMED_RESPONSE', message, path, subgraph);
  }

  /** Adds an error for a field or a type that the caller may not see. */
  addRefusal(path: Path, what: string): void {
    const { message } = errors.UNAUTHORIZED_FIELD_OR_TYPE;
    this.count++;
    if (this.#record.exact.has(pathKey(path, path.length))) return;
    this.#add('UNAUTHORIZED_FIELD_OR_TYPE', message({ what: [what] }), path, undefined);
  }

  /** Whether a null that these cells hold comes from a failed call, or from errors without a path, which it reports. */
  explainsNull(path: Path, cells: readonly number[]): boolean {
    let isExplained = false;
    for (const cell of cells) {
      const call = this.#callOf(cell);
      if (call !== undefined && this.#reportErrorsOf(call, path)) isExplained = true;
      else if (this.#isFailed(cell)) isExplained = true;
    }
    return isExplained;
  }

  /**
   * Whether the value at a path is missing because a call failed, or because an error left a null around it. Reports
   * errors without a path there.
   *
   * @param cells the cells that should hold the value at the path
   * @param fetches the fetches that should answer it
   */
  explainsGap(path: Path, cells: readonly number[], fetches: ReadonlySet<number>): boolean {
    if (this.explainsNull(path, cells)) return true;
    const needed = this.#neededBy(fetches);
    const loss = this.#lossAt(path, needed);
    if (loss !== undefined) this.#reportErrorsOf(loss, path);
    else if (cells.includes(this.#run.skipped)) {
      for (const { fetch, call } of this.#troubled)
        if (needed.has(fetch.index)) this.#reportErrorsOf(call, path);
      return this.count > 0;
    }
    // The fetches were never sent if a loss at this path left no object to fetch for.
    return loss !== undefined || (cells.includes(0) && this.#lossAt(path, undefined) !== undefined);
  }

  /**
   * The call that left the value at a path missing; undefined if none that failed or was answered with errors did.
   *
   * @param cells the cells that should hold the value at the path
   * @param fetches the fetches that should answer it
   */
  callToBlame(path: Path, cells: readonly number[], fetches: ReadonlySet<number>): SubgraphCall | undefined {
    if (!this.isTroubled) return undefined;
    const isToBlame = (cell: number): boolean =>
      this.#isFailed(cell) || this.#record.errorsWithoutPosition.has(this.#callOf(cell)!);
    const needed = this.#neededBy(fetches);
    const failed = cells.filter(isToBlame).map((cell) => this.#callOf(cell));
    const isSkipped = cells.includes(this.#run.skipped);
    return (
      failed.find((call) => call !== undefined) ??
      this.#lossAt(path, needed) ??
      (isSkipped ? this.#troubled.find(({ fetch }) => needed.has(fetch.index))?.call : undefined) ??
      (cells.includes(0) ? this.#lossAt(path, undefined) : undefined)
    );
  }

  /** The code of a subgraph's error at this path, around it or below it. */
  codeAt(path: Path, subgraph: string): string | undefined {
    const found = this.#errors.find(({ path: at = [], extensions }) => {
      const [short, long] = at.length < path.length ? [at, path] : [path, at];
      return extensions['service'] === subgraph && short.every((key, i) => key === long[i]);
    });
    return found?.extensions['code'] as string | undefined;
  }

  /** The subgraph that sent a value. `fetches` are the fetches that ask for it. */
  senderOf(a: number, kind: number, fetches: ReadonlySet<number>): string | undefined {
    const { tape } = this.#run.workspace;
    const position = kind === OBJECT ? tape[a + SOURCE_START]! : kind === LIST ? 0 : a;
    return this.#senderOfByte(position) ?? this.#onlyOneRequested(fetches);
  }

  /** The subgraph that should have sent a missing field of a record. */
  fetchResponsibleFor(
    record: number,
    cells: readonly number[],
    fetches: ReadonlySet<number>,
  ): string | undefined {
    for (const cell of cells) {
      const call = this.#callOf(cell);
      if (call !== undefined) return call.operation.request.subgraph;
    }
    return this.#onlyOneRequested(fetches) ?? this.senderOf(record, OBJECT, fetches);
  }

  #senderOfByte(position: number): string | undefined {
    let sender: SubgraphCall | undefined;
    for (const call of this.#run.calls)
      if (call.body <= position && call.body > (sender?.body ?? 0)) sender = call;
    return sender?.operation.request.subgraph;
  }

  /** The subgraph of those of these fetches that were sent, if it is only one. */
  #onlyOneRequested(fetches: ReadonlySet<number>): string | undefined {
    const requested = this.#run.uses.filter(({ fetch }) => fetches.has(fetch.index));
    const subgraphs = new Set(requested.map(({ call }) => call.operation.request.subgraph));
    return subgraphs.size === 1 ? [...subgraphs][0] : undefined;
  }

  #callOf(cell: number): SubgraphCall | undefined {
    return this.#run.calls[this.#run.workspace.tape[cell + CALL]! - 1];
  }

  #isFailed(cell: number): boolean {
    return this.#run.workspace.tape[cell + STATUS] === FAILED;
  }

  /** These fetches, and all fetches that they depend on. */
  #neededBy(fetches: ReadonlySet<number>): ReadonlySet<number> {
    const needed = new Set(fetches);
    // The loop also visits the fetches that it adds.
    for (const fetch of needed) for (const earlier of this.#run.dependencies[fetch]!) needed.add(earlier);
    return needed;
  }

  /** The call that left a path unanswered for one of these fetches, or for any fetch if undefined. */
  #lossAt(path: Path, fetches: ReadonlySet<number> | undefined): SubgraphCall | undefined {
    if (!this.#record.areLossesKnown) {
      this.#record.areLossesKnown = true;
      for (const { fetch, call } of this.#troubled)
        for (const [cell, positions] of this.#positionsOf(fetch, call))
          if (this.#isFailed(cell))
            for (const path of positions) this.#record.losses.add(path, fetch.index, call);
    }
    return this.#record.losses.at(path, fetches);
  }

  /** Reports a call's errors without a path at this path. Returns false if there are none. */
  #reportErrorsOf(call: SubgraphCall, path: Path): boolean {
    const all = this.#record.errorsWithoutPosition.get(call);
    if (all === undefined) return false;
    for (const error of all) {
      error.isReported = true;
      this.#reportAt(path, error);
    }
    return true;
  }

  /** Keeps an error without a path until the nulls are found. */
  #keepError(call: SubgraphCall, reported: SubgraphError, path: ErrorWithoutPosition['path']): void {
    const text = textOf(reported);
    let error = this.#record.errorsByText.get(text);
    if (error === undefined)
      this.#record.errorsByText.set(text, (error = { ...reported, path, isReported: false }));
    const ofCall = this.#record.errorsWithoutPosition.get(call);
    if (ofCall === undefined) this.#record.errorsWithoutPosition.set(call, new Set([error]));
    else ofCall.add(error);
  }

  /** The path that a failed call is reported at if it left no null that the client sees. */
  #firstPosition(fetch: CompiledFetch, call: SubgraphCall): Path | undefined {
    const { workspace } = this.#run;
    let first: Path | undefined;
    walkPositions(this.#run, fetch.walk, (record, path) => {
      const { tape } = workspace;
      if (tape[tape[record + fetch.join]! + CALL] !== call.id) return true;
      first = path;
      return false;
    });
    // A fetch at the root is reported at its first field.
    return first?.length === 0 ? [...fetch.operation.result.fields.keys()].slice(0, 1) : first;
  }

  #addSubgraphErrors(fetch: CompiledFetch, call: SubgraphCall): void {
    const { getsEntities, outputRewrites, result } = call.operation;
    let positions: Map<number, Path[]> | undefined;
    for (const error of call.errors) {
      const { tape } = this.#run.workspace;
      const path = pathOf(error);
      const index = getsEntities ? path?.[1] : undefined;
      const cell = getsEntities ? (typeof index === 'number' ? call.cells[index] : undefined) : call.cells[0];
      // The error explains all missing fields of an entity without an answer.
      if (cell !== undefined && tape[cell + ANSWER] === 0) tape[cell + STATUS] = FAILED;
      const within = getsEntities ? path?.slice(2) : path;
      const isPlaced = getsEntities || result.indexOf(String(path?.[0])) !== -1;
      if (within === undefined || cell === undefined || !isPlaced) {
        if (this.#record.errorsByText.size < this.#limit)
          this.#keepError(call, this.#errorOf(error, call), () => undefined);
        else this.#leaveOut();
        continue;
      }
      if (this.isFull) {
        this.#leaveOut();
        continue;
      }
      const reported = this.#errorOf(error, call);
      positions ??= this.#positionsOf(fetch, call);
      const own = outputRewrites === undefined ? within : renamedPath(outputRewrites, within);
      const shown = reported.isMasked === true ? this.#inWordsOfClient(own) : own;
      const lost = lengthToNull(this.#run.workspace, tape[cell + ANSWER]!, result, within);
      for (const position of positions.get(cell) ?? []) {
        const path = [...position, ...shown];
        const loss = lost === undefined ? undefined : [...position, ...own.slice(0, lost)];
        this.#reportAt(path, reported, loss ?? path);
        if (loss !== undefined) this.#record.losses.add(loss, fetch.index, call);
      }
    }
  }

  /** The paths in the response of a call's entities, by cell. */
  #positionsOf(fetch: CompiledFetch, call: SubgraphCall): Map<number, Path[]> {
    const { workspace } = this.#run;
    const positions = new Map<number, Path[]>();
    walkPositions(this.#run, fetch.walk, (record, path) => {
      const { tape } = workspace;
      const cell = tape[record + fetch.join]!;
      if (tape[cell + CALL] !== call.id) return true;
      const known = positions.get(cell);
      if (known === undefined) positions.set(cell, [path]);
      else if (known.length < this.#limit) known.push(path);
      return true;
    });
    return positions;
  }

  /** A subgraph's error as clients see it. */
  #errorOf(error: unknown, { operation }: SubgraphCall): SubgraphError {
    const { subgraph } = operation.request;
    const { message, extensions } = partsOf(error);
    const code = typeof extensions['code'] === 'string' ? extensions['code'] : 'DOWNSTREAM_SERVICE_ERROR';
    const mask = this.#maskFor(subgraph);
    if (mask === 'all' || (mask === 'unexpected' && unexpected.has(code))) {
      const masked = this.#noteMasked({ subgraph, code, message });
      return { code, message: `Subgraph "${subgraph}" reported an error.`, subgraph, isMasked: true, masked };
    }
    const visible = Object.entries(extensions).filter(([name]) => !hiddenExtensions.has(name));
    const { http } = extensions;
    // Of a REST source: the text of its refusal is for who may see all.
    if (code === 'SUBREQUEST_HTTP_ERROR' && typeof http === 'object' && http !== null)
      visible.push(['http', mask === 'none' ? http : { status: (http as { status?: unknown }).status }]);
    const isLarge = visible.length > 0 && JSON.stringify(visible).length > longestText;
    return { code, message, subgraph, extensions: isLarge ? {} : Object.fromEntries(visible) };
  }

  /** The part of a path in front of what is no name that the client has sent: it may be any text of the subgraph. */
  #inWordsOfClient(path: Path): Path {
    const names = (this.#record.responseNames ??= this.#run.projection.responseNames());
    const end = path.findIndex((key) =>
      typeof key === 'string' ? !names.has(key) : !Number.isSafeInteger(key) || key < 0,
    );
    return end === -1 ? path : path.slice(0, end);
  }

  #noteMasked({ subgraph, code, message }: Omit<MaskedError, 'path'>): MaskedError | undefined {
    const { masked } = this.#record;
    const key = textOf({ code, message, subgraph });
    let known = masked.get(key);
    if (known === undefined && masked.size < mostMasked) {
      known = {
        subgraph,
        code: code.slice(0, longestText),
        message: message.slice(0, longestText),
        path: undefined,
      };
      masked.set(key, known);
    }
    return known;
  }

  /**
   * Reports an error at a path. A path may have several errors, but no two equal ones.
   *
   * @param nullAt the path of the null that it left: the error is reported with the part that has the null
   */
  #reportAt(path: Path | undefined, reported: SubgraphError, nullAt = path): void {
    if (this.isFull) {
      this.#leaveOut();
      return;
    }
    if (path !== undefined && nullAt !== undefined && this.#isLater?.(nullAt) === true) {
      if (this.#later.length === this.#limit) this.#leaveOut();
      else {
        this.count++;
        this.#later.push({ path, reported, nullAt });
      }
      return;
    }
    if (reported.masked !== undefined) reported.masked.path ??= path;
    const text = textOf(reported, path);
    this.count++;
    if (this.#record.reported.has(text)) return;
    this.#record.reported.add(text);
    const { code, message, subgraph, extensions } = reported;
    this.#add(code, message, path, subgraph, extensions);
  }

  #leaveOut(): void {
    this.count++;
    this.leftOut++;
  }

  #add(
    code: string,
    message: string,
    path: Path | undefined,
    subgraph: string | undefined,
    extensions: Readonly<Record<string, unknown>> = {},
  ): void {
    if (this.isFull) {
      this.leftOut++;
      return;
    }
    if (path !== undefined) this.#remember(path);
    const service = subgraph === undefined ? {} : { service: subgraph };
    const text = message.slice(0, longestText);
    const visible = { ...extensions, code: code.slice(0, longestText), ...service };
    const error = new GraphQLError(text, { path: path ?? null, extensions: visible });
    this.#bytesLeft -= Buffer.byteLength(JSON.stringify(error));
    if (this.#bytesLeft >= 0) this.#errors.push(error);
    // The first error must fit, so its path goes: a response without errors would count as complete, and be cached.
    else if (this.#errors.length === 0) this.#errors.push(new GraphQLError(text, { extensions: visible }));
    else this.leftOut++;
  }

  /** Whether no more errors are reported. */
  get isFull(): boolean {
    return this.#bytesLeft < 0 || this.#errors.length >= this.#limit;
  }

  #remember(path: Path): void {
    const { paths, exact } = this.#record;
    for (let length = 1; length <= path.length; length++) paths.add(pathKey(path, length));
    exact.add(pathKey(path, path.length));
  }

  /** Whether there is an error at this path, below it, or at a prefix of it. */
  #isKnown(path: Path): boolean {
    if (this.#lazyRecord === undefined) return false;
    const { paths, exact } = this.#lazyRecord;
    if (paths.has(pathKey(path, path.length))) return true;
    for (let length = 1; length < path.length; length++) if (exact.has(pathKey(path, length))) return true;
    return false;
  }
}

interface SubgraphErrorOptions {
  /** @default `SUBREQUEST_MALFORMED_RESPONSE` */
  readonly code?: ErrorCode | undefined;
  /** The subgraph at fault, if there is one. */
  readonly subgraph?: string | undefined;
}

/** A key that is equal for equal errors. */
const textOf = ({ code, message, subgraph }: SubgraphError, path?: Path): string =>
  JSON.stringify([message.slice(0, longestText), code.slice(0, longestText), subgraph, path]);
/** The code of errors without a code, and the code that servers give to thrown errors. */
const unexpected = new Set(['DOWNSTREAM_SERVICE_ERROR', 'INTERNAL_SERVER_ERROR']);
/** Extensions of a subgraph's error that clients do not get: for its own logs, or obeyed by Apollo Server. */
const hiddenExtensions = new Set(['stacktrace', 'exception', 'http', 'debugMessage']);
/** Most characters of a message, a code or a path element. Extensions that are longer as JSON are left out. */
const longestText = 1024;
/** Most masked errors kept per response. */
const mostMasked = 10;
/** Most elements of an error's path, as each of its prefixes is remembered. A longer path is ignored. */
const longestPath = 256;

function renamedPath(rewrites: Parameters<typeof renamedKey>[0], path: Path): Path {
  const keys: string[] = [];
  return path.map((element) => {
    if (typeof element === 'number') return element;
    keys.push(element);
    return renamedKey(rewrites, keys);
  });
}

function pathOf(error: unknown): Path | undefined {
  const path = (error as { readonly path?: unknown } | null)?.path;
  return Array.isArray(path) && path.length <= longestPath && path.every(isPathElement) ? path : undefined;
}

function partsOf(error: unknown): Required<Pick<SubgraphError, 'message' | 'extensions'>> {
  const { message, extensions } = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: unknown;
    extensions?: unknown;
  };
  return {
    message: typeof message === 'string' ? message : 'A subgraph reported an error.',
    extensions:
      typeof extensions === 'object' && extensions !== null && !Array.isArray(extensions)
        ? (extensions as Record<string, unknown>)
        : {},
  };
}

function isPathElement(element: unknown): element is string | number {
  return typeof element === 'string' ? element.length <= longestText : typeof element === 'number';
}
