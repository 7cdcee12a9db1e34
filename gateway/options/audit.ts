import { z } from 'zod';
import { mapOf, size, text } from './values';

/** What audit trails record. */
export const auditActions = [
  'mutation',
  'cache.invalidate',
  'supergraph.swap',
  'configuration.reload',
] as const;
export type AuditAction = (typeof auditActions)[number];

const auditKeyRule = 'must be at least 16 characters';

const auditTrail = mapOf({
  to: text,
  select: mapOf({
    actions: z
      .array(z.enum(auditActions, { error: `must be one of ${auditActions.join(', ')}` }), {
        error: 'must be a list of actions',
      })
      .default([...auditActions]),
    coordinates: z.array(text, { error: 'must be a list of coordinates' }).default(['*']),
  }).prefault({}),
  whenSlow: z.enum(['block', 'drop'], { error: 'must be block or drop' }).default('block'),
  buffer: size.prefault('1MiB'),
}).meta({ title: 'trail' });

export const audit = mapOf({
  trails: z
    .array(auditTrail, { error: 'must be a list of trails' })
    .default([])
    .describe(
      'Where records are written. Each trail is a map of `to` (a file, or `stdout`), `select` (`actions` of `mutation`, `cache.invalidate`, `supergraph.swap` and `configuration.reload`, default all; `coordinates` of mutations such as `Mutation.place*`, default all), `whenSlow` (while the trail cannot be written, `block`, the default, makes mutations wait; `drop` goes on without a record, and counts it) and `buffer` (how much may wait to be written, default 1MiB).',
    ),
  redact: z
    .array(text, { error: 'must be a list of names' })
    .default([
      '*password*',
      '*passwd*',
      '*secret*',
      '*token*',
      '*authorization*',
      '*apikey*',
      '*api_key*',
      '*card*',
      'cvv',
      'cvc',
      'iban',
      'pin',
      'ssn',
      '*email*',
      '*phone*',
    ])
    .describe(
      'Names of arguments and input fields whose values are left out of records; `*` stands for anything, case does not matter, and aliases are not considered. Of a text over 256 characters a record has the beginning, the length and the SHA-256 digest.',
    ),
  key: z
    .string({ error: auditKeyRule })
    .min(16, { error: auditKeyRule })
    .optional()
    .describe(
      'A secret that chains the records, so that nobody without it can forge a trail. Left out: anyone who can write to the file can forge all records from some point on.',
    ),
})
  .prefault({})
  .describe(
    'Audit trails: a line of JSON for each mutation and each administrative action, chained by hashes. `weir audit verify` finds lines that were changed, moved or removed. That the last ones, or all, are missing it finds only if `--includes` gives the last hash of an earlier check.',
  );
