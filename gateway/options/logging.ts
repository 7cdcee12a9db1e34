import { z } from 'zod';
import { mapOf, positiveInt } from './values';

export const logging = mapOf({
  level: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'], {
      error: 'must be silent, fatal, error, warn, info, debug or trace',
    })
    .default('info')
    .describe('The least important lines to write. Requests are logged at `info`.'),
  sampling: positiveInt
    .default(1)
    .describe(
      'Of how many requests one has its line: 1 is all of them. Those that are answered with a status from 400 on, and those whose client left, have one in any case.',
    ),
})
  .prefault({})
  .describe('The log: lines of JSON on standard output.');
