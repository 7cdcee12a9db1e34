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

const noVariables = Buffer.from('{}');

/** The headers of every request to a subgraph. */
export const requestHeaders = {
  'content-type': 'application/json',
  accept: 'application/graphql-response+json, application/json',
} as const;
