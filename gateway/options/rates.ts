import { z } from 'zod';
import { authMode, duration, mapOf, wholeNumber } from './values';

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
        .describe('What clients and metrics call it.'),
      per: z
        .enum(subjects, { error: `must be one of ${subjects.join(', ')}` })
        .describe(
          'For whom requests are counted apart: each `address` (of IPv6, each /64), each `identity` (who has proven nothing counts by address), each `client` that credentials name, such as an API key, or nobody.',
        ),
      limit: wholeNumber(1, 1_000_000_000).describe(
        'How much of what is counted each may ask for in a window.',
      ),
      count: z
        .enum(units, { error: `must be one of ${units.join(', ')}` })
        .default('requests')
        .describe(
          '`requests`, of which each operation of a batch is one, or the `cost` of operations, estimated as for `limits.cost`.',
        ),
      window: z
        .union([z.enum(['day', 'month']), duration], { error: windowRule })
        .refine(
          (window) =>
            typeof window === 'string' || (window >= 1000 && window <= 86_400_000 && window % 1000 === 0),
          { error: windowRule },
        )
        .meta({ title: 'duration, day or month' })
        .describe('How long it counts before it begins anew, by the clock: days and months are of UTC.'),
      mode: authMode
        .optional()
        .describe('Only who proves it so, such as `api-key`; `none` is who proves nothing.'),
      client: z
        .string({ error: 'must be text' })
        .optional()
        .describe('Only the client that the credentials name.'),
      group: z
        .string({ error: 'must be text' })
        .optional()
        .describe('Only who is in this group, such as that of an API key: a plan.'),
    }),
    { error: 'must be a list' },
  )
  .refine((rates) => new Set(rates.map(({ name }) => name)).size === rates.length, {
    error: 'must not have two of the same `name`',
  })
  .default([])
  .describe(
    'How often clients may ask: who sends more is refused with 429 `RATE_LIMITED`. A request counts for each rate that its sender is subject to. Gateways with the same `cache.store` in Redis or Valkey count together; otherwise each process counts for itself. [security.md](security.md#rates-and-quotas) has examples.',
  );

export type RateOptions = z.output<typeof rates>[number];
