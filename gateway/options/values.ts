/** The kinds of values that options have. */
import { z } from 'zod';

export const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .meta({ title: 'URL', pattern: '^\\s*[hH][tT][tT][pP][sS]?:' });
/** An address that is shown. */
export const plainUrl = httpUrl.refine(hasNoCredentials, { error: 'must hold no name and no password' });
export const flag = z.boolean({ error: 'must be true or false' });

const regionRule = 'must be a region such as eu-west-1';
/** Of AWS. */
export const region = z
  .string({ error: regionRule })
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: regionRule })
  .meta({ example: 'eu-west-1' });

/** How clients prove who they are. */
export const authModes = ['none', 'api-key', 'iam', 'oidc', 'cognito', 'lambda'] as const;
/** What clients speak: GraphQL over HTTP and WebSocket, or the Model Context Protocol. */
export const clientProtocols = ['graphql', 'mcp'] as const;
export type ClientProtocol = (typeof clientProtocols)[number];
export const authMode = z.enum(authModes, { error: `must be one of ${authModes.join(', ')}` });

/** A map of these options and no others. */
export const mapOf = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: 'must be a map' });

export function wholeNumber(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

const shareRule = 'must be a share from 0 to 1, such as 0.01';
export const share = z.number({ error: shareRule }).min(0, { error: shareRule }).max(1, { error: shareRule });

export const portNumber = wholeNumber(0, 65_535);
export const positiveInt = wholeNumber(1, 1_000_000);

const durationRule = 'must be milliseconds, or a number with its unit (ms, s, m or h) such as 30s';
export const duration = z
  .union(
    [
      z.number({ error: durationRule }).nonnegative({ error: durationRule }),
      z.string({ error: durationRule }).regex(/^\d+(\.\d+)?(ms|s|m|h)$/, { error: durationRule }),
    ],
    { error: durationRule },
  )
  .transform((value) => toNumber(value, { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }))
  .meta({ title: 'duration' });

/** Node's timers overflow above 24.8 days, and what takes longer than a day is a mistake. */
export const timeout = duration.refine((value) => value > 0 && value <= 86_400_000, {
  error: 'must be longer than 0 and not longer than 24h',
});

const sizeRule = 'must be bytes, or a number with its unit (B, kB, MB, GB, KiB, MiB or GiB) such as 1MiB';
/** In bytes: decimal units, and those by 1024. */
const sizeUnits = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
export const size = z
  .union(
    [
      z.number({ error: sizeRule }),
      z.string({ error: sizeRule }).regex(/^\d+(\.\d+)?(B|kB|MB|GB|KiB|MiB|GiB)$/, { error: sizeRule }),
    ],
    { error: sizeRule },
  )
  .transform((value) => Math.round(toNumber(value, sizeUnits)))
  .refine((value) => value >= 1 && value <= 2 ** 30, { error: 'must be from 1B to 1GiB' })
  .meta({ title: 'size' });

/** Headers of the connection itself (RFC 9110, section 7.6.1), and those that the gateway writes to a subgraph. */
const ownHeaders = new Set(
  `connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding
  upgrade host expect accept accept-encoding traceparent tracestate x-request-id x-request-timeout http2-settings
  signature signature-input weir-identity weir-subject-token __proto__`.split(/\s+/),
);

/** The headers that carry credentials whatever the options are, or belong to a signature. */
export const credentials: ReadonlySet<string> = new Set([
  ...['authorization', 'x-api-key', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'],
]);

/** Whether no rule may write a header to a subgraph: of the connection, of the body, or of the gateway. In lower case. */
export const isOwnHeader = (name: string): boolean => ownHeaders.has(name) || name.startsWith('content-');

/**
 * Whether a rule may name a header of clients to forward it. The client's request id is forwarded only where a rule has its
 * whole name, and then replaces the gateway's. In lower case.
 */
export const isForwardable = (name: string): boolean => name === 'x-request-id' || !isOwnHeader(name);

const ownHeaderRule = 'must not be a header that the gateway itself writes';

export const headerNameRule = 'must be the name of a header, such as x-tenant';

/** A header that nobody forwards or writes by it. In lower case. */
export const anyHeaderName = z
  .string({ error: headerNameRule })
  .regex(/^[A-Za-z0-9!#$%&'+.^_`|~-]+$/, { error: headerNameRule })
  .transform((name) => name.toLowerCase())
  .refine(isNoMember, { error: headerNameRule });

/** Maps of headers have it, whatever was sent. */
function isNoMember(name: string): boolean {
  return name !== 'constructor';
}

/** A header that a rule writes. */
export const headerName = anyHeaderName.refine((name) => !isOwnHeader(name), { error: ownHeaderRule });

/** A header of clients that a rule forwards. */
export const clientHeaderName = anyHeaderName.refine(isForwardable, { error: ownHeaderRule });

const headerPatternRule = 'must be the name of a header, or a pattern such as x-*';

/** The name of a header, or several names: `*` stands for any characters. */
export const headerPattern = z
  .string({ error: headerPatternRule })
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: headerPatternRule })
  .transform((name) => name.toLowerCase())
  .refine(isNoMember, { error: headerPatternRule })
  .refine(isForwardable, { error: ownHeaderRule })
  .meta({ title: 'pattern' });

/** Headers of an answer that no rule may write: of the connection, and those that describe the gateway's own answer. */
const ownAnswerHeaders = new Set(
  `connection keep-alive proxy-authenticate proxy-connection trailer transfer-encoding upgrade http2-settings date age
  cache-control etag expires vary x-cache surrogate-key cache-tag x-request-id ratelimit
  ratelimit-policy retry-after strict-transport-security x-content-type-options __proto__`.split(/\s+/),
);

/** A header of an answer to a client. */
export const answerHeaderName = z
  .string({ error: headerNameRule })
  .regex(/^[A-Za-z0-9!#$%&'+.^_`|~-]+$/, { error: headerNameRule })
  .transform((name) => name.toLowerCase())
  .refine((name) => !ownAnswerHeaders.has(name) && !/^(content-|access-control-)/.test(name), {
    error: 'must not be a header that the gateway itself writes',
  });

/** Of headers that the gateway sends: they may hold credentials. */
export const headerValue = z
  .string({ error: 'must be text' })
  .regex(/^[\t\x20-\x7e]*$/, { error: 'must be printable ASCII on one line' })
  .meta({ writeOnly: true });

/** A file; in code, also the function itself. */
export const hookModule = z
  .custom<string | ((...given: never[]) => unknown)>(
    (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
    { error: 'must be the file of a module' },
  )
  .meta({ title: 'file', type: 'string', minLength: 1 });

function toNumber(value: string | number, units: Record<string, number>): number {
  if (typeof value === 'number') return value;
  const [, amount, unit] = /^([\d.]+)([A-Za-z]+)$/.exec(value)!;
  return Number(amount) * units[unit!]!;
}

/** What is no URL is refused before. */
function hasNoCredentials(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
