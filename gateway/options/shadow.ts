import { z } from 'zod';
import { matcherOf } from '../replay/position';
import {
  clientHeaderName,
  headerName,
  headerValue,
  mapOf,
  plainUrl,
  share,
  size,
  timeout,
  wholeNumber,
} from './values';

const pattern = z.string({ error: 'must be text' }).refine(isPattern, {
  error: 'must be names of the answer with dots between them, such as products[].reviews or **.updatedAt',
});
const patterns = z.array(pattern, { error: 'must be a list of paths' }).prefault([]);

export const shadow = mapOf({
  url: plainUrl
    .describe('Where the queries are sent by POST, as GraphQL over HTTP. Redirects are not followed.')
    .meta({ example: 'https://router.internal/graphql' }),
  share: share.default(0.01).describe('The share of the queries that is sent, from 0 to 1.'),
  perSecond: wholeNumber(1, 1000)
    .default(10)
    .describe('The most queries that a process sends in a second. What `share` chooses beyond is dropped.'),
  timeout: timeout.prefault('10s').describe('How long the answer of `url` may take, with its whole body.'),
  longest: size
    .prefault('256KiB')
    .describe(
      'The largest answer that is compared. A query with a larger one is not sent; of a larger one of `url` the rest is not read.',
    ),
  headers: mapOf({
    forward: z
      .array(clientHeaderName, { error: 'must be a list of header names' })
      .prefault([])
      .describe(
        'The client headers that are sent along, by their names. No other header of a client is sent, and so no credential, cookie or address.',
      ),
    set: z
      .record(headerName, headerValue, { error: 'must be a map of headers' })
      .prefault({})
      .describe('Headers that are set, whatever the client sent.'),
  })
    .prefault({})
    .describe('Which headers `url` gets beside those of the body.'),
  ignore: patterns.describe(
    'Paths of answers that are not compared, with all below them, such as `products[].stock`, `*.total` or `**.updatedAt`.',
  ),
  unordered: patterns.describe('Paths of lists whose order does not matter.'),
})
  .optional()
  .describe(
    'Sends a share of the queries to a second GraphQL endpoint after their clients have the answers, and compares its answers with them: [replay.md](replay.md#shadow). Never mutations, subscriptions or answers in parts. Refused on AWS Lambda. Left out: nothing is sent.',
  )
  .meta({
    example: {
      url: 'https://router.internal/graphql',
      share: 0.01,
      perSecond: 10,
      headers: { forward: ['accept-language'], set: { authorization: '${SHADOW_AUTHORIZATION}' } },
      ignore: ['**.updatedAt'],
      unordered: ['products[].tags'],
    },
  });

export type ShadowOptions = NonNullable<z.output<typeof shadow>>;

function isPattern(text: string): boolean {
  try {
    matcherOf([text]);
    return true;
  } catch {
    return false;
  }
}
