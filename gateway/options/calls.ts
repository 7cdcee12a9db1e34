import { z } from 'zod';
import { clientHeaderName, duration, flag, mapOf, timeout, wholeNumber } from './values';

/** Names of which the value decides about an answer, or lets somebody in. */
const sharedHeaderName = clientHeaderName.refine(
  (name) => name !== 'x-request-id' && !/auth|cookie|token|secret|key|session|identity|^accept/.test(name),
  { error: 'must be a header on which no answer depends, such as user-agent' },
);

const shareRule = 'must be a share above 0 and below 1, such as 0.5';

export const rate = mapOf({
  limit: wholeNumber(1, 100_000).describe('The most calls in any time of `window`.'),
  window: timeout.prefault('1s').describe('The time in which they are counted.'),
  wait: duration
    .refine((value) => value <= 60_000, { error: 'must not be longer than 1m' })
    .prefault('0s')
    .describe('How long a call may wait for room. One that would wait longer fails at once.'),
}).optional();

export const calls = mapOf({
  dedupe: flag
    .default(true)
    .describe(
      'Identical in-flight queries of one subgraph share one call, if their forwarded headers are equal too.',
    )
    .meta({ protects: { values: [false] } }),
  coalesce: flag
    .default(true)
    .describe(
      'Identical in-flight queries of clients share one execution and its answer, if their variables, identity and forwarded headers are equal too. It does not matter whether a cache may keep the answer.',
    )
    .meta({ protects: { values: [false] } }),
  batch: flag
    .default(true)
    .describe(
      'Entity fetches of several clients go in one call, if they select the same fields and their forwarded headers are equal.',
    )
    .meta({ protects: { values: [false] } }),
  batchWindow: z
    .enum(['turn', '1ms'], { error: 'must be turn or 1ms' })
    .default('turn')
    .describe(
      'How long a fetch waits for others to join its call: the rest of the turn of the event loop, or 1 ms. No effect while no other request with equal forwarded headers is in flight: then nothing waits.',
    ),
  batchSize: wholeNumber(1, 100_000)
    .default(1000)
    .describe(
      'The most entities in a call that several fetches share. The fetch of one client alone may have more.',
    ),
  sharedHeaders: z
    .array(sharedHeaderName, { error: 'must be a list of header names' })
    .prefault([])
    .describe(
      'Client headers that are forwarded to subgraphs and separate nobody, such as `user-agent`: they are in no key of shared calls, subscriptions and cached answers. Whoever shares a call gets the answer to the header of the first client. So list only headers on which no answer depends; a response that has one of them in `Vary` is neither shared nor cached. Not for headers of credentials, languages and types. `exclude`, `set`, `claims` and `rename` of `headers` and `subgraphs.NAME.headers` come first, and a subgraph with `identity: independent` gets none. Calls for an event that has a trace of its own have none of them, nor have WebSockets to subgraphs.',
    ),
  concurrency: wholeNumber(1, 100_000)
    .default(256)
    .describe('The most concurrent calls of one subgraph.')
    .meta({ protects: true }),
  waiting: wholeNumber(1, 100_000)
    .default(2048)
    .describe('How many more calls of one subgraph may queue. Calls beyond fail at once.')
    .meta({ protects: true }),
  rate: rate
    .describe(
      'How many calls of each subgraph a process may send in a time, retries included; beyond, calls fail with `SUBGRAPH_RATE_LIMITED`. A call that several requests share is one. A reload begins anew. No effect on subscriptions. Left out: there is no such limit.',
    )
    .meta({ protects: true, example: { limit: 500, window: '1s', wait: '50ms' } }),
})
  .prefault({})
  .describe('How subgraph calls are shared and limited. Mutations are never shared.')
  .meta({ example: { batchWindow: '1ms', concurrency: 64, sharedHeaders: ['user-agent'] } });

export const retries = mapOf({
  max: wholeNumber(0, 5)
    .default(1)
    .describe(
      'How often a query is retried if the subgraph was not reached, or answered with 429, 502, 503 or 504. Mutations are never retried. Nothing is retried while most calls fail, or after the time that a call may take.',
    ),
  pause: timeout
    .prefault('50ms')
    .describe(
      'The longest wait before the first retry, unless the subgraph sends `Retry-After`; it doubles for each further retry. The actual wait is random.',
    ),
})
  .prefault({})
  .describe('Retries of subgraph calls.')
  .meta({ example: { max: 2, pause: '100ms' } });

export const breaker = mapOf({
  enabled: flag.default(true).describe('Stops calls to a failing endpoint of a subgraph for a while.'),
  failures: z
    .number({ error: shareRule })
    .gt(0, { error: shareRule })
    .lt(1, { error: shareRule })
    .default(0.5)
    .describe(
      'The share of failed calls above which the breaker opens. A call fails if it gets no answer, or a status of 500 or above.',
    ),
  atLeast: wholeNumber(1, 100_000)
    .default(20)
    .describe('How many calls the window must hold before the breaker can open.'),
  window: timeout.prefault('10s').describe('The time over which calls are counted.'),
  pause: timeout
    .prefault('1s')
    .describe(
      'How long the breaker stays open before one call probes the endpoint. All others fail at once until a probe succeeds.',
    ),
})
  .prefault({})
  .describe('Circuit breaker: when a failing subgraph is not called.')
  .meta({ example: { failures: 0.5, atLeast: 20, window: '10s', pause: '1s' } });
