import { GraphQLError } from 'graphql';
import { ClientGone, type IncomingRequest } from './incoming-request';
import { requestError, RequestErrors } from '../errors';
import { errorAnswer } from '../http/error-answer';
import type { Logger } from '../telemetry/logger';
import type { Answer } from './sink';

/** Answers requests: each answer has the headers of its request. */
export class Reply {
  readonly #logger: Pick<Logger, 'error'>;

  constructor(logger: Pick<Logger, 'error'>) {
    this.#logger = logger;
  }

  send(client: IncomingRequest, { status, headers, body, release }: Answer): void {
    client.settle();
    client.sink.answer({ status, headers: [...client.ownHeaders, ...headers], body, release });
  }

  /** Sends an error as the whole answer. Nothing to a client that has left. */
  refuse(client: IncomingRequest, error: unknown): void {
    if (error instanceof ClientGone || client.sink.isAnswered) return;
    const isOurs = error instanceof RequestErrors || (error instanceof GraphQLError && hasCode(error));
    if (!isOurs) this.#logger.error({ err: error, requestId: client.id }, 'a request failed');
    const told = isOurs ? error : requestError('INTERNAL_SERVER_ERROR', {});
    const { status, headers, body } = errorAnswer(told, client.head.headers.accept);
    const length = String(Buffer.byteLength(body));
    this.send(client, { status, headers: [...headers, 'content-length', length], body });
  }
}

/** One of ours has a code; graphql-js throws others, where it is asked for what is impossible. */
const hasCode = ({ extensions }: GraphQLError): boolean => extensions['code'] !== undefined;
