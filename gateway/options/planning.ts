import { z } from 'zod';
import { mapOf, positiveInt } from './values';

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

export const overrides = z
  .record(z.string(), percentage, { error: 'must be a map of labels' })
  .default({})
  .describe(
    'The percentage of requests for which a progressive `@override` is on, by its label: 0 is none, 100 is all. A label that is not listed is on for N percent if it is `percent(N)`, and off otherwise.',
  )
  .meta({ example: { 'new-stock-service': 5 } });
