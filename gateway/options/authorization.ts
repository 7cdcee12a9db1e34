import { z } from 'zod';
import { duration, headerName, headerValue, hookModule, httpUrl, mapOf, timeout } from './values';

export const authorization = mapOf({
  refused: z
    .enum(['null', 'reject'], { error: 'must be null or reject' })
    .default('null')
    .describe(
      'What becomes of an operation that asks for something its caller may not see. `null`: that is null, with an error, and all else is answered. `reject`: nothing is, the answer is 403.',
    ),
  introspection: z
    .enum(['all', 'visible'], { error: 'must be all or visible' })
    .default('all')
    .describe(
      'What of the schema a caller is shown: `visible` is what this caller may see of it. No effect where introspection is off.',
    ),
  policies: mapOf({
    module: hookModule
      .optional()
      .describe(
        'A JavaScript module whose default export is a function of the names of some policies and an identity. It returns, or resolves with, an object that holds `true` for each policy that is met.',
      ),
    url: httpUrl
      .optional()
      .describe(
        'Where `{"policies": […], "identity": {…}}` is posted. The answer is `{"policies": {"NAME": true, …}}`.',
      ),
    headers: z
      .record(headerName, headerValue, { error: 'must be a map of headers' })
      .default({})
      .describe('Headers to post with, such as `authorization`. No effect for a module.'),
    timeout: timeout
      .prefault('1s')
      .describe('How long an answer may take. After it none of the policies counts as met.'),
    ttl: duration.prefault('60s').describe('How long an answer is kept for the same caller and policy.'),
  })
    .refine(({ module, url }) => (module === undefined) !== (url === undefined), {
      error: 'must have either `module` or `url`',
    })
    .optional()
    .describe('Who says which policies of `@policy` a caller meets. Left out: none is ever met.'),
})
  .prefault({})
  .describe(
    'What `@authenticated`, `@requiresScopes` and `@policy` do to callers who may not see something.',
  );
