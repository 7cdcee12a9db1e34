import { duration, mapOf, size, timeout, wholeNumber } from './values';

export const overload = mapOf({
  requests: wholeNumber(1, 100_000)
    .default(4096)
    .describe(
      'How many requests a process may have whose answers are not read yet, beside those that wait for a plan (`planning.waiting`), and how many may be arriving besides: of more, the oldest of the address with the most are given up with 408. It works on 32 of them at once, and on more when requests wait for their turn and its event loop rests, as it does when subgraphs are slow.',
    ),
  delay: timeout
    .prefault('10ms')
    .describe(
      'How late the event loop may be on average, which each request waits on top of its own work. Fewer requests are served at once while it has hardly a pause, and far fewer while it is later than this, but never fewer than 32.',
    ),
  queue: duration
    .prefault('250ms')
    .describe(
      'How long requests may have to wait for their turn when there are too many: as many wait until they are served as were served in that time before, and eight for each of its milliseconds where nobody has waited lately, or where more than a thousand in a second would be refused: those ask again at once. Addresses take turns, so that one of many requests keeps others waiting for few of them: say which proxies there are (`trustedProxies`), or all clients behind one are one address.',
    ),
  wait: timeout
    .prefault('15ms')
    .describe(
      'After how long a request is refused for which there was no room in `queue`. Clients that ask again as soon as they are refused are slowed by it; what they would cost is left for others. An address that has three times as many waiting as all others together is refused later: after a millisecond for each of them.',
    ),
  unread: size
    .prefault('128MiB')
    .describe(
      'How much of answers may wait in a process for clients to read them. While it is more, connections are cut: those first that have taken nothing for the longest, then those on which something has waited for a second. Requests are refused while it is twice as much.',
    ),
  readRate: size
    .prefault('2KiB')
    .describe(
      'How much a client reads in a second at least. While more than half of `unread` waits, connections are cut of clients that read less, those first that keep the most, until half of it is left. What the buffers of the system take counts as read.',
    ),
  readTime: timeout.prefault('10s').describe('The time over which `readRate` is averaged.'),
  unsent: size
    .prefault('128MiB')
    .describe(
      'How much of requests may be kept in a process that have not arrived whole, or wait for their turn. What is more is given up with 408 while it arrives: of the address of which the most is kept, the largest. While those that wait for their turn keep as much, large ones are refused in place of waiting, too. Of a packed body, and over HTTP/2, what it may become counts: `limits.body`, or the length that its client says.',
    ),
})
  .prefault({})
  .describe(
    'When requests wait for their turn, and when a process refuses them with 503 `OVERLOADED`. It also does while its heap is 90 % full, and then at once.',
  );
