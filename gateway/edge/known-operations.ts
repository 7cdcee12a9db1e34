import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { FormatError } from '../apollo-server';
import { ClientGone } from '../client-request';
import { requestError } from '../errors';
import type { Execution } from '../execution';
import type { Gateway } from '../gateway';
import { errorAnswer } from '../http-errors';
import { dataOf, stringifyResult } from '../response-data';
import type { Logger } from '../telemetry/logger';
import type { AnswerHeaders } from './answer-headers';
import { type CachedAnswers, requestKey } from './cached-answers';
import type { Answerer, Arrival } from './front';
import { mediaTypes } from './media-type';
import { idMembers, type PersistedOperations } from './persisted-operations';

export interface KnownOperationsOptions {
  readonly gateway: Gateway;
  /** Headers, names and values in turn. */
  readonly corsHeaders: (origin: string | undefined) => readonly string[];
  readonly formatError: FormatError;
  readonly answerHeaders: AnswerHeaders;
  readonly cachedAnswers: CachedAnswers;
  readonly persistedOperations: PersistedOperations;
  readonly logger: Logger;
}

/**
 * Runs operations that Apollo Server has parsed and validated before. It answers what Apollo Server would answer, to
 * the byte; where anything is out of the ordinary, it leaves the request to it.
 */
export function knownOperations(options: KnownOperationsOptions): Answerer {
  const { gateway, corsHeaders, answerHeaders, cachedAnswers, persistedOperations } = options;
  const mediaTypeFor = mediaTypes();

  return (arrival) => {
    const { client, request, response, body } = arrival;
    const { headers } = request;
    const type = mediaTypeFor(headers.accept);
    if (request.method !== 'POST' || type === undefined || headers[planHeader] !== undefined) return false;
    const asked = parseRequest(body, persistedOperations, client.proof?.withoutExtensions === true);
    if (asked === undefined) return false;
    const generation = gateway.current;
    const operation = generation?.known(asked.query, asked.operationName);
    const start = operation?.prepare(asked.variables, client);
    if (operation === undefined || start === undefined) return false;
    if (persistedOperations.refuse?.(asked.query) !== undefined) return false;
    if (asked.isNamed) persistedOperations.countFound();

    client.onEnd(generation!.hold());
    client
      .run(() => {
        client.resolve(operation);
        return start();
      })
      .then(
        (execution) => {
          const { served } = client;
          let status = 200;
          let told: readonly string[];
          let bytes: Buffer;
          if (served === undefined) {
            bytes = responseBytes(execution, options.formatError);
            told = [
              'cache-control',
              'no-store',
              'content-type',
              type,
              'content-length',
              String(bytes.length),
            ];
          } else {
            cachedAnswers.learn(requestKey(arrival), served, client);
            ({ status, headers: told, body: bytes } = answerHeaders.reply(request, type, served));
          }
          response.writeHead(status, [...client.ownHeaders, ...corsHeaders(headers.origin), ...told]);
          response.end(bytes, execution.release);
        },
        (error: unknown) => fail(arrival, error, options),
      );
    return true;
  };
}

interface Asked {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whether the client named the operation in place of sending it. */
  readonly isNamed: boolean;
}

/** What is asked, if it is in the usual form: a query or what names one, perhaps variables, a name and extensions, nothing else. */
function parseRequest(
  body: Buffer,
  persistedOperations: PersistedOperations,
  withoutExtensions: boolean,
): Asked | undefined {
  if (!isUtf8(body)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  if (withoutExtensions) delete parsed['extensions'];
  const { query: sent, operationName, variables, extensions, ...others } = parsed;
  if (extensions !== undefined && extensions !== null && !isRecord(extensions)) return undefined;
  const isNamed = sent === undefined;
  const query = isNamed ? persistedOperations.peek(parsed) : sent;
  if (typeof query !== 'string' || query === '') return undefined;
  // Only Apollo Server registers operations.
  if (!isNamed && extensions?.['persistedQuery'] !== undefined) return undefined;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    return undefined;
  if (variables !== undefined && variables !== null && !isRecord(variables)) return undefined;
  for (const name in others) if (!isNamed || !namesOfIds.has(name)) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? {}, isNamed };
}

const namesOfIds = new Set<string>(idMembers);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const planHeader = 'apollo-query-plan-experimental';

/** The body of an answer, with its errors as clients may see them. */
function responseBytes(execution: Execution, formatError: KnownOperationsOptions['formatError']): Buffer {
  const { body, errors } = execution;
  if (errors.length === 0) return body;
  return Buffer.from(
    stringifyResult({
      errors: errors.map((error) => formatError(withCode(error), error)),
      data: dataOf(execution),
    }),
  );
}

/** As Apollo Server hands an error on to be formatted. */
const withCode = (error: GraphQLError): GraphQLFormattedError => ({
  ...error.toJSON(),
  extensions: { ...error.extensions, code: error.extensions['code'] ?? 'INTERNAL_SERVER_ERROR' },
});

function fail(
  { client, request, response }: Arrival,
  error: unknown,
  { corsHeaders, logger }: KnownOperationsOptions,
): void {
  if (error instanceof ClientGone) return;
  // One of ours has a code; graphql-js throws others, where it is asked for what is impossible.
  const isOurs = error instanceof GraphQLError && error.extensions['code'] !== undefined;
  if (!isOurs) logger.error({ err: error, requestId: client.id }, 'a request failed');
  const told = isOurs ? error : requestError('INTERNAL_SERVER_ERROR', {});
  writeError(response, request, told, [...client.ownHeaders, ...corsHeaders(request.headers.origin)]);
}

function writeError(
  response: ServerResponse,
  { headers: { accept } }: IncomingMessage,
  error: GraphQLError,
  more: readonly string[],
): void {
  const { status, headers, body } = errorAnswer(error, accept);
  response.writeHead(status, [
    ...more,
    ...headers.flat(),
    ...['content-length', String(Buffer.byteLength(body))],
  ]);
  response.end(body);
}
