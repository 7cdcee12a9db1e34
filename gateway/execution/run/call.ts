import { errors, type ErrorCode } from '../../errors';
import { type ContextValues } from './contexts';
import { type CompiledOperation } from '../compile/subgraph-operation';
import { type ByteWriter } from '../json/write';

/** The entities that calls of one operation ask for. */
export interface EntitiesOfCalls {
  /** The variables beside the representations, comma-separated. */
  readonly arguments: Buffer;
  /** The values of those variables that come from objects around. */
  readonly contexts: ContextValues;
  /** All representations, a comma before each. */
  readonly written: ByteWriter;
  /** Ends the call that is being gathered; returns where its representations end. */
  endCall(): number;
}

/** One subgraph call: its operation, who waits for it, and its result. */
export class Call {
  readonly operation: CompiledOperation;
  /** Where its representations were written, and from where to where; undefined for root fields. */
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
  /** The cells that it was asked for, in the order of its representations. */
  readonly cells: number[] = [];
  /** Its number among the calls of the run, from 1 on. */
  readonly id: number;
  readonly #read: (call: Call) => void;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param calls those of the run, to which it is added
   * @param read called when its data has arrived, or will not; then those who wait
   */
  constructor(
    calls: Call[],
    operation: CompiledOperation,
    read: (call: Call) => void,
    entityRequests?: EntitiesOfCalls,
    start = 0,
  ) {
    this.operation = operation;
    this.entityRequests = entityRequests;
    this.start = start;
    this.#read = read;
    this.id = calls.push(this);
  }

  /** To be called just before it is sent: entities that are requested from now on go into another call. */
  close(): void {
    if (this.entityRequests !== undefined) this.end = this.entityRequests.endCall();
  }

  whenDone(done: () => void): void {
    this.#waiting.push(done);
  }

  /** Takes the result. */
  receive({ data, body, errors, failure }: CallResult): void {
    this.data = data;
    this.body = body;
    this.errors = errors;
    this.failure = failure;
    this.#read(this);
    this.isPending = false;
  }

  /** To be called when everything that arrived with it has been received. */
  tellThoseWhoWait(): void {
    for (const done of this.#waiting) done();
  }

  /** Fails it for what its answer says, or does not say. */
  reject(reason: string): void {
    this.failure = malformed(this.operation.request.subgraph, reason);
  }
}

/** The result of a subgraph call. */
export interface CallResult {
  /** The record of `data`; 0 if there is none, as where there is a failure. */
  readonly data: number;
  /** Where in the workspace the answer's bytes begin; 0 if there are none. */
  readonly body: number;
  /** The response's `errors`, as the subgraph sent them. */
  readonly errors: readonly unknown[];
  /** Why there is no response that can be read. */
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly code: ErrorCode;
  /** May reach clients. */
  readonly message: string;
}

export function malformed(subgraph: string, reason: string): Failure {
  const code = 'SUBREQUEST_MALFORMED_RESPONSE';
  return { code, message: errors[code].message({ subgraph, reason }) };
}
