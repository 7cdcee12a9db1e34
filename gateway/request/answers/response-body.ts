import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import type { OperationResult } from '../../cache/responses/response-cache';
import type { FormatError } from './format-error';
import type { IncomingRequest } from '../incoming-request';

/** The body of an answer (GraphQL, section 7.1), with errors and extensions in the form that clients get. */
export function responseBody(
  { body, data, errors, extensions }: OperationResult,
  formatError: FormatError,
  request: Pick<IncomingRequest, 'noteError'>,
): Buffer {
  if (errors.length === 0 && extensions === undefined) return body;
  const formatted = formattedErrors(errors, formatError, request);
  const before = formatted.length === 0 ? '{"data":' : `{"errors":${JSON.stringify(formatted)},"data":`;
  const after = extensions === undefined ? '}' : `,"extensions":${JSON.stringify(extensions)}}`;
  return Buffer.concat([Buffer.from(before), data, Buffer.from(after)]);
}

/** Errors as clients may see them. */
export function formattedErrors(
  errors: readonly GraphQLError[],
  formatError: FormatError,
  request: Pick<IncomingRequest, 'noteError'>,
): GraphQLFormattedError[] {
  const formatted = errors.map((error) => formatError(withCode(error), error));
  for (const error of formatted) request.noteError(error);
  return formatted;
}

const withCode = (error: GraphQLError): GraphQLFormattedError => ({
  ...error.toJSON(),
  extensions: { ...error.extensions, code: error.extensions['code'] ?? 'INTERNAL_SERVER_ERROR' },
});

/** Notes the errors in an answer of Apollo Server: a GraphQL response, or a list of them. */
export function noteErrors(request: Pick<IncomingRequest, 'noteError'>, answer: unknown): void {
  for (const { errors = [] } of [answer].flat() as { readonly errors?: readonly GraphQLFormattedError[] }[])
    for (const error of errors) request.noteError(error);
}
