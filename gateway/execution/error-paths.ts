/**
 * The errors of a response, and where in it they belong.
 *
 * A subgraph names its own paths. An entity that it was asked for once can stand in several places of the client's
 * response: its errors are told for each of them.
 */
import { GraphQLError } from 'graphql';
import { errors } from '../errors';
import { type Call, type Failure } from './call';
import { ANSWER, BATCH, FAILED, SKIPPED, STATUS } from './json/tape';
import { lengthToNull, Losses, type Path, pathKey } from './losses';
import { walkPlaces } from './nodes/flatten';
import { type CompiledFetch } from './nodes/fetch';
import { renamedKey } from './rewrites';
import { type Run } from './run';

/** What a response may tell of errors. */
export interface ErrorOptions {
  /**
   * Of which errors of subgraphs the message is replaced and all extensions but `code` are left out: of all, or of those
   * that a subgraph did not mean to tell, which have no code of their own.
   *
   * @default 'none'
   */
  readonly mask?: 'all' | 'unexpected' | 'none' | undefined;
  /** How many errors a response holds at most. @default 100 */
  readonly limit?: number | undefined;
  /** How many bytes of JSON the errors of a response are at most. @default 32768 */
  readonly maxBytes?: number | undefined;
}

/** Gathers the errors of one response. */
export class ErrorTrail {
  readonly #run: Run;
  readonly #mask: 'all' | 'unexpected' | 'none';
  readonly #limit: number;
  /** Bytes that are left for errors. */
  #bytesLeft: number;
  readonly #errors: GraphQLError[] = [];
  /** Paths of errors, and what leads to them; undefined as long as nobody has asked. */
  #known: Set<string> | undefined;
  readonly #exact = new Set<string>();
  /** Undefined as long as nothing was lost. */
  #losses: Losses | undefined;
  /** The fetches whose calls have errors. Where they were not answered at all is looked for when somebody asks. */
  #troubled: Run['uses'] = [];
  /** How many errors were found, told or not. */
  count = 0;

  constructor(run: Run, { mask = 'none', limit = 100, maxBytes = 32_768 }: ErrorOptions = {}) {
    this.#run = run;
    this.#mask = mask;
    this.#limit = limit;
    this.#bytesLeft = maxBytes;
  }

  get errors(): readonly GraphQLError[] {
    return this.#errors;
  }

  /** The errors of all calls, in the order of the plan. */
  addCallErrors(): void {
    if (this.#run.calls.every(({ failure, errors }) => failure === undefined && errors.length === 0)) return;
    const uses = this.#run.uses.toSorted((one, other) => one.fetch.index - other.fetch.index);
    this.#troubled = uses.filter(({ call }) => call.failure !== undefined || call.errors.length > 0);
    for (const { fetch, call } of uses) {
      if (call.failure !== undefined) this.#addFailure(fetch, call, call.failure);
      else if (call.errors.length > 0) this.#addSubgraphErrors(fetch, call);
    }
  }

  /** An error found when a value was completed; none if one is known that explains it. */
  addFieldError(path: Path, message: string): void {
    this.count++;
    if (this.#isKnown(path)) return;
    this.#add('SUBREQUEST_MALFORMED_RESPONSE', message, [...path], undefined);
  }

  /** What the caller may not see: a field, or a type. */
  addRefusal(path: Path, what: string): void {
    const { message } = errors.UNAUTHORIZED_FIELD_OR_TYPE;
    this.#add('UNAUTHORIZED_FIELD_OR_TYPE', message({ what: [what] }), [...path], undefined);
  }

  /** Whether what is missing because of this cell has an error of its own. */
  isExplained(cell: number): boolean {
    const status = this.#run.workspace.tape[cell + STATUS];
    return cell !== 0 && (status === FAILED || (status === SKIPPED && this.#errors.length > 0));
  }

  /** Whether a failed call or an error that is known took what one of these fetches, or any, was to answer at a path. */
  isLost(path: Path, fetches?: ReadonlySet<number>): boolean {
    for (const { fetch, call } of this.#troubled) {
      for (const [cell, places] of this.#placesOf(fetch, call))
        if (this.isExplained(cell))
          for (const place of places) (this.#losses ??= new Losses()).add(place, fetch.index);
    }
    this.#troubled = [];
    return this.#losses?.has(path, fetches) === true;
  }

  /** One error per fetch, at its first place. */
  #addFailure(fetch: CompiledFetch, call: Call, { code, message }: Failure): void {
    this.#add(code, message, this.#firstPlace(fetch, call), call.operation.request.subgraph);
  }

  #firstPlace(fetch: CompiledFetch, call: Call): Path | undefined {
    const { workspace } = this.#run;
    let first: Path | undefined;
    walkPlaces(this.#run, fetch.walk, (record, path) => {
      const { tape } = workspace;
      if (tape[tape[record + fetch.join]! + BATCH] !== call.id) return true;
      first = path;
      return false;
    });
    // A fetch at the root stands for its fields.
    return first?.length === 0 ? [...fetch.operation.result.fields.keys()].slice(0, 1) : first;
  }

  #addSubgraphErrors(fetch: CompiledFetch, call: Call): void {
    const { asksEntities, outputRewrites, request, result } = call.operation;
    let places: Map<number, Path[]> | undefined;
    for (const error of call.errors) {
      const { tape } = this.#run.workspace;
      const { message, path, extensions } = partsOf(error);
      const index = asksEntities ? path?.[1] : undefined;
      const cell = asksEntities ? (typeof index === 'number' ? call.cells[index] : undefined) : call.cells[0];
      // All that is missing of an entity which an error has made null is explained by it.
      if (cell !== undefined && tape[cell + ANSWER] === 0) tape[cell + STATUS] = FAILED;
      if (this.isFull) {
        this.count++;
        continue;
      }
      const add = (place: Path | undefined): void => {
        this.#addSubgraphError(message, extensions, place, request.subgraph);
      };
      const within = asksEntities ? path?.slice(2) : path;
      if (within === undefined || within.length + (asksEntities ? 1 : 0) === 0 || cell === undefined) {
        add(this.#firstPlace(fetch, call));
        continue;
      }
      places ??= this.#placesOf(fetch, call);
      const renamed = outputRewrites === undefined ? within : renamedPath(outputRewrites, within);
      const lost = lengthToNull(this.#run, tape[cell + ANSWER]!, result, within);
      for (const place of places.get(cell) ?? []) {
        add([...place, ...renamed]);
        if (lost === undefined) continue;
        (this.#losses ??= new Losses()).add([...place, ...renamed.slice(0, lost)], fetch.index);
      }
    }
  }

  /** Where in the response the entities of a call stand. */
  #placesOf(fetch: CompiledFetch, call: Call): Map<number, Path[]> {
    const { workspace } = this.#run;
    const places = new Map<number, Path[]>();
    walkPlaces(this.#run, fetch.walk, (record, path) => {
      const { tape } = workspace;
      const cell = tape[record + fetch.join]!;
      if (tape[cell + BATCH] !== call.id) return true;
      const known = places.get(cell);
      if (known === undefined) places.set(cell, [path]);
      else if (known.length < this.#limit) known.push(path);
      return true;
    });
    return places;
  }

  #addSubgraphError(
    message: string,
    extensions: Readonly<Record<string, unknown>>,
    path: Path | undefined,
    subgraph: string,
  ): void {
    const code = typeof extensions['code'] === 'string' ? extensions['code'] : 'DOWNSTREAM_SERVICE_ERROR';
    if (this.#mask === 'all' || (this.#mask === 'unexpected' && unexpected.has(code))) {
      this.#add(code, `Subgraph "${subgraph}" reported an error.`, path, subgraph);
      return;
    }
    const told = Object.entries(extensions).filter(([name]) => !untold.has(name));
    const isLarge = told.length > 0 && JSON.stringify(told).length > longestText;
    this.#add(code, message, path, subgraph, isLarge ? {} : Object.fromEntries(told));
  }

  #add(
    code: string,
    message: string,
    path: Path | undefined,
    subgraph: string | undefined,
    extensions: Readonly<Record<string, unknown>> = {},
  ): void {
    this.count++;
    if (path !== undefined) {
      // One error per field: the first.
      if (this.#exact.has(pathKey(path, path.length))) return;
      this.#remember(path);
    }
    if (this.isFull) return;
    const service = subgraph === undefined ? {} : { service: subgraph };
    const text = message.slice(0, longestText);
    const told = { ...extensions, code: code.slice(0, longestText), ...service };
    const error = new GraphQLError(text, { path: path ?? null, extensions: told });
    this.#bytesLeft -= Buffer.byteLength(JSON.stringify(error));
    if (this.#bytesLeft >= 0) this.#errors.push(error);
    // Its path is too long. Without an error, what is missing would be taken for what there is, and kept.
    else if (this.#errors.length === 0) this.#errors.push(new GraphQLError(text, { extensions: told }));
  }

  /** Whether no more errors are told. */
  get isFull(): boolean {
    return this.#bytesLeft < 0 || this.#errors.length >= this.#limit;
  }

  #remember(path: Path): void {
    const known = (this.#known ??= new Set());
    for (let length = 1; length <= path.length; length++) known.add(pathKey(path, length));
    this.#exact.add(pathKey(path, path.length));
  }

  /** Whether there is an error at this path, below it, or of the whole object around it. */
  #isKnown(path: Path): boolean {
    if (this.#known === undefined) return false;
    if (this.#known.has(pathKey(path, path.length))) return true;
    for (let length = 1; length < path.length; length++)
      if (this.#exact.has(pathKey(path, length))) return true;
    return false;
  }
}

/** Codes of errors that nobody gave a code, and of those that a server made of what was thrown. */
const unexpected = new Set(['DOWNSTREAM_SERVICE_ERROR', 'INTERNAL_SERVER_ERROR']);
/** Extensions of a subgraph's error that are for its own logs, or that Apollo Server would obey. */
const untold = new Set(['stacktrace', 'exception', 'http', 'debugMessage']);
/** Of a message, in characters; extensions that are longer as JSON are left out. */
const longestText = 1024;
/** Elements of the path of a subgraph's error: each of its beginnings is remembered. One that is longer is none. */
const longestPath = 256;

function renamedPath(rewrites: Parameters<typeof renamedKey>[0], path: Path): Path {
  const keys: string[] = [];
  return path.map((element) => {
    if (typeof element === 'number') return element;
    keys.push(element);
    return renamedKey(rewrites, keys);
  });
}

function partsOf(error: unknown): {
  message: string;
  path: Path | undefined;
  extensions: Readonly<Record<string, unknown>>;
} {
  const { message, path, extensions } = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: unknown;
    path?: unknown;
    extensions?: unknown;
  };
  return {
    message: typeof message === 'string' ? message : 'A subgraph reported an error.',
    path: Array.isArray(path) && path.length <= longestPath && path.every(isPathElement) ? path : undefined,
    extensions:
      typeof extensions === 'object' && extensions !== null && !Array.isArray(extensions)
        ? (extensions as Record<string, unknown>)
        : {},
  };
}

function isPathElement(element: unknown): element is string | number {
  return typeof element === 'string' ? element.length <= longestText : typeof element === 'number';
}
