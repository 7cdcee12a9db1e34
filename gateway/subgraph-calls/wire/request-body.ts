import type { SubgraphRequest } from '../contract/transport';

/**
 * The body of a request for a subgraph: GraphQL over HTTP, section 5.4, "Request Parameters" in JSON.
 *
 * @param head what stands in front of it, in Latin-1. @default nothing
 */
export function bodyOf(request: SubgraphRequest, head = ''): Buffer {
  const { bodyPrefix: prefix, bodySuffix: suffix = '}' } = request.operation;
  const variables = variablesOf(request);
  const message = Buffer.allocUnsafe(head.length + lengthOf(request));
  let at = head.length;
  if (at > 0) message.write(head, 0, 'latin1');
  at += prefix.copy(message, at);
  at += variables.copy(message, at);
  message.write(suffix, at, 'latin1');
  return message;
}

/** The bytes of that body. */
export function lengthOf(request: SubgraphRequest): number {
  const { bodyPrefix: prefix, bodySuffix: suffix = '}' } = request.operation;
  return prefix.length + variablesOf(request).length + suffix.length;
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

const variablesOf = ({ variables }: SubgraphRequest): Buffer =>
  variables.length === 0 ? noVariables : variables;

const noVariables = Buffer.from('{}');

/** The headers of every request to a subgraph. */
export const requestHeaders = {
  'content-type': 'application/json',
  accept: 'application/graphql-response+json, application/json',
} as const;
