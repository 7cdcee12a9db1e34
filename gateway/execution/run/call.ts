import { errors, type ErrorCode } from '../../errors';
import { type TransportFailure } from '../../subgraph-calls/contract/transport';
import { type ContextValues } from './contexts';
import { type FetchOperation } from '../compile/subgraph-operation';
import { type ByteWriter } from '../json/write';

/** The entities that calls of one operation ask for. */
export interface EntitiesOfCalls {
  /** The variables besides the representations, comma-separated. */
  readonly arguments: Buffer;
  /** The values of the variables that come from ancestors (`@fromContext`). */
  readonly contexts: ContextValues;
  /** The representations, each after a comma. */
  readonly written: ByteWriter;
  /** Closes the call that collects entities; returns where its representations end in `written`. */
  endCall(): number;
}

/** One subgraph call: its operation, the fetches that wait for it, and its result. */
export class SubgraphCall {
  readonly operation: FetchOperation;
  /** Holds its representations, from `start` to `end` of `written`; undefined for root fields. */
  readonly entityRequests: EntitiesOfCalls | undefined;
  readonly start: number;
  end = 0;
  isPending = true;
  failure: Failure | undefined;
  /** The response's `errors`, as the subgraph sent them. */
  errors: readonly unknown[] = [];
  /** The record of `data`; 0 if there is none. */
  data = 0;
  /** Where in the workspace the answer's bytes begin; 0 if there are none. */
  body = 0;
  /** The cells that it answers, in the order of its representations. */
  readonly cells: number[];
  /** Its number among the calls of the run, from 1 on. */
  readonly id: number;
  readonly #read: (call: SubgraphCall) => void;
  /** Undefined until somebody waits. */
  #waiting: (() => void)[] | undefined;

  /**
   * @param calls the calls of the run, to which it adds itself
   * @param cells those that it answers; more may be added until it is sent
   * @param read called when its data has arrived or its call has failed, before the waiting fetches
   */
  constructor(
    calls: SubgraphCall[],
    operation: FetchOperation,
    cells: number[],
    read: (call: SubgraphCall) => void,
    entityRequests?: EntitiesOfCalls,
    start = 0,
  ) {
    this.operation = operation;
    this.cells = cells;
    this.entityRequests = entityRequests;
    this.start = start;
    this.#read = read;
    this.id = calls.push(this);
  }

  /** Call just before sending: entities requested from now on go into another call. */
  close(): void {
    if (this.entityRequests !== undefined) this.end = this.entityRequests.endCall();
  }

  whenDone(done: () => void): void {
    // V8 makes room for 17 elements at the first `push` to an empty array; most calls have one who waits.
    if (this.#waiting === undefined) this.#waiting = [done];
    else this.#waiting.push(done);
  }

  receive({ data, body, errors, failure }: CallResult): void {
    this.data = data;
    this.body = body;
    this.errors = errors;
    this.failure = failure;
    this.#read(this);
    this.isPending = false;
  }

  /** Call after all calls of the same request have received their results. */
  settleWaiting(): void {
    if (this.#waiting !== undefined) for (const done of this.#waiting) done();
  }

  /** Fails it because of its answer's content. */
  reject(reason: string): void {
    this.failure = malformed(this.operation.request.subgraph, reason);
  }
}

export interface CallResult {
  /** The record of `data`; 0 if there is none, as after a failure. */
  readonly data: number;
  /** Where in the workspace the answer's bytes begin; 0 if there are none. */
  readonly body: number;
  /** The response's `errors`, as the subgraph sent them. */
  readonly errors: readonly unknown[];
  /** Why there is no readable response. */
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly code: ErrorCode;
  /** Safe to show to clients. */
  readonly message: string;
  /** Why there was no response; undefined where one could not be read. */
  readonly reason?: TransportFailure | undefined;
}

export function malformed(subgraph: string, reason: string): Failure {
  const code = 'SUBREQUEST_MALFORMED_RESPONSE';
  return { code, message: errors[code].message({ subgraph, reason }) };
}
