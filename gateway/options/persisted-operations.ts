import { z } from 'zod';
import { flag, mapOf } from './values';

const manifestRule = 'must be a file, or a list of files';
const modeRule = 'must be allow-unknown, log or reject';

export const persistedOperations = mapOf({
  automatic: flag
    .default(true)
    .describe(
      'Automatic persisted queries: clients register an operation by sending it once with its SHA-256. It is kept in the cache store, for all gateways that share it, for `cache.longest`. No effect with `mode: reject`.',
    )
    .meta({ protects: { values: [false] } }),
  manifest: z
    .preprocess(
      (value) => (typeof value === 'string' && value !== '' ? [value] : value),
      z.array(z.string({ error: 'must be a file' }).min(1, { error: 'must not be empty' }), {
        error: manifestRule,
      }),
    )
    .prefault([])
    .meta({ title: 'file or list of files', short: { type: 'string', minLength: 1 } })
    .describe(
      "Trusted documents: JSON files as Apollo's `generate-persisted-query-manifest` or Relay's compiler write them. They are read with the options, and `weir gateway` reads both again when one of them changes.",
    )
    .meta({ protects: true }),
  mode: z
    .enum(['allow-unknown', 'log', 'reject'], { error: modeRule })
    .default('log')
    .describe(
      'What happens to an operation that is in no manifest. `allow-unknown` runs it, `log` runs it and logs it once, `reject` refuses it with `QUERY_NOT_IN_SAFELIST`. No effect without `manifest`.',
    )
    .meta({ protects: { values: ['reject'] } }),
})
  .prefault({})
  .describe('Operations that clients send by id or hash: [caching.md](caching.md#persisted-operations).')
  .meta({ example: { automatic: false, manifest: ['web.json', 'ios.json'], mode: 'reject' } });
