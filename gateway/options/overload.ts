import { duration, mapOf, size, timeout, wholeNumber } from './values';

export const overload = mapOf({
  requests: wholeNumber(1, 100_000)
    .default(4096)
    .describe(
      'The most requests in a process whose answers are not read yet, without those that wait for a plan (`planning.waiting`). However small they are, a quarter of this number of unread answers counts as half of `unread`, and half of this number as all of it. As many again may be arriving; beyond, requests of the address with the most get 408, largest and oldest first. The concurrency limit is 32 slots, and more while requests wait and the event loop has idle time, as with slow subgraphs.',
    )
    .meta({ protects: true }),
  delay: timeout
    .prefault('10ms')
    .describe(
      'The highest average delay of the event loop, which each request waits in addition to its own work. The concurrency limit falls while the loop has no idle time, and faster while the delay is above this, but never below 32.',
    )
    .meta({ protects: true }),
  queue: duration
    .prefault('250ms')
    .describe(
      'How long requests may wait for a slot. The queue has room for as many as were served in that time before; if nobody has waited lately, or if more than 1,000 in a second would be refused, up to eight per millisecond. Addresses take turns, so that one with many requests hardly delays the others: set `trustedProxies`, or all clients behind a proxy are one address.',
    )
    .meta({ protects: true }),
  wait: timeout
    .prefault('15ms')
    .describe(
      'How long a request for which `queue` has no room is held before it is refused. This slows clients that retry at once. An address with more than three times as many waiting requests as all others together is held longer: 1 ms for each of them.',
    )
    .meta({ protects: true }),
  unread: size
    .prefault('128MiB')
    .describe(
      'How much answer data may wait in a process for clients to read it. An answer that several clients share counts once. Beyond, connections are cut: first those that have taken nothing for 100 ms, then those on which data has waited for 1 s; at twice as much, any. Those that hold the most for the longest are cut first. A quarter as much may be held of large responses (over 64 KiB) that arrive from subgraphs: beyond, they are read one after the other from each endpoint, while their timeouts run.',
    )
    .meta({ protects: true }),
  readRate: size
    .prefault('2KiB')
    .describe(
      'The least that a client must read per second. While more than half of `unread` waits, slower connections are cut, those that hold the most first, until half of it is left. What socket buffers of the system take counts as read.',
    )
    .meta({ protects: true }),
  readTime: timeout
    .prefault('10s')
    .describe('The time over which `readRate` is averaged.')
    .meta({ protects: true }),
  unsent: size
    .prefault('128MiB')
    .describe(
      'How much request data a process may hold of requests that are arriving or wait for a slot. Beyond, arriving requests get 408: from the address that holds the most, largest first. If that is not enough, requests with bodies over 16 KiB are refused instead of waiting. A body of unknown final size counts as the most it can become: `limits.body` if it is compressed, its declared length otherwise. As much again may be held for headers that are arriving over HTTP/1.1: beyond, they get 408, too.',
    )
    .meta({ protects: true }),
})
  .prefault({})
  .describe(
    'Overload protection: when requests wait for a slot, and when a process refuses them with 503 `OVERLOADED`. While its heap is 90 % full it refuses at once.',
  )
  .meta({ example: { queue: '100ms', unread: '256MiB' } });
