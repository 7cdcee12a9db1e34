import { mapOf, timeout, wholeNumber } from './values';

export const overload = mapOf({
  requests: wholeNumber(1, 100_000)
    .default(4096)
    .describe('How many requests may be served at once in a process.'),
  delay: timeout
    .prefault('40ms')
    .describe(
      'How late the event loop may be, which each request waits on top of its own work. While it is later, fewer requests are served at once, but never fewer than 64.',
    ),
})
  .prefault({})
  .describe(
    'When a process refuses requests with 503 `OVERLOADED`. It also does while its heap is 90 % full.',
  );
