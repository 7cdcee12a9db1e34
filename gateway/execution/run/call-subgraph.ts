import { isUtf8 } from 'node:buffer';
import {
  type Caller,
  type EntityList,
  type Send,
  type SubgraphOperation,
  type SubgraphResponse,
  TransportError,
} from '../../subgraph-calls/contract/transport';
import { conclude } from '../../subgraph-calls/contract/pending-answer';
import { errors } from '../../errors';
import { type CallResult, type Failure, malformed } from './call';
import { ABSENT, NULL, OBJECT, type Workspace } from '../json/tape';
import { MalformedJson, scanResponse } from '../json/scan';
import { type Shape } from '../compile/shape';

export interface CalledOperation {
  readonly request: SubgraphOperation;
  /** The shape of `data` in the answer. */
  readonly shape: Shape;
}

/** The parts of a run that a call needs: its caller, its `Send`, and the workspace for the answer. */
interface CallingRun {
  readonly send: Send;
  readonly caller: Caller;
  readonly workspace: Workspace;
  /** Ends the run for an error that is a fault of the engine. */
  readonly fail: (error: unknown) => void;
}

/** Sends an operation to its subgraph and reads the answer into the workspace. */
export function callSubgraph(
  run: CallingRun,
  { request, shape }: CalledOperation,
  variables: Buffer,
  entities: readonly EntityList[] | undefined,
  done: (result: CallResult) => void,
): void {
  let answer: Promise<SubgraphResponse>;
  try {
    answer = run.send({ operation: request, variables, caller: run.caller, entities });
  } catch (reason) {
    done(noResult(request.subgraph, reason));
    return;
  }
  conclude(answer, { run, subgraph: request.subgraph, shape, done }, answered, failed);
}

/** A call that waits for its answer. */
interface UnansweredCall {
  readonly run: CallingRun;
  readonly subgraph: string;
  readonly shape: Shape;
  readonly done: (result: CallResult) => void;
}

function answered(response: SubgraphResponse, { run, subgraph, shape, done }: UnansweredCall): void {
  try {
    done(read(run.workspace, subgraph, response, shape));
  } catch (error) {
    run.fail(error);
  }
}

function failed(reason: unknown, { run, subgraph, done }: UnansweredCall): void {
  try {
    done(noResult(subgraph, reason));
  } catch (error) {
    run.fail(error);
  }
}

const noResult = (subgraph: string, reason: unknown): CallResult => ({
  data: 0,
  body: 0,
  errors: [],
  failure: transportFailure(subgraph, reason),
});

function read(
  workspace: Workspace,
  subgraph: string,
  { status, body }: SubgraphResponse,
  shape: Shape,
): CallResult {
  const before = workspace.top;
  try {
    if (body.length === 0) throw new MalformedJson('it is empty');
    if (!isUtf8(body)) throw new MalformedJson('it is not UTF-8');
    const start = workspace.append(body);
    const response = scanResponse(workspace, start, start + body.length, shape);
    const reported =
      response.errorsStart === 0
        ? undefined
        : (JSON.parse(workspace.bytes.toString('utf8', response.errorsStart, response.errorsEnd)) as unknown);
    if (reported !== undefined && reported !== null && !Array.isArray(reported))
      throw new MalformedJson('its errors are no list');
    const errors: unknown[] = reported ?? [];
    if (response.dataKind === OBJECT) return { data: response.data, body: start, errors, failure: undefined };
    if (response.dataKind !== ABSENT && response.dataKind !== NULL)
      throw new MalformedJson('its data is no object');
    if (errors.length === 0) throw new MalformedJson('it has neither data nor errors');
    return { data: 0, body: start, errors, failure: undefined };
  } catch (error) {
    if (!(error instanceof MalformedJson) && !(error instanceof RangeError)) throw error;
    workspace.rollBack(before);
    const isError = status < 200 || status >= 300;
    const failure = isError ? refused(subgraph, status) : malformed(subgraph, error.message);
    return { data: 0, body: 0, errors: [], failure };
  }
}

function refused(subgraph: string, status: number): Failure {
  const code = 'SUBREQUEST_HTTP_ERROR';
  return { code, message: errors[code].message({ subgraph, status }) };
}

/** The failure that clients see for a call without an answer. */
export function transportFailure(subgraph: string, reason: unknown): Failure {
  if (reason instanceof TransportError)
    return { code: reason.code, message: reason.message, reason: reason.failure };
  // The message of any other error may hold internals.
  return { code: 'SUBREQUEST_HTTP_ERROR', message: errors.SUBREQUEST_HTTP_ERROR.message({ subgraph }) };
}
