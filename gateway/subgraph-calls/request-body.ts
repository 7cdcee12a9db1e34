import type { SubgraphRequest } from './transport';

/** The body of a request for a subgraph: GraphQL over HTTP, section 5.4, "Request Parameters" in JSON. */
export function bodyOf({ operation, variables: given }: SubgraphRequest): Buffer {
  const { bodyPrefix: prefix, bodySuffix: suffix = '}' } = operation;
  const variables = given.length === 0 ? noVariables : given;
  const body = Buffer.allocUnsafe(prefix.length + variables.length + suffix.length);
  prefix.copy(body, 0);
  variables.copy(body, prefix.length);
  body.write(suffix, prefix.length + variables.length, 'latin1');
  return body;
}

/** The same of a subscription, with the position after which it begins, and other `extensions`. */
export function subscribeBody(
  request: SubgraphRequest,
  extensions: Readonly<Record<string, unknown>> = {},
): Buffer {
  const { operation, after } = request;
  const all = after === undefined ? extensions : { ...extensions, after };
  if (Object.keys(all).length === 0) return bodyOf(request);
  return bodyOf({ ...request, operation: { ...operation, bodySuffix: `,"extensions":${asciiJson(all)}}` } });
}

/** JSON in ASCII. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const noVariables = Buffer.from('{}');

/** The headers of every request to a subgraph. */
export const requestHeaders = {
  'content-type': 'application/json',
  accept: 'application/graphql-response+json, application/json',
} as const;
