import { validateHeaderName, validateHeaderValue } from 'node:http';
import { GraphQLError } from 'graphql';
import { type ErrorCode, requestError, RequestErrors } from '../errors';
import { type ErrorAnswer, errorAnswer } from '../http/error-answer';
import { loggedIds } from '../telemetry/logged-ids';
import type { Logger } from '../telemetry/logger';
import type { ErrorStatistics } from '../telemetry/statistics/error-statistics';
import { ClientGone, type IncomingRequest } from './incoming-request';
import { onlyPart } from './answers/only-part';
import { explainError } from './refusals/explain-error';
import type { ClientAnswer } from './sink';

/** Answers requests, and adds the headers of the request to each answer. */
export class Reply {
  readonly #logger: Pick<Logger, 'error'>;
  readonly #statistics: Pick<ErrorStatistics, 'add'>;
  readonly #onAnswer: ((bytes: number) => void) | undefined;
  readonly jsonStatus: 200 | 400;

  /** @param jsonStatus for wrong documents in `application/json` @param onAnswer called before a body is written */
  constructor(
    logger: Pick<Logger, 'error'>,
    statistics: Pick<ErrorStatistics, 'add'>,
    jsonStatus: 200 | 400 = 400,
    onAnswer?: (bytes: number) => void,
  ) {
    this.#logger = logger;
    this.#statistics = statistics;
    this.jsonStatus = jsonStatus;
    this.#onAnswer = onAnswer;
  }

  send(request: IncomingRequest, { status, headers, body, release }: ClientAnswer): void {
    request.settle();
    if (Buffer.isBuffer(body)) this.#onAnswer?.(body.length);
    request.sink.answer({ status, headers: [...request.ownHeaders, ...headers], body, release });
  }

  /** Sends an error as the whole answer. Sends nothing to a client that has left. */
  refuse(request: IncomingRequest, error: unknown): void {
    if (error instanceof ClientGone || request.sink.isAnswered) return;
    const { status, headers, ownHeaders, body } = this.answerTo(request, error);
    if (request.sink.refusesInEvents) {
      // A client that is to come back does not get this as the end.
      const ending = isShutdown(error) ? 'shutdown' : 'failed';
      const part = onlyPart(Buffer.from(body), { kind: 'events', ending });
      this.send(request, { status: 200, headers: [...ownHeaders, 'cache-control', 'no-store'], body: part });
      return;
    }
    const length = String(Buffer.byteLength(body));
    this.send(request, { status, headers: [...headers, 'content-length', length], body });
  }

  /** The answer for an error. One without a code, or that cannot be sent, is a defect and is logged. */
  answerTo(request: IncomingRequest, error: unknown): ErrorAnswer {
    const { accept } = request.head.headers;
    let defect = error;
    // Errors that graphql-js throws have no code.
    if (
      error instanceof RequestErrors ||
      (error instanceof GraphQLError && error.extensions['code'] !== undefined)
    ) {
      try {
        const answer = errorAnswer(error, accept, this.jsonStatus);
        checkHead(answer);
        this.#note(request, error, answer.status);
        return answer;
      } catch (cause) {
        defect = new Error(`An error cannot be sent: ${(cause as Error).message}`, { cause: error });
      }
    }
    this.#logger.error({ err: defect, ...loggedIds(request) }, 'a request failed');
    const internal = requestError('INTERNAL_SERVER_ERROR', {});
    this.#note(request, internal, 500);
    return errorAnswer(internal, accept);
  }

  /** Counts the errors of an answer, and notes them for the access log. */
  #note(request: IncomingRequest, error: GraphQLError | RequestErrors, status: number): void {
    const errors = error instanceof RequestErrors ? error.errors : [error];
    for (const each of errors) {
      request.noteError(each);
      this.#statistics.add(each.extensions);
    }
    request.noteRefusals(errors.map(explainError));
    if (status === 401)
      request.denial = { reason: error.message, mode: request.refusedBy ?? request.identity.mode };
  }
}

/** Whether a request ends with this error because the gateway stops. */
export const isShutdown = (error: unknown): boolean =>
  error instanceof GraphQLError && error.extensions['code'] === ('SHUTTING_DOWN' satisfies ErrorCode);

/** @throws if status or headers are not valid HTTP, or the status does not allow a body */
function checkHead({ status, ownHeaders }: ErrorAnswer): void {
  const isStatus = Number.isInteger(status) && (status === 200 || (status >= 400 && status < 600));
  if (!isStatus) throw new RangeError(`The status must be 200, or 400 to 599, but got: ${String(status)}`);
  for (let i = 0; i < ownHeaders.length; i += 2) {
    validateHeaderName(ownHeaders[i]!);
    validateHeaderValue(ownHeaders[i]!, ownHeaders[i + 1]!);
  }
}
