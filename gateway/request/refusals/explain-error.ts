import type { GraphQLError } from 'graphql';
import { errors, loggedMessage } from '../../errors';
import type { Refusal } from './refusal';

/** An error that is the whole answer, or that of one operation, in a sentence without values of the client. */
export function explainError(error: GraphQLError): Refusal {
  const code = String(error.extensions['code']).slice(0, longestCode);
  return { code, message: loggedMessage(error) ?? messageByCode(code, error), ...error.locations?.[0] };
}

/** Hooks choose codes, too. */
const longestCode = 100;

/** An error that Weir has not made: of Apollo Server, of graphql-js, or of a hook. */
function messageByCode(code: string, { message }: GraphQLError): string {
  switch (code) {
    case 'GRAPHQL_PARSE_FAILED':
      return syntaxError(message);
    case 'OPERATION_RESOLUTION_FAILURE':
      return message.startsWith('The document has no operation named')
        ? 'The document has no operation with the name that the request gives.'
        : 'The document has several operations, and the request names none.';
    case 'PERSISTED_QUERY_NOT_FOUND':
    case 'PERSISTED_QUERY_NOT_SUPPORTED':
      return errors[code].logged();
    case 'NOT_ACCEPTABLE':
      return errors.NOT_ACCEPTABLE.message({});
    case 'METHOD_NOT_ALLOWED':
      return 'A mutation or a subscription is sent by POST, not by GET.';
    case 'BAD_REQUEST':
    case 'UNSUPPORTED_MEDIA_TYPE':
      if (message.includes('Cross-Site Request Forgery')) return crossSite;
      if (fixedMessages.has(message)) return message;
      return 'The request is not a GraphQL request.';
    default:
      return `The request was refused with the code ${code}.`;
  }
}

const crossSite =
  'A page of another origin could have sent the request: it has neither a content type of JSON nor one of the headers of `csrf.headers`.';

/** What the parser of graphql-js has found where it expected something else; its message also has the text. */
function syntaxError(message: string): string {
  const [, found] =
    /(?:found|Unexpected) (Name|Int|Float|String|BlockString|<EOF>|"[^\w"]{1,3}")/.exec(message) ?? [];
  const what = found === undefined ? undefined : (tokens[found] ?? `\`${found.slice(1, -1)}\``);
  return `The document has a syntax error${what === undefined ? '' : `: ${what} is not expected there`}.`;
}

const tokens: Readonly<Record<string, string>> = {
  Name: 'a name',
  Int: 'a number',
  Float: 'a number',
  String: 'a text',
  BlockString: 'a text',
  '<EOF>': 'its end',
};

/** Messages of Apollo Server that have nothing of the client. */
const fixedMessages: ReadonlySet<string> = new Set([
  'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.',
  'GraphQL queries must be strings.',
  'POST body missing, invalid Content-Type, or JSON object has no keys.',
  '`variables` in a POST body should be provided as an object, not a recursively JSON-encoded string.',
  '`extensions` in a POST body should be provided as an object, not a recursively JSON-encoded string.',
  '`extensions` in a POST body must be an object if provided.',
  '`variables` in a POST body must be an object if provided.',
  '`operationName` in a POST body must be a string if provided.',
  'GET requests may not have a content-type header other than application/json.',
  'No operations found in request.',
  'Unsupported persisted query version',
  'provided sha does not match query',
  ...['query', 'operationName', 'variables', 'extensions'].map(
    (name) => `The '${name}' search parameter may only be specified once.`,
  ),
  ...['variables', 'extensions'].flatMap((name) => [
    `The ${name} search parameter contains invalid JSON.`,
    `The ${name} search parameter should contain a JSON-encoded object.`,
  ]),
]);
