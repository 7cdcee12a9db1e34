import { isUtf8 } from 'node:buffer';
import type { NamedRequest } from './persisted/persisted-operations';
import { requestError } from '../errors';
import { isMap } from '../options/is-map';

/** The members of one operation as the client sent them, unchecked (GraphQL over HTTP, "Request Parameters"). */
export type SentOperation = NamedRequest & {
  readonly operationName?: unknown;
  readonly variables?: unknown;
};

/** An operation in the usual form: members that Apollo Server accepts, whatever the document is. */
export interface UsualOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Reads the body of a POST: an operation, or several.
 *
 * @param withoutExtensions drops `extensions`, as the signature of the request does not cover them
 * @throws {GraphQLError} when it is no JSON object or array
 */
export function parseBody(body: Buffer, withoutExtensions: boolean): SentOperation | readonly unknown[] {
  if (body.length === 0) throw requestError('BAD_REQUEST', { reason: 'The body is empty.' });
  if (!isUtf8(body)) throw requestError('BAD_REQUEST', { reason: 'The body is not valid UTF-8.' });
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    throw requestError('BAD_REQUEST', { reason: 'The body is not valid JSON.' });
  }
  if (typeof parsed !== 'object' || parsed === null)
    throw requestError('BAD_REQUEST', { reason: 'The body must be a JSON object.' });
  if (withoutExtensions) for (const each of [parsed].flat()) if (isMap(each)) delete each['extensions'];
  return parsed;
}

/** Reads the parameters of a GET. Undefined for an unusual form: Apollo Server answers with the error. */
export function parseUrl(url: string): SentOperation | undefined {
  const parameters = new URLSearchParams(searchOf(url));
  const operation: Record<string, unknown> = {};
  for (const [name, text] of parameters) {
    if (Object.hasOwn(operation, name)) return undefined;
    operation[name] = text;
  }
  for (const name of ['variables', 'extensions']) {
    if (!Object.hasOwn(operation, name)) continue;
    try {
      operation[name] = JSON.parse(operation[name] as string);
    } catch {
      return undefined;
    }
    if (!isMap(operation[name])) return undefined;
  }
  return operation;
}

/**
 * A subscription as it goes on after the event with this id. @param id the client's `Last-Event-ID`: a header, as a browser
 * that has lost its event stream repeats the request that it began with
 */
export function resumedAfter(
  id: string | string[],
  sent: SentOperation | undefined,
): SentOperation | undefined {
  const { extensions = {} } = sent ?? {};
  return sent !== undefined && isMap(extensions)
    ? { ...sent, extensions: { ...extensions, after: String(id) } }
    : sent;
}

/** An operation as the query string of a GET. @throws {GraphQLError} for `extensions` that are too deep to be written */
export function searchFor({ query, extensions }: NamedRequest, url: string): string {
  const parameters = new URLSearchParams(searchOf(url));
  if (extensions !== undefined) {
    try {
      parameters.set('extensions', JSON.stringify(extensions));
    } catch {
      throw requestError('BAD_REQUEST', { reason: '`extensions` are nested too deeply.' });
    }
  }
  if (typeof query === 'string') parameters.set('query', query);
  return `?${parameters.toString()}`;
}

/** The query string of a URL, with its question mark. */
export function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

/** The operation in the usual form; undefined if it has another form. */
export function usualOperation({
  query,
  operationName,
  variables,
  extensions,
}: SentOperation): UsualOperation | undefined {
  if (typeof query !== 'string' || query === '') return undefined;
  if (extensions !== undefined && extensions !== null) {
    // Only Apollo Server registers operations, so `persistedQuery` is left to it.
    if (!isMap(extensions) || extensions['persistedQuery'] !== undefined) return undefined;
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    return undefined;
  if (variables !== undefined && variables !== null && !isMap(variables)) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? {} };
}
