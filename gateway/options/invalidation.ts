import { z } from 'zod';

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
const list = z
  .array(text, { error: 'must be a list of text' })
  .max(1_000, { error: 'must have at most 1000 items' });

/** What is to be dropped: what has any of these. */
export const invalidationSchema = z
  .strictObject(
    {
      tags: list
        .optional()
        .describe('Tags as they stand; `product-*` stands for all that begin with `product-`.')
        .meta({ example: ['product-*'] }),
      types: list
        .optional()
        .describe('Types of entities.')
        .meta({ example: ['RatingSummary'] }),
      entities: z
        .array(
          z.strictObject(
            {
              type: text.describe('The type of the entity.').meta({ example: 'Product' }),
              key: z
                .record(z.string(), z.json(), { error: 'must be a map of key fields' })
                .refine((key) => Object.keys(key).length > 0, {
                  error: "must have at least one field, such as { upc: '12' }",
                })
                .describe('The fields of its key.')
                .meta({ example: { upc: '12' } }),
            },
            { error: 'must be a map of `type` and `key`' },
          ),
          { error: 'must be a list' },
        )
        .max(1_000, { error: 'must have at most 1000 items' })
        .optional()
        .describe('Entities by their keys.')
        .meta({ example: [{ type: 'Product', key: { upc: '{$args.upc}' } }] }),
      subgraphs: list
        .optional()
        .describe('Subgraphs, all answers of which are dropped.')
        .meta({ example: ['reviews'] }),
      operations: list
        .optional()
        .describe('What the names of operations begin with.')
        .meta({ example: ['ProductPage'] }),
    },
    { error: 'must be a map' },
  )
  .refine(
    (invalidation) => Object.values(invalidation).some((items) => Array.isArray(items) && items.length > 0),
    {
      error: 'must name at least one of `tags`, `types`, `entities`, `subgraphs` and `operations`',
    },
  );

export type Invalidation = z.output<typeof invalidationSchema>;
