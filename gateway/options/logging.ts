import { z } from 'zod';
import { mapOf, positiveInt } from './values';

export const logging = mapOf({
  level: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'], {
      error: 'must be silent, fatal, error, warn, info, debug or trace',
    })
    .default('info')
    .describe('The lowest level that is logged. Requests are logged at `info`.'),
  sampling: positiveInt
    .default(1)
    .describe(
      'Logs one of this many requests; 1 logs all. Requests that are answered with a status of 400 or above, that left errors out, or whose client disconnected are always logged.',
    ),
})
  .prefault({})
  .describe('The log: lines of JSON on standard output.');
