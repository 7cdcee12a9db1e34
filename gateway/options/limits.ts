import { z } from 'zod';
import { authMode, flag, mapOf, size, wholeNumber } from './values';

const count = wholeNumber(1, 1_000_000_000).meta({ protects: true });

/** What one client may ask for. Each of these can be different for a class of clients. */
const figures = {
  tokens: count.describe('Tokens of a document: names, punctuators and values.'),
  depth: count.describe(
    'Levels of braces in an operation, including those of its fragments and inline fragments; also levels of brackets in a value.',
  ),
  aliases: count.describe('Aliases in a document.'),
  rootFields: count.describe(
    'Fields of `Query` or `Mutation` that an operation selects, each occurrence counted.',
  ),
  directives: count.describe('Directives in a document.'),
  selections: count.describe('Fields of an operation with its fragments expanded.'),
  listSize: count.describe(
    'List items that an argument asks for: the arguments that `@listSize` names, otherwise `first`, `last` and `limit`.',
  ),
  cost: count.describe(
    'Cost of an operation, estimated from its lists and variables before it runs: an object costs 1, a scalar 0, a root field of a mutation 10, a list its length times the cost of one item. `@cost` and `@listSize` in subgraph schemas override this.',
  ),
  batch: count.describe(
    'Operations in one request, sent as a JSON array. 1 accepts no arrays; APQ and CDN caching work better without them.',
  ),
  variables: count.describe('Values in the variables of a request, including members of lists and objects.'),
  variablesDepth: count.describe('Levels of lists and objects in the variables.'),
  calls: count.describe(
    'Subgraph calls of one operation. The fields of further calls are null, with an error.',
  ),
};

const defaults = {
  tokens: 15_000,
  depth: 30,
  aliases: 100,
  rootFields: 20,
  directives: 200,
  selections: 1_000,
  listSize: 2_000,
  cost: 50_000,
  batch: 1,
  variables: 10_000,
  variablesDepth: 32,
  calls: 500,
} satisfies Record<keyof typeof figures, number>;

type Figures = typeof figures;
type LimitSchemas = { readonly [Key in keyof Figures]: z.ZodType };

const map = (of: (schema: z.ZodType, key: keyof Figures) => z.ZodType): LimitSchemas =>
  Object.fromEntries(
    Object.entries(figures).map(([key, schema]) => [key, of(schema, key as keyof Figures)]),
  ) as unknown as LimitSchemas;

const withDefaults = map((schema, key) => schema.prefault(defaults[key])) as {
  readonly [Key in keyof Figures]: z.ZodPrefault<Figures[Key]>;
};
const optional = map((schema, key) => schema.optional().meta({ example: defaults[key] * 2 })) as {
  readonly [Key in keyof Figures]: z.ZodOptional<Figures[Key]>;
};

export const limits = mapOf({
  body: size.prefault('1MiB').describe('The largest request body, decompressed.').meta({ protects: true }),
  ...withDefaults,
  assumedListSize: count
    .prefault(10)
    .describe('The length that a list has in the cost if no argument and no directive gives one.'),
  response: size
    .prefault('32MiB')
    .describe('The largest answer. A larger one is replaced by an error.')
    .meta({ protects: true }),
  errors: count
    .prefault(100)
    .describe(
      'Errors in an answer. Further ones are left out; their number is in the access log as `errorsLeftOut`, and in development in `extensions.weir`.',
    ),
  classes: z
    .array(
      mapOf({
        mode: authMode
          .optional()
          .describe('How these clients authenticate, such as `api-key`. Left out: in any way.'),
        client: z
          .string({ error: 'must be text' })
          .optional()
          .describe('The client that the credentials name. Left out: any.')
          .meta({ example: 'mobile-app' }),
        group: z
          .string({ error: 'must be text' })
          .optional()
          .describe('A group that the caller is in. Left out: any.')
          .meta({ example: 'staff' }),
        introspection: flag
          .optional()
          .describe('Used instead of `introspection`.')
          .meta({ protects: { values: [false] } }),
        ...optional,
      }),
      { error: 'must be a list' },
    )
    .default([])
    .describe(
      'Classes of clients with limits of their own. The first class applies whose `mode`, `client` and `group` all match, as far as given. Limits that it leaves out are as for everybody.',
    )
    .meta({ protects: { items: ['mode', 'client', 'group'] } }),
})
  .prefault({})
  .describe('How much a client may request: [security.md](security.md) has advice.')
  .meta({
    example: {
      body: '256KiB',
      depth: 15,
      cost: 5_000,
      classes: [
        { group: 'staff', cost: 200_000, depth: 60, introspection: true },
        { client: 'mobile-app', cost: 20_000 },
        { mode: 'none', aliases: 10 },
      ],
    },
  });

export type LimitsOptions = Omit<z.output<typeof limits>, 'body' | 'response'>;
/** The limits of one client. */
export type Limits = Readonly<Record<keyof typeof figures, number>> & { readonly introspection: boolean };
