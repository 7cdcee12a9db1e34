import { z } from 'zod';
import { headerNameRule, mapOf, positiveInt } from './values';

/** What the line of a request has of its own, in its order. */
export const accessFields = [
  ...['requestId', 'clientRequestId', 'traceId', 'spanId', 'method', 'path', 'status', 'ms'],
  ...['operationType', 'operation', 'operationId', 'operations', 'client', 'clientVersion'],
  ...['cache', 'calls', 'codes', 'errorsLeftOut', 'reason', 'authMode'],
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
    .describe('A header of the request. `header` or `claim` is needed.')
    .meta({ example: 'x-tenant' }),
  claim: z
    .string({ error: 'must be the name of a claim' })
    .min(1, { error: 'must be the name of a claim' })
    .optional()
    .describe(
      'A claim of the caller: of the verified token, or of the answer of an authoriser. A name with dots may name a member of one. `header` or `claim` is needed.',
    )
    .meta({ example: 'sub' }),
}).refine(({ header, claim }) => (header === undefined) !== (claim === undefined), {
  error: 'must have exactly one of `header` and `claim`',
});

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
      'Fields that are added to the line of each request, such as `tenant: { header: x-tenant }` or `user: { claim: sub }`. A request without that header or claim has no such field. Headers of credentials are refused.',
    ),
  omit: z
    .array(z.enum(accessFields, { error: `must be one of ${accessFields.join(', ')}` }), {
      error: 'must be a list of fields',
    })
    .default([])
    .describe('Fields that are left out of the line of each request.'),
})
  .prefault({})
  .describe('The log, on standard output. [logs.md](logs.md) lists its lines and fields.')
  .meta({
    example: {
      level: 'warn',
      sampling: 10,
      fields: { tenant: { header: 'x-tenant' }, user: { claim: 'sub' } },
      omit: ['path', 'clientVersion'],
    },
  });
