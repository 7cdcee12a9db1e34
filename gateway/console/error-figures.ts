import type { MeasuredRequest } from '../telemetry/statistics/request-statistics';
import { errorOf, type ReportedError } from '../request/reported-errors';
import type { FiguredOperation } from './operation-figures';

/** Requests of one client whose answers had the same error: one row of the page *Errors*. */
export interface CountedError extends ReportedError {
  readonly client: { readonly name: string; readonly version: string };
  readonly operation: FiguredOperation;
  /** Requests, however often each of them has it. */
  readonly requests: number;
  /** When the first and the last of them were answered, in Unix milliseconds. */
  readonly first: number;
  readonly last: number;
  /** The request id of the last one. */
  readonly example: string;
}

export interface ErrorParts {
  readonly errors: readonly CountedError[];
  /** Requests with errors that have no row, and when the last of them was answered. */
  readonly others: { readonly requests: number; readonly last: number };
}

type Row = { -readonly [Name in keyof CountedError]: CountedError[Name] };

export interface ErrorFiguresOptions {
  /** Bytes, estimated. */
  readonly memory: number;
  /** Rows. Errors that have none are counted together. @default 1000 */
  readonly most?: number;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** Counts requests with errors by code, path, subgraph, client and operation. Those that are not seen for a day go. */
export class ErrorFigures {
  readonly #most: number;
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  readonly #others = { requests: 0, last: 0 };
  #swept = -Infinity;

  constructor({ memory, most = 1000, now = Date.now }: ErrorFiguresOptions) {
    this.#most = Math.max(1, Math.min(most, Math.floor(memory / rowBytes)));
    this.#now = now;
  }

  /** Bytes, estimated. */
  get bytes(): number {
    return this.#rows.size * rowBytes;
  }

  /** Counts the errors of a request. @param operation the one that it has, or the last one of a batch */
  count(request: MeasuredRequest, { key: operationKey, name, type }: FiguredOperation): void {
    const { errors, clientName, clientVersion } = request;
    if (errors === undefined) return;
    const now = this.#now();
    for (const error of errors) {
      const key = `${operationKey}\n${clientName}\n${clientVersion}\n${error}`;
      const row = this.#rows.get(key);
      if (row === undefined) this.#add(key, error, request, { key: operationKey, name, type }, now);
      else {
        row.requests++;
        row.last = now;
        row.example = request.id;
      }
    }
  }

  read(): ErrorParts {
    this.#forget();
    return { errors: Array.from(this.#rows.values(), (row) => ({ ...row })), others: { ...this.#others } };
  }

  #add(
    key: string,
    error: string,
    { id, clientName: name, clientVersion: version }: MeasuredRequest,
    operation: FiguredOperation,
    now: number,
  ): void {
    if (this.#rows.size >= this.#most) this.#makeRoom(now);
    if (this.#rows.size >= this.#most) {
      this.#others.requests++;
      this.#others.last = now;
      return;
    }
    this.#rows.set(key, {
      ...{ ...errorOf(error), client: { name, version }, operation },
      ...{ requests: 1, first: now, last: now, example: id },
    });
  }

  /** The rarest errors join the others, the oldest of them first: seldom, as whoever sends many must not make it slow. */
  #makeRoom(now: number): void {
    if (now - this.#swept < pause) return;
    this.#swept = now;
    this.#forget();
    const rare = [...this.#rows].sort(
      ([, one], [, other]) => one.requests - other.requests || one.last - other.last,
    );
    for (const [key, { requests, last }] of rare.slice(0, Math.ceil(this.#most / 10))) {
      this.#rows.delete(key);
      this.#others.requests += requests;
      this.#others.last = Math.max(this.#others.last, last);
    }
  }

  #forget(): void {
    const since = this.#now() - lifetime;
    for (const [key, { last }] of this.#rows) if (last < since) this.#rows.delete(key);
    if (this.#others.last < since) this.#others.requests = 0;
  }
}

/** Milliseconds. */
const lifetime = 24 * 3600_000;
const pause = 60_000;
/** Of a row, as measured: test/unit/gateway/console/error-figures.test.ts. */
const rowBytes = 800;
