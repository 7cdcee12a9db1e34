import { z } from 'zod';
import { duration, headerName, headerValue, hookModule, httpUrl, mapOf, timeout } from './values';

export const authorization = mapOf({
  refused: z
    .enum(['null', 'reject'], { error: 'must be null or reject' })
    .default('null')
    .describe(
      'What happens to an operation that selects something its caller may not see. `null`: those fields are null, with an error, and the rest is answered. `reject`: the whole operation is refused with 403.',
    )
    .meta({ protects: { values: ['reject'] } }),
  introspection: z
    .enum(['all', 'visible'], { error: 'must be all or visible' })
    .default('all')
    .describe(
      'Which part of the schema introspection shows: `all` of it, or what is `visible` to this caller. No effect where introspection is off.',
    )
    .meta({ protects: { values: ['visible'] } }),
  policies: mapOf({
    module: hookModule
      .optional()
      .describe(
        'A JavaScript module whose default export is a function of policy names and an identity. It returns, or resolves with, an object with `true` for each policy that is met.',
      ),
    url: httpUrl
      .optional()
      .describe(
        'A URL to which `{"policies": […], "identity": {…}}` is posted. The answer is `{"policies": {"NAME": true, …}}`.',
      )
      .meta({ example: 'https://policies.internal/evaluate' }),
    headers: z
      .record(headerName, headerValue, { error: 'must be a map of headers' })
      .prefault({})
      .describe('Headers of that POST, such as `authorization`. No effect for a module.')
      .meta({ example: { authorization: 'Bearer ${POLICIES_TOKEN}' } }),
    timeout: timeout
      .prefault('1s')
      .describe('How long the answer may take. After it none of the policies counts as met.'),
    ttl: duration
      .prefault('60s')
      .describe('How long an answer is cached for the same caller and policy.')
      .meta({ protects: true }),
  })
    .refine(({ module, url }) => (module === undefined) !== (url === undefined), {
      error: 'must have exactly one of `module` and `url`',
    })
    .optional()
    .describe(
      'Who decides which policies of `@policy` a caller meets: `module` or `url` is needed. Left out: none is ever met.',
    ),
})
  .prefault({})
  .describe('What `@authenticated`, `@requiresScopes` and `@policy` do to callers who may not see something.')
  .meta({
    example: {
      refused: 'reject',
      introspection: 'visible',
      policies: { module: 'policies.mjs', timeout: '1s', ttl: '60s' },
    },
  });
