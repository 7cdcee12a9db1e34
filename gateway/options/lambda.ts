import { z } from 'zod';
import { flag, mapOf, size, timeout } from './values';

const basePathRule = 'must be a path such as /shop, without a slash at its end';

export const lambda = mapOf({
  perInstance: flag
    .default(false)
    .describe(
      'Lets each instance of the function have rates, caches and audit files of its own. Off: a gateway on Lambda is refused whose `rates`, `cache` or `audit` are not shared between instances, as invalidations would reach one instance only, and each instance would count for itself.',
    ),
  basePath: z
    .string({ error: basePathRule })
    .regex(/^(\/[\w.~-]+)+$/, { error: basePathRule })
    .optional()
    .describe(
      'What stands before `path` in the path of an event, such as the mapping of a custom domain. It is removed if it is there. Left out: the stage of an API, which is not in the path of the stage `$default`.',
    )
    .meta({ example: '/shop' }),
  margin: timeout
    .prefault('500ms')
    .describe(
      "How much of the function's time must be left when a request ends: its deadline is the shorter of `timeouts.request` and the remaining time without this margin.",
    ),
  flush: timeout
    .prefault('1s')
    .describe(
      "How long an event may take, after its answer is known, until pending traces, usage and audit records are sent. It ends earlier with the function's time. What is left is sent with a later event, if the instance gets one.",
    ),
  stream: size
    .prefault('190MiB')
    .refine((value) => value <= 190 * 2 ** 20, { error: 'must be from 1B to 190MiB' })
    .describe(
      'The most bytes of an answer that is streamed: AWS takes 200 MB with what frames it, and bills by size. A larger answer is replaced by an error; what is too large for the rest of a stream ends it with an error, or, if it is an event, so that the client comes back for it.',
    ),
})
  .prefault({})
  .describe('A gateway on AWS Lambda ([lambda.md](lambda.md)). No effect elsewhere.')
  .meta({
    example: { perInstance: true, basePath: '/shop', margin: '300ms', flush: '2s', stream: '20MiB' },
  });
