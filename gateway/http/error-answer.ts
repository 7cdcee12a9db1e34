import { GraphQLError } from 'graphql';
import { boundedMessage, mostLocations, type RequestErrors } from '../errors';

export interface ErrorAnswer {
  readonly status: number;
  /** Names and values in turn, without the length of the body. */
  readonly headers: readonly string[];
  /** Of `headers` those that the error itself has. */
  readonly ownHeaders: readonly string[];
  /** JSON. */
  readonly body: string;
}

/** An answer with only errors, in the one of the two media types that the client prefers. */
export function errorAnswer(error: GraphQLError | RequestErrors, accept = ''): ErrorAnswer {
  const errors = error instanceof GraphQLError ? [error] : error.errors;
  const { http } = errors[0]!.extensions as HttpExtensions;
  const status = http?.status ?? 500;
  const ownHeaders = [...(http?.headers ?? [])].flat();
  return {
    status,
    ownHeaders,
    headers: [...ownHeaders, 'cache-control', 'no-store', 'content-type', mediaTypeOfErrors(status, accept)],
    body: JSON.stringify({ errors: errors.map(formatted) }),
  };
}

/** The media type of an answer with only errors. */
export function mediaTypeOfErrors(status: number, accept = ''): string {
  // The link of AppSync's clients takes anything, but reads errors only from a GraphQL response.
  const isGraphql =
    accept.includes('application/graphql-response+json') || (status === 401 && accept.includes('*/*'));
  return `application/${isGraphql ? 'graphql-response+json' : 'json'}; charset=utf-8`;
}

function formatted({ message, locations, extensions }: GraphQLError) {
  return {
    message: boundedMessage(message),
    locations: locations?.slice(0, mostLocations),
    extensions: { ...extensions, http: undefined },
  };
}

/** The HTTP status and headers that `requestError` sets. */
export interface HttpExtensions {
  readonly http?: { readonly status: number; readonly headers: ReadonlyMap<string, string> };
  readonly [key: string]: unknown;
}
