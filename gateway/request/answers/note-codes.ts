import type { GraphQLFormattedError } from 'graphql';
import type { IncomingRequest } from '../incoming-request';

/** Notes the error codes in an answer of Apollo Server: a GraphQL response, or a list of them. */
export function noteCodes(request: Pick<IncomingRequest, 'noteCode'>, answer: unknown): void {
  for (const { errors = [] } of [answer].flat() as { readonly errors?: readonly GraphQLFormattedError[] }[])
    for (const { extensions } of errors) request.noteCode(extensions?.['code']);
}
