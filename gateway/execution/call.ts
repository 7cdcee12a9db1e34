import { isUtf8 } from 'node:buffer';
import { type EntityList, type SubgraphResponse, TransportError } from '../transports/transport';
import { type ErrorCode, errors } from '../errors';
import { ABSENT, NULL, OBJECT } from './json/tape';
import { MalformedJson, scanResponse } from './json/scan';
import { type CompiledOperation } from './operation';
import { type Run } from './run';

/** One call of a subgraph: who waits for it, and what came of it. */
export class Call {
  readonly operation: CompiledOperation;
  isPending = true;
  failure: Failure | undefined;
  /** The response's `errors`, as the subgraph sent them. */
  errors: readonly unknown[] = [];
  /** The record of `data`; 0 if there is none. */
  data = 0;
  /** The cells that it was asked for, in the order of its representations. */
  readonly cells: number[] = [];
  /** Its number among the calls of the run, from 1 on. */
  readonly id: number;
  readonly #waiting: (() => void)[] = [];

  constructor(run: Run, operation: CompiledOperation) {
    this.operation = operation;
    this.id = run.calls.push(this);
  }

  whenDone(done: () => void): void {
    this.#waiting.push(done);
  }

  /** Sends it. `receive` is called when `data` has arrived, or will not; then those who wait. */
  send(run: Run, variables: Buffer, entities: readonly EntityList[] | undefined, receive: () => void): void {
    const settle = (): void => {
      receive();
      this.isPending = false;
      for (const done of this.#waiting) done();
    };
    const answered = (response: SubgraphResponse): void => {
      this.#read(run, response);
      settle();
    };
    const failed = (reason: unknown): void => {
      this.failure = transportFailure(this.operation.request.subgraph, reason);
      settle();
    };
    let answer: Promise<SubgraphResponse>;
    try {
      answer = run.send({ operation: this.operation.request, variables, caller: run.caller, entities });
    } catch (reason) {
      failed(reason);
      return;
    }
    answer.then(answered, failed).catch(run.fail);
  }

  /** Fails it for what its answer says, or does not say. */
  reject(reason: string): void {
    const { subgraph } = this.operation.request;
    const code = 'SUBREQUEST_MALFORMED_RESPONSE';
    this.failure = { code, message: errors[code].message({ subgraph, reason }) };
  }

  #rejectStatus(status: number): void {
    const { subgraph } = this.operation.request;
    const code = 'SUBREQUEST_HTTP_ERROR';
    this.failure = { code, message: errors[code].message({ subgraph, status }) };
  }

  #read(run: Run, { status, body }: SubgraphResponse): void {
    const { workspace } = run;
    const before = workspace.top;
    const isError = status < 200 || status >= 300;
    try {
      if (body.length === 0) throw new MalformedJson('it is empty');
      if (!isUtf8(body)) throw new MalformedJson('it is not UTF-8');
      const start = workspace.append(body);
      const response = scanResponse(workspace, start, start + body.length, this.operation.shape);
      const told =
        response.errorsStart === 0
          ? undefined
          : (JSON.parse(
              workspace.bytes.toString('utf8', response.errorsStart, response.errorsEnd),
            ) as unknown);
      if (Array.isArray(told)) this.errors = told;
      if (response.dataKind === OBJECT) this.data = response.data;
      else if (response.dataKind !== ABSENT && response.dataKind !== NULL)
        throw new MalformedJson('its data is no object');
      else if (this.errors.length === 0) throw new MalformedJson('it has neither data nor errors');
    } catch (error) {
      if (!(error instanceof MalformedJson) && !(error instanceof RangeError)) throw error;
      workspace.rollBack(before);
      this.errors = [];
      this.data = 0;
      if (isError) this.#rejectStatus(status);
      else this.reject(error.message);
    }
  }
}

export interface Failure {
  readonly code: ErrorCode;
  /** May reach clients. */
  readonly message: string;
}

function transportFailure(subgraph: string, reason: unknown): Failure {
  if (reason instanceof TransportError) return { code: reason.code, message: reason.message };
  // Whatever else was thrown may tell too much.
  return { code: 'SUBREQUEST_HTTP_ERROR', message: errors.SUBREQUEST_HTTP_ERROR.message({ subgraph }) };
}
