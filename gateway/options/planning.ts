import { z } from 'zod';
import { mapOf, positiveInt, size, timeout } from './values';

const percentageRule = 'must be a number from 0 to 100';

const percentage = z
  .number({ error: percentageRule })
  .min(0, { error: percentageRule })
  .max(100, { error: percentageRule });

export const planning = mapOf({
  timeout: timeout
    .prefault('5s')
    .describe(
      'How long an operation may take to plan. After it the client gets 503 `QUERY_PLANNING_TIMEOUT`, and the operation is refused for a minute without being tried again.',
    ),
  paths: positiveInt
    .default(5000)
    .describe(
      'The most ways to reach one selection that are compared; an operation that needs more is refused as `QUERY_TOO_COMPLEX`.',
    ),
  plans: positiveInt
    .default(1000)
    .describe('The most plans of one operation that are compared; the best of these is taken.'),
  waiting: positiveInt
    .default(500)
    .describe(
      'How many requests may wait for their operations to be planned, where one counts for each 4 KiB of its body. They take no place of others (`overload.requests`). Clients take turns; more than these are refused at once, those first of the client with the most.',
    ),
  threads: positiveInt
    .default(2)
    .describe(
      'How many threads plan while a plan takes long; otherwise there is one. With 1, an operation that is slow to plan keeps all others waiting.',
    ),
  memory: size
    .prefault('1024MiB')
    .describe('How much memory a thread may use, at least 64MiB. A plan that needs more is refused.')
    .refine((bytes) => bytes >= 64 * 1024 ** 2, { error: 'must be from 64MiB to 1024MiB' }),
})
  .prefault({})
  .describe('How operations are planned, which is done in threads of their own.');

export const overrides = z
  .record(z.string(), percentage, { error: 'must be a map of labels' })
  .default({})
  .describe(
    'How many percent of the requests a progressive `@override` is on for, by its label: 0 is none, 100 is all. A label that is not listed here is on as it says itself if it is `percent(N)`, and off otherwise.',
  );
