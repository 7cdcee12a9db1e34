import { z } from 'zod';
import { authMode, clientProtocols, duration, mapOf, wholeNumber } from './values';

const nameRule = 'must be a letter, then up to 63 letters, digits, - or _';
const windowRule = 'must be a duration from 1s to 24h in whole seconds, or day or month';
const units = ['requests', 'cost'] as const;
const subjects = ['address', 'identity', 'client', 'everybody'] as const;

export const rates = z
  .array(
    mapOf({
      name: z
        .string({ error: nameRule })
        .regex(/^[A-Za-z][\w-]{0,63}$/, { error: nameRule })
        .describe('The name of the rate, in headers, errors and metrics.'),
      per: z
        .enum(subjects, { error: `must be one of ${subjects.join(', ')}` })
        .describe(
          'Who has a count of their own: each `address` (each /64 of IPv6), each `identity` (anonymous callers count by address), each `client` that credentials name, such as an API key, or `everybody` together.',
        ),
      limit: wholeNumber(1, 1_000_000_000).describe('The most requests, or cost, in one window.'),
      count: z
        .enum(units, { error: `must be one of ${units.join(', ')}` })
        .default('requests')
        .describe(
          'What is counted: `requests` (each operation of a batch is one), or the `cost` of operations, estimated as for `limits.cost`.',
        )
        .meta({ protects: { values: ['cost'] } }),
      window: z
        .union([z.enum(['day', 'month']), duration], { error: windowRule })
        .refine(
          (window) =>
            typeof window === 'string' || (window >= 1000 && window <= 86_400_000 && window % 1000 === 0),
          { error: windowRule },
        )
        .meta({ title: 'duration, day or month' })
        .describe(
          'How long a window lasts before the count restarts. Windows start by the clock; days and months are in UTC.',
        ),
      mode: authMode
        .optional()
        .describe(
          'Applies only to callers who authenticate this way, such as `api-key`; `none` is anonymous callers.',
        ),
      protocol: z
        .enum(clientProtocols, { error: `must be one of ${clientProtocols.join(', ')}` })
        .optional()
        .describe(
          'Applies only to requests of this protocol: `graphql`, or `mcp` for those of agents. Left out: to both.',
        ),
      client: z
        .string({ error: 'must be text' })
        .optional()
        .describe('Applies only to this client, as the credentials name it.')
        .meta({ example: 'reports' }),
      group: z
        .string({ error: 'must be text' })
        .optional()
        .describe('Applies only to callers in this group, such as a plan that API keys belong to.')
        .meta({ example: 'partners' }),
    }),
    { error: 'must be a list' },
  )
  .refine((rates) => repeatedName(rates) === undefined, {
    error: ({ input }) => `must not have the \`name\` ${repeatedName(input as NamedRates)} twice`,
  })
  .prefault([])
  .describe(
    'Rate limits and quotas. A client that sends more gets 429 `RATE_LIMITED`. A request counts for each rate that applies to its sender. Gateways that share a `cache.store` in Redis or Valkey count together; otherwise each process counts for itself. [security.md](security.md#rates-and-quotas) has examples.',
  )
  .meta({
    protects: { items: ['name'] },
    example: [
      { name: 'anonymous', mode: 'none', per: 'address', limit: 120, window: '1m' },
      { name: 'partners', group: 'partners', per: 'client', limit: 1_000_000, count: 'cost', window: 'day' },
      { name: 'reports', client: 'reports', per: 'everybody', limit: 10, window: '1s' },
    ],
  });

export type RateOptions = z.output<typeof rates>[number];

type NamedRates = readonly { readonly name: string }[];

function repeatedName(rates: NamedRates): string | undefined {
  return rates.find(({ name }, index) => rates.findIndex((other) => other.name === name) < index)?.name;
}
