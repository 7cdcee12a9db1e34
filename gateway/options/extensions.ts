import { z } from 'zod';

const rule = 'must be a local file whose name ends with .mjs or .js';

export const extensions = z
  .array(z.string({ error: rule }).regex(/^[^:]+\.m?js$/, { error: rule }), {
    error: 'must be a list of files',
  })
  .prefault([])
  .describe(
    'JavaScript modules with [hooks, interceptors and plugins](extending.md) of your own, in the order in which they run. Each may take 10 s to load. With `--workers`, workers are replaced one by one when one of these files changes; a single process logs that it must be started again, and goes on with what it has loaded.',
  )
  .meta({ protects: { items: [] }, example: ['./extensions/tenant.mjs'] });
