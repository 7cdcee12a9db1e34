import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import type { OperationResult } from '../../cache/responses/response-cache';
import type { FormatError } from './format-error';
import type { IncomingRequest } from '../incoming-request';

/**
 * The body of an answer (GraphQL, section 7.1): as the engine wrote it, or written with errors and extensions in the
 * form that clients get.
 */
export function responseBody(
  { body, data, errors, extensions }: OperationResult,
  formatError: FormatError,
  request: Pick<IncomingRequest, 'noteCode'>,
): Buffer {
  if (errors.length === 0 && extensions === undefined) return body;
  const told = formattedErrors(errors, formatError, request);
  const before = told.length === 0 ? '{"data":' : `{"errors":${JSON.stringify(told)},"data":`;
  const after = extensions === undefined ? '}' : `,"extensions":${JSON.stringify(extensions)}}`;
  return Buffer.concat([Buffer.from(before), data, Buffer.from(after)]);
}

/** Errors as clients may see them. */
export function formattedErrors(
  errors: readonly GraphQLError[],
  formatError: FormatError,
  request: Pick<IncomingRequest, 'noteCode'>,
): GraphQLFormattedError[] {
  const told = errors.map((error) => formatError(withCode(error), error));
  for (const { extensions } of told) request.noteCode(extensions?.['code']);
  return told;
}

const withCode = (error: GraphQLError): GraphQLFormattedError => ({
  ...error.toJSON(),
  extensions: { ...error.extensions, code: error.extensions['code'] ?? 'INTERNAL_SERVER_ERROR' },
});
