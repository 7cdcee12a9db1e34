import { z } from 'zod';
import { mapOf, size, text } from './values';

/** What audit trails record. */
export const auditActions = [
  'mutation',
  'tool.call',
  'cache.invalidate',
  'supergraph.swap',
  'configuration.reload',
] as const;
export type AuditAction = (typeof auditActions)[number];

const auditKeyRule = 'must be at least 16 characters';

const auditTrail = mapOf({
  to: text.meta({ title: 'file' }).describe('The file to write to, or `stdout`.'),
  select: mapOf({
    actions: z
      .array(z.enum(auditActions, { error: `must be one of ${auditActions.join(', ')}` }), {
        error: 'must be a list of actions',
      })
      .default([...auditActions])
      .describe('What is recorded.'),
    coordinates: z
      .array(text, { error: 'must be a list of coordinates' })
      .default(['*'])
      .describe('Which mutations are recorded, such as `Mutation.place*`.'),
  })
    .prefault({})
    .describe('What this trail records.'),
  whenSlow: z
    .enum(['block', 'drop'], { error: 'must be block or drop' })
    .default('block')
    .describe(
      'While the trail cannot be written, `block` makes mutations wait; `drop` goes on without a record, and counts it.',
    ),
  buffer: size.prefault('1MiB').describe('How much may wait to be written.'),
});

export const audit = mapOf({
  trails: z
    .array(auditTrail, { error: 'must be a list of trails' })
    .prefault([])
    .describe('Where records are written.')
    .meta({ protects: { items: ['to'] } }),
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
    )
    .meta({ protects: { items: [] } }),
  key: z
    .string({ error: auditKeyRule })
    .min(16, { error: auditKeyRule })
    .optional()
    .describe(
      'A secret that chains the records, so that nobody without it can forge a trail. Left out: anyone who can write to the file can forge all records from some point on.',
    )
    .meta({ writeOnly: true, protects: true }),
})
  .prefault({})
  .describe(
    'Audit trails: a line of JSON for each mutation and each administrative action, chained by hashes. `weir audit verify` finds lines that were changed, moved or removed. That the last ones, or all, are missing it finds only if `--includes` gives the last hash of an earlier check.',
  )
  .meta({
    example: {
      trails: [
        { to: '/var/log/weir/audit.jsonl' },
        {
          to: 'stdout',
          select: { actions: ['mutation'], coordinates: ['Mutation.place*'] },
          whenSlow: 'drop',
        },
      ],
      redact: ['*password*', '*token*', 'iban'],
      key: '${file:/run/secrets/audit-key}',
    },
  });
