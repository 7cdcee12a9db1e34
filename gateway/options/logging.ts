import { z } from 'zod';
import { headerNameRule, mapOf, positiveInt } from './values';

/** What the line of a request has of its own, in its order. */
export const accessFields = [
  ...['requestId', 'clientRequestId', 'traceId', 'spanId', 'method', 'path', 'status', 'ms'],
  ...['operationType', 'operation', 'operationId', 'operations', 'client', 'clientVersion'],
  ...['graph', 'cache', 'calls', 'codes', 'errorsLeftOut', 'reason', 'authMode'],
] as const;
export type AccessField = (typeof accessFields)[number];

/** Of every line. */
const lineFields: readonly string[] = ['level', 'time', 'name', 'msg', 'err'];

const fieldName = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,63}$/, {
    error: 'must be a name of letters, digits, `_`, `.` and `-` that begins with a letter',
  })
  .refine((name) => !lineFields.includes(name) && !(accessFields as readonly string[]).includes(name), {
    error: 'must not be a field that the line has already',
  });

/** Of these the value lets whoever reads the log in. */
const credentials = /auth|cookie|token|secret|password|signature|credential|session|api-?key/;

const loggedHeader = z
  .string({ error: headerNameRule })
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: headerNameRule })
  .transform((name) => name.toLowerCase())
  .refine((name) => !credentials.test(name), {
    error: 'must not be a header of credentials, which no log may hold',
  });

const field = mapOf({
  header: loggedHeader
    .optional()
    .describe('A header of the request. `header`, `claim` or `address` is needed.')
    .meta({ example: 'x-tenant' }),
  claim: z
    .string({ error: 'must be the name of a claim' })
    .min(1, { error: 'must be the name of a claim' })
    .optional()
    .describe(
      'A claim of the caller: of the verified token, or of the answer of an authoriser. A name with dots may name a member of one. `header`, `claim` or `address` is needed.',
    )
    .meta({ example: 'sub' }),
  address: z
    .literal(true, { error: 'must be true' })
    .optional()
    .describe(
      'The IP address of the client, as `trustedProxies` has it found. `header`, `claim` or `address` is needed.',
    ),
}).refine((sources) => Object.values(sources).filter((source) => source !== undefined).length === 1, {
  error: 'must have exactly one of `header`, `claim` and `address`',
});

const addressKeyRule = 'must be a secret of at least 16 characters';

export const logging = mapOf({
  level: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'], {
      error: 'must be silent, fatal, error, warn, info, debug or trace',
    })
    .default('info')
    .describe(
      'The lowest level that is logged. Requests are logged at `info`. `debug` adds query plans, cache keys and retries.',
    ),
  format: z
    .enum(['auto', 'json', 'pretty'], { error: 'must be auto, json or pretty' })
    .default('auto')
    .describe(
      'How lines are written: `json` for machines, `pretty` for people. `auto` is `pretty` where standard output is a terminal, and `json` otherwise.',
    ),
  sampling: positiveInt
    .default(1)
    .describe(
      'Logs one of this many requests; 1 logs all. Requests that are answered with a status of 400 or above, that left errors out, or whose client disconnected are always logged.',
    ),
  fields: z
    .record(fieldName, field, { error: 'must be a map of fields' })
    .prefault({})
    .describe(
      'Fields that are added to the line of each request, such as `tenant: { header: x-tenant }`, `user: { claim: sub }` or `ip: { address: true }`. A request without that header or claim has no such field. Headers of credentials are refused.',
    ),
  omit: z
    .array(z.enum(accessFields, { error: `must be one of ${accessFields.join(', ')}` }), {
      error: 'must be a list of fields',
    })
    .default([])
    .describe('Fields that are left out of the line of each request.'),
  addresses: z
    .enum(['full', 'shortened', 'hashed'], { error: 'must be full, shortened or hashed' })
    .default('full')
    .describe(
      'How the IP addresses of clients are written that the line of a request may have, in `fields` and `reason`: `full`; `shortened` to the /24 of IPv4 and the /48 of IPv6; or `hashed` with `addressKey`, 16 hexadecimal digits. Audit trails have them in full.',
    ),
  addressKey: z
    .string({ error: addressKeyRule })
    .min(16, { error: addressKeyRule })
    .optional()
    .describe(
      'The secret of `addresses: hashed`: with the same one, gateways and workers write the same address alike. Left out: each process has a random one until it ends. No effect without `hashed`.',
    )
    .meta({ writeOnly: true }),
})
  .prefault({})
  .describe('The log, on standard output. [logs.md](logs.md) lists its lines and fields.')
  .meta({
    example: {
      level: 'warn',
      sampling: 10,
      fields: { tenant: { header: 'x-tenant' }, user: { claim: 'sub' }, ip: { address: true } },
      omit: ['path', 'clientVersion'],
      addresses: 'hashed',
      addressKey: '${file:/run/secrets/log-key}',
    },
  });
