import { z } from 'zod';
import { anyHeaderName, mapOf, positiveInt } from './values';

const percentageRule = 'must be a number from 0 to 100';

const percentage = z
  .number({ error: percentageRule })
  .min(0, { error: percentageRule })
  .max(100, { error: percentageRule });

export const planning = mapOf({
  steps: positiveInt
    .default(15_000)
    .describe(
      'The most steps that planning an operation may take: selections that are read, problems that are solved, and fields, types and long texts that are written into fetches. The same operation takes as many on every machine; most take fewer than 500, and 15,000 take about 0.1 s. An operation that needs more is refused with `QUERY_TOO_COMPLEX`.',
    )
    .meta({ protects: true }),
  depth: positiveInt
    .default(1000)
    .describe(
      'The most levels of selections within selections that are planned. An operation with more is refused with `QUERY_TOO_COMPLEX`. `limits.depth` usually refuses it before.',
    )
    .meta({ protects: true }),
  waiting: positiveInt
    .default(500)
    .describe(
      'How many requests may wait for query plans; four times as many may wait until their new operation is read. Each 4 KiB of a body count as one. They hold no slot (`overload.requests`), and senders take turns. Beyond the limit, the newest requests of the sender with the most are refused with `REQUEST_CONCURRENCY_LIMITED`.',
    )
    .meta({ protects: true }),
})
  .prefault({})
  .describe('Query planning, which goes on in slices of a few milliseconds between the work for requests.')
  .meta({ example: { steps: 30_000 } });

/** Options that are no more, and what to do instead. */
export const removedPlanning: ReadonlyMap<string, string> = new Map(
  ['timeout', 'paths', 'plans', 'threads', 'idle', 'memory'].map((name) => [
    `planning.${name}`,
    'is no option any more: operations are planned without threads, within `planning.steps`. Leave it out.',
  ]),
);

const claimRule = 'must be the name of a claim';
const groupsRule = 'must be a list of groups';

const caller = mapOf({
  claim: z
    .string({ error: claimRule })
    .min(1, { error: claimRule })
    .optional()
    .describe(
      'The claim that decides: the label is on where its value is `true` or the label, or a list with the label. A name with dots may name a member of a claim. `claim` or `header` is needed.',
    )
    .meta({ example: 'beta' }),
  header: anyHeaderName
    .optional()
    .describe(
      'The header that decides: the label is on where it is in this list, separated by commas. Other names in it have no effect, and nor has a value of more than 1,024 characters. Needs `groups`.',
    )
    .meta({ example: 'x-weir-override' }),
  groups: z
    .array(z.string({ error: groupsRule }).min(1, { error: groupsRule }), { error: groupsRule })
    .min(1, { error: groupsRule })
    .optional()
    .describe('The groups whose callers the header has an effect for; others get the answer as without it.')
    .meta({ example: ['staff'] }),
}).refine(
  ({ claim, header, groups }) =>
    claim === undefined ? header !== undefined && groups !== undefined : (header ?? groups) === undefined,
  { error: 'must have either `claim`, or `header` with `groups`, as a header is text of the client' },
);

export const overrides = z
  .record(
    z.string(),
    z.union([percentage, caller], {
      error: ({ input }) =>
        typeof input === 'object' ? undefined : `${percentageRule}, or a map with \`claim\` or \`header\``,
    }),
    { error: 'must be a map of labels' },
  )
  .default({})
  .describe(
    'When a progressive `@override` is on, by its label: for a percentage of the requests (0 is none, 100 is all), or for callers whom a claim or a header names. A label that is left out is on for N percent if it is `percent(N)`, and off otherwise. [operations.md](operations.md#move-a-field-to-another-subgraph) has an example.',
  )
  .meta({ example: { 'new-stock-service': 5, 'checkout-v2': { claim: 'beta' } } });
