import { z } from 'zod';

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
const list = z
  .array(text, { error: 'must be a list of texts' })
  .max(1_000, { error: 'must not be longer than 1000' });

/** What is to be dropped: what has any of these. */
export const invalidationSchema = z
  .strictObject(
    {
      /** As they stand; `product-*` stands for all that begin with `product-`. */
      tags: list.optional(),
      types: list.optional(),
      /** Entities by their keys. */
      entities: z
        .array(
          z.strictObject(
            {
              type: text,
              key: z
                .record(z.string(), z.json(), { error: 'must be a map of key fields' })
                .refine((key) => Object.keys(key).length > 0, { error: 'must have a field' }),
            },
            { error: 'must be a map of `type` and `key`' },
          ),
          { error: 'must be a list' },
        )
        .max(1_000, { error: 'must not be longer than 1000' })
        .optional(),
      subgraphs: list.optional(),
      /** What operation names begin with. */
      operations: list.optional(),
    },
    { error: 'must be a map' },
  )
  .refine((invalidation) => Object.values(invalidation).some((items) => (items?.length ?? 0) > 0), {
    error: 'must name at least one of `tags`, `types`, `entities`, `subgraphs` and `operations`',
  });

export type Invalidation = z.output<typeof invalidationSchema>;
