import { z } from 'zod';
import { duration, mapOf, positiveInt, size, timeout } from './values';

const percentageRule = 'must be a number from 0 to 100';

const percentage = z
  .number({ error: percentageRule })
  .min(0, { error: percentageRule })
  .max(100, { error: percentageRule });

export const planning = mapOf({
  timeout: timeout
    .prefault('5s')
    .describe(
      'How long planning an operation may take. After it the client gets 503 `QUERY_PLANNING_TIMEOUT`. An operation that kept a thread busy, rather than waiting, is then refused for a minute, and tried once more in the background when no other one waits.',
    )
    .meta({ protects: true }),
  paths: positiveInt
    .default(5000)
    .describe(
      'The most paths to one selection that are compared. An operation that needs more is refused with `QUERY_TOO_COMPLEX`.',
    )
    .meta({ protects: true }),
  plans: positiveInt
    .default(1000)
    .describe('The most plans of one operation that are compared; the best of these is used.'),
  waiting: positiveInt
    .default(500)
    .describe(
      'How many requests may wait for query plans; each 4 KiB of a body count as one. They hold no slot (`overload.requests`), and senders take turns. Beyond the limit, the newest requests of the sender with the most are refused. A request that would not get its turn within `planning.timeout`, behind slow operations of its own sender, is refused with `REQUEST_CONCURRENCY_LIMITED`.',
    )
    .meta({ protects: true }),
  threads: positiveInt
    .default(2)
    .describe(
      'The most planner threads. There is one, and more only while a plan takes long. With 1, an operation that is slow to plan delays all others.',
    ),
  idle: duration
    .refine((value) => value <= 86_400_000, { error: 'must not be longer than 24h' })
    .prefault('10m')
    .describe(
      'How long the last planner thread stays without an operation to plan. Then it ends, which frees its memory, and the next operation that has no plan yet waits until another one has started. `0`: as long as the supergraph is live. A thread that took more than a quarter of `timeout` to start stays as long, too.',
    ),
  memory: size
    .refine((bytes) => bytes >= 64 * 1024 ** 2, { error: 'must be from 64MiB to 1024MiB' })
    .optional()
    .describe(
      'How much memory one planner thread may use, from 64MiB to 1024MiB. A plan that needs more is refused. Left out: all threads together get three eighths of the memory of the container or machine, or of twice the heap limit if that is less.',
    )
    .meta({ example: '256MiB', protects: true }),
})
  .prefault({})
  .describe('Query planning, which runs in threads of its own.')
  .meta({ example: { timeout: '5s', threads: 2, memory: '256MiB' } });

export const overrides = z
  .record(z.string(), percentage, { error: 'must be a map of labels' })
  .default({})
  .describe(
    'The percentage of requests for which a progressive `@override` is on, by its label: 0 is none, 100 is all. A label that is not listed is on for N percent if it is `percent(N)`, and off otherwise.',
  )
  .meta({ example: { 'new-stock-service': 5 } });
