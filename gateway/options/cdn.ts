import { z } from 'zod';
import { duration, flag, httpUrl, mapOf, text } from './values';

const distributionRule = 'must be the id of a distribution such as E2QWRUHAPOMQZL';
const pathRule = 'must begin with / or {tag}, and may end with *';

/** `cache.cdn` */
export const cdn = mapOf({
  enabled: flag
    .default(false)
    .describe(
      'Public answers say how long a CDN may keep them (`s-maxage`), and by which tags it can purge them (`Surrogate-Key`, `Cache-Tag`). Browsers then revalidate each time.',
    ),
  cloudFront: mapOf({
    distribution: z
      .string({ error: distributionRule })
      .regex(/^[A-Z0-9]{5,32}$/, { error: distributionRule })
      .describe('The id of the distribution.'),
    purge: z
      .array(
        mapOf({
          tags: z
            .array(text, { error: 'must be a list of tags' })
            .describe(
              'The invalidated tags that this rule is for; `product-*` is all that begin with `product-`.',
            ),
          paths: z
            .array(z.string({ error: pathRule }).regex(/^(\/|\{tag\})[^*\s]*\*?$/, { error: pathRule }), {
              error: 'must be a list of paths',
            })
            .describe(
              'The paths that CloudFront then drops, with their query, and optionally with a `*` at the end. `{tag}` stands for the tag as in `Cache-Tag`.',
            ),
        }),
        { error: 'must be a list of maps' },
      )
      .optional()
      .describe(
        'Which paths CloudFront drops for which tags; other tags drop nothing there. Left out: every invalidation drops `PATH*`, all answers of the endpoint.',
      ),
    delay: duration
      .prefault('5s')
      .describe(
        'How long invalidations are collected for one call. With a shared store at least `cache.memoryBound`: until then another gateway could still give CloudFront the old answer.',
      ),
    endpoint: httpUrl.optional().describe('The URL of an emulator. Left out: AWS.'),
  })
    .optional()
    .meta({
      example: {
        distribution: 'E2QWRUHAPOMQZL',
        purge: [{ tags: ['type:Product', 'Product:*'], paths: ['/graphql?documentId=product*'] }],
        delay: '5s',
        endpoint: 'http://127.0.0.1:4566',
      },
    })
    .describe(
      'Sends each invalidation to Amazon CloudFront ([caching.md](caching.md#cloudfront)), with credentials as the AWS SDK finds them. Left out: none are sent.',
    ),
})
  .prefault({})
  .describe('Response headers for CDNs in front of the gateway.');
