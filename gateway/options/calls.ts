import { z } from 'zod';
import { flag, mapOf, timeout, wholeNumber } from './values';

const shareRule = 'must be a share above 0 and below 1, such as 0.5';

export const calls = mapOf({
  dedupe: flag
    .default(true)
    .describe(
      'Lets identical queries of one subgraph share one call while it is in flight, where the forwarded headers are equal too.',
    ),
  batch: flag
    .default(true)
    .describe(
      'Lets fetches of entities of several clients go in one call, where they ask for the same fields and the forwarded headers are equal.',
    ),
  batchWindow: z
    .enum(['turn', '1ms'], { error: 'must be turn or 1ms' })
    .default('turn')
    .describe(
      'How long a fetch waits for others: for the rest of a turn of the event loop, or for a millisecond. No effect while no other request with equal forwarded headers is being served: then nothing waits.',
    ),
  batchSize: wholeNumber(1, 100_000)
    .default(1000)
    .describe(
      'How many entities a call that was put together asks for at most. One client alone may ask for more.',
    ),
  concurrency: wholeNumber(1, 100_000)
    .default(256)
    .describe('How many calls of one subgraph may be on their way at once.'),
  waiting: wholeNumber(1, 100_000)
    .default(2048)
    .describe(
      'How many more calls of one subgraph may wait for one of those to end. What is over that fails at once.',
    ),
})
  .prefault({})
  .describe('How calls of subgraphs are saved, and bounded. Mutations are never shared.');

export const retries = mapOf({
  max: wholeNumber(0, 5)
    .default(1)
    .describe(
      'How often a query is sent to a subgraph again that was not reached, or answered with 429, 502, 503 or 504. Never a mutation; nothing where most calls fail; nothing after the time that a call may take.',
    ),
  pause: timeout
    .prefault('50ms')
    .describe(
      'How long to wait before the first retry at most, where the subgraph does not say it with `Retry-After`; twice that before the next, and so on. The time is drawn at random.',
    ),
})
  .prefault({})
  .describe('What is sent again.');

export const breaker = mapOf({
  enabled: flag.default(true).describe('Leaves an endpoint of a subgraph alone that fails.'),
  failures: z
    .number({ error: shareRule })
    .gt(0, { error: shareRule })
    .lt(1, { error: shareRule })
    .default(0.5)
    .describe(
      'The share of calls above which it is left alone that had no answer, or one with a status from 500 on.',
    ),
  atLeast: wholeNumber(1, 100_000)
    .default(20)
    .describe('How many calls there must have been in the window before that counts.'),
  window: timeout.prefault('10s').describe('The time over which calls are counted.'),
  pause: timeout
    .prefault('1s')
    .describe(
      'How long it is left alone before one call tries whether it is back. The others fail at once until that has worked.',
    ),
})
  .prefault({})
  .describe('When a subgraph is not called for a while.');
