import { GraphQLError } from 'graphql';
import { boundedMessage, type ErrorCode, mostLocations, type RequestErrors } from '../errors';
import { graphqlJson, json, mediaTypes } from '../net/media-type';

export interface ErrorAnswer {
  readonly status: number;
  /** Names and values in turn, without the length of the body. */
  readonly headers: readonly string[];
  /** Of `headers` those that the error itself has. */
  readonly ownHeaders: readonly string[];
  /** JSON. */
  readonly body: string;
}

/**
 * An answer with only errors, in the one of the two media types that the client prefers.
 *
 * @param jsonStatus the status in `application/json` for a document or variables that are wrong (GraphQL over HTTP,
 * section 6.4.1)
 */
export function errorAnswer(
  error: GraphQLError | RequestErrors,
  accept = '',
  jsonStatus: 200 | 400 = 400,
): ErrorAnswer {
  const errors = error instanceof GraphQLError ? [error] : error.errors;
  const { http, code } = errors[0]!.extensions as HttpExtensions;
  const own = http?.status ?? 500;
  const mediaType = mediaTypeOfErrors(own, accept);
  const status = statusIn(mediaType, own, code, jsonStatus);
  const ownHeaders = [...(http?.headers ?? [])].flat();
  return {
    status,
    ownHeaders,
    headers: [...ownHeaders, 'cache-control', 'no-store', 'content-type', mediaType],
    body: JSON.stringify({ errors: errors.map(formatted) }),
  };
}

/** The status of an answer with only errors in a media type. @param own that of the first error */
export function statusIn(mediaType: string, own: number, code: unknown, jsonStatus: 200 | 400): number {
  const isWrong = own === 400 && wrongRequests.has(code);
  return isWrong && mediaType.startsWith('application/json') ? jsonStatus : own;
}

/** The codes of documents that do not parse or are not valid, and of variables that do not fit. */
const wrongRequests: ReadonlySet<unknown> = new Set<ErrorCode>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
]);

const chosenFor = mediaTypes();

/** The media type of an answer with only errors: as that of others, or JSON where the client accepts neither. */
export function mediaTypeOfErrors(status: number, accept = ''): string {
  // The link of AppSync's clients takes anything, but reads errors only from a GraphQL response.
  if (status === 401 && accept.includes('*/*')) return graphqlJson;
  return chosenFor(accept) ?? json;
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
