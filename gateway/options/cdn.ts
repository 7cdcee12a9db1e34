import { z } from 'zod';
import { duration, flag, httpUrl, mapOf, text } from './values';

const distributionRule = 'must be the id of a distribution such as E2QWRUHAPOMQZL';
const pathRule = 'must begin with / or {tag}, and may end with *';

/** `cache.cdn` */
export const cdn = mapOf({
  enabled: flag
    .default(false)
    .describe(
      'Says in public answers how long a CDN keeps them (`s-maxage`), and what they are made of (`Surrogate-Key`, `Cache-Tag`). Browsers then ask each time.',
    ),
  cloudFront: mapOf({
    distribution: z
      .string({ error: distributionRule })
      .regex(/^[A-Z0-9]{5,32}$/, { error: distributionRule })
      .describe('Its id.'),
    purge: z
      .array(
        mapOf({
          tags: z
            .array(text, { error: 'must be a list of tags' })
            .describe('The invalidated tags that it is for; `product-*` is all that begin so.'),
          paths: z
            .array(z.string({ error: pathRule }).regex(/^(\/|\{tag\})[^*\s]*\*?$/, { error: pathRule }), {
              error: 'must be a list of paths',
            })
            .describe(
              'What CloudFront drops then: paths with their query, perhaps with a `*` at the end. `{tag}` stands for the tag as `Cache-Tag` has it.',
            ),
        }),
        { error: 'must be a list of maps' },
      )
      .optional()
      .describe(
        'Which paths are dropped for which tags; an invalidation of other tags drops nothing there. Left out: every invalidation drops `PATH*`, all answers of the endpoint.',
      ),
    delay: duration
      .prefault('5s')
      .describe(
        'How long invalidations are gathered for one call. At least `cache.memoryBound` with a shared store: until then another gateway could give CloudFront the old answer anew.',
      ),
    endpoint: httpUrl.optional().describe('Of an emulator. Left out: AWS.'),
  })
    .optional()
    .describe(
      'Tells Amazon CloudFront of each invalidation ([caching.md](caching.md#cloudfront)), with credentials as the AWS SDK finds them. Left out: nothing is told.',
    ),
})
  .prefault({})
  .describe('What a CDN before the gateway is told.');
