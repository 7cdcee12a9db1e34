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
      'How long an operation may take to plan. After it the client gets 503 `QUERY_PLANNING_TIMEOUT`. An operation that a thread has worked on for most of that time is refused for a minute, and tried once more in the background when no other one waits.',
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
      'How many requests may wait for their operations to be planned, where one counts for each 4 KiB of its body. They take no place of others (`overload.requests`). Clients take turns; more than these are refused at once, those first of the client with the most. Fewer of a client whose operations take long to plan: those are refused with `REQUEST_CONCURRENCY_LIMITED` that would not have their turn within `planning.timeout`.',
    ),
  threads: positiveInt
    .default(2)
    .describe(
      'How many threads plan while a plan takes long; otherwise there is one. With 1, an operation that is slow to plan keeps all others waiting.',
    ),
  memory: size
    .refine((bytes) => bytes >= 64 * 1024 ** 2, { error: 'must be from 64MiB to 1024MiB' })
    .optional()
    .describe(
      'How much memory a thread may use, from 64MiB to 1024MiB. A plan that needs more is refused. When it is left out, all threads together have three eighths of what the process may have: of its container or machine, and no more than twice the limit of its heap.',
    ),
})
  .prefault({})
  .describe('How operations are planned, which is done in threads of their own.');

export const overrides = z
  .record(z.string(), percentage, { error: 'must be a map of labels' })
  .default({})
  .describe(
    'How many percent of the requests a progressive `@override` is on for, by its label: 0 is none, 100 is all. A label that is not listed here is on as it says itself if it is `percent(N)`, and off otherwise.',
  );
