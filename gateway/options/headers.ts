import { z } from 'zod';
import {
  answerHeaderName,
  credentials,
  clientHeaderName,
  headerName,
  headerPattern,
  headerValue,
  mapOf,
  text,
} from './values';

const requestRules = {
  forward: z.array(headerPattern, { error: 'must be a list of header names' }),
  exclude: z
    .array(headerPattern, { error: 'must be a list of header names' })
    .prefault([])
    .describe('Client headers that are not forwarded, though `forward` or `rename` names them.')
    .meta({ protects: { items: [] } }),
  rename: z
    .record(clientHeaderName, headerName, { error: 'must be a map of header names' })
    .prefault({})
    .describe('Client headers that are forwarded under another name: `client-name: subgraph-name`.'),
  set: z
    .record(headerName, headerValue.meta({ protects: true }), { error: 'must be a map of headers' })
    .prefault({})
    .describe('Headers that are set on every call of a subgraph, whatever the client sent.'),
  claims: z
    .record(headerName, text.meta({ protects: true }), { error: 'must be a map of header names and claims' })
    .prefault({})
    .describe(
      'Headers that are set from claims of the caller: `x-tenant: tenant`, or `x-roles: realm_access.roles` for a nested claim. Lists and maps are sent as JSON. A header without its claim is left out; it is never the one that the client sent.',
    ),
  defaults: z
    .record(headerName, headerValue.meta({ protects: true }), { error: 'must be a map of headers' })
    .prefault({})
    .describe(
      'Values of headers that would be missing, as the client does not send them or the caller has no such claim: `x-tenant: public`. Names are those that subgraphs see. No effect on a header that is `set`, or that `exclude` names.',
    ),
};

const operationName = headerName
  .refine((name) => name !== 'cookie' && !credentials.has(name), {
    error: 'must not be a header of credentials, such as x-operation-name',
  })
  .optional()
  .describe(
    "A header that has the name of the client's operation, whatever the client sent. An operation without a name has none, nor has one whose name is longer than 256 characters. Operations with different names share no calls and no cached entities. Left out: no such header.",
  )
  .meta({ example: 'x-operation-name', protects: true });

const responseRule = 'must be append, first or last';

const response = z
  .record(answerHeaderName, z.enum(['append', 'first', 'last'], { error: responseRule }), {
    error: 'must be a map of header names',
  })
  .prefault({})
  .describe(
    'Response headers of subgraphs that the client gets: of all responses in the order in which they come (`append`), of the `first` that has it, or of the `last`. Each `set-cookie` is a line of its own. An answer with such a header is never shared or cached, and what comes from a cache has none.',
  );

interface HeaderValues {
  readonly set: Readonly<Record<string, string>>;
  readonly claims: Readonly<Record<string, string>>;
  readonly operationName?: string | undefined;
}

/** A header with two values, and the rules that give them. */
function setTwice({ set, claims, operationName: name }: HeaderValues) {
  const twice = Object.keys(set).find((each) => Object.hasOwn(claims, each));
  if (twice !== undefined) return { name: twice, rules: ['set', 'claims'] };
  if (name === undefined) return undefined;
  if (Object.hasOwn(set, name)) return { name, rules: ['set', 'operationName'] };
  return Object.hasOwn(claims, name) ? { name, rules: ['claims', 'operationName'] } : undefined;
}

const setsEachOnce = (given: HeaderValues): boolean => setTwice(given) === undefined;

const setTwiceRule = {
  error({ input }: { readonly input?: unknown }): string {
    const { name, rules } = setTwice(input as HeaderValues)!;
    return `must set ${name} by \`${rules[0]}\` or by \`${rules[1]}\`, not by both`;
  },
};

export const headers = mapOf({
  ...requestRules,
  operationName,
  response,
  forward: requestRules.forward
    .prefault(['authorization'])
    .describe(
      'The client headers that are forwarded to subgraphs: names, and patterns such as `x-*`, which forward no header of `auth.oidc[].header`, and none that `telemetry.traces` writes. Headers of the connection, of the body, and those that the gateway itself writes never are. Subgraphs always get `x-request-id` and `x-request-timeout` of the gateway, and `traceparent` where the request has a trace. With `x-request-id` in this list they get the id of the client instead, and only requests with the same id share calls and answers.',
    )
    .meta({ protects: { mayBeEmpty: true } }),
})
  .refine(setsEachOnce, setTwiceRule)
  .prefault({})
  .describe(
    'Which headers subgraphs get, and which of theirs clients get. Calls and cached answers are shared only between requests with the same headers. Rules for one subgraph: `subgraphs.NAME.headers`. Examples: [headers.md](headers.md).',
  )
  .meta({
    example: {
      forward: ['authorization', 'x-*'],
      exclude: ['x-debug'],
      rename: { 'x-client-id': 'x-tenant' },
      set: { 'x-api-key': '${file:/run/secrets/subgraph-key}' },
      claims: { 'x-user': 'sub' },
      defaults: { 'x-tenant': 'public' },
      operationName: 'x-operation-name',
      response: { 'set-cookie': 'append' },
    },
  });

/** Of one subgraph, beside those of all. */
export const subgraphHeaders = mapOf({
  ...requestRules,
  operationName,
  response,
  forward: requestRules.forward.prefault([]).describe('More client headers that are forwarded to it.'),
})
  .refine(setsEachOnce, setTwiceRule)
  .prefault({})
  .describe(
    'Rules for this subgraph, which come after those of `headers`: what is forwarded here is sent beside it, what is excluded here is not sent although it is forwarded there, and what is set here replaces what is set there.',
  )
  .meta({
    example: {
      forward: ['accept-language'],
      exclude: ['x-internal-*'],
      rename: { 'x-client-id': 'x-tenant' },
      set: { 'x-region': 'eu' },
      claims: { 'x-roles': 'realm_access.roles' },
      defaults: { 'accept-language': 'en' },
      operationName: 'x-query',
      response: { 'x-cost': 'last' },
    },
  });

export type HeadersOptions = z.output<typeof subgraphHeaders>;
