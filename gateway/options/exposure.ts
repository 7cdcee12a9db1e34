/** What anonymous callers can see, and from where. */
import { z } from 'zod';
import { isOriginPattern } from './origin-patterns';
import { anyHeaderName, duration, flag, headerName, headerNameRule, mapOf } from './values';

const origin = z.string({ error: 'must be an origin such as https://shop.example' }).refine(isOriginPattern, {
  error:
    'must be an origin such as https://shop.example, without a path; * may stand for one label of the host, as in https://*.shop.example',
});

const originsRule = "must be '*' or a list of origins";
const originListRule = 'must be a list of at least one origin';

export const mode = z
  .enum(['development', 'production'], { error: 'must be development or production' })
  .default('production')
  .describe(
    'What anonymous callers can see. `development` serves Apollo Sandbox and GraphiQL, allows introspection, returns query plans to clients that ask for them, and allows cross-origin calls from Apollo Sandbox and from pages on localhost.',
  );

export const introspection = flag
  .optional()
  .describe(
    'Allows introspection of the schema. Left out: in development only. `limits.classes` can allow it for some clients.',
  )
  .meta({ example: true, protects: { values: [false] } });

/** Which errors of a subgraph lose their message and extensions. */
export const errorMask = z.enum(['all', 'unexpected', 'none'], { error: 'must be all, unexpected or none' });

export const errors = mapOf({
  maskSubgraphs: errorMask
    .optional()
    .describe(
      'Which errors of subgraphs lose their message and extensions; codes stay, and paths as far as they have names that the client has sent. `unexpected` are errors without a code of their own, or with INTERNAL_SERVER_ERROR, which subgraphs do not send on purpose. With `none`, errors quote values that do not fit their type. Left out: `unexpected` in production, `none` in development. For one subgraph: `subgraphs.NAME.maskErrors`.',
    )
    .meta({ protects: { values: ['all', 'unexpected'] } }),
  jsonStatus: z
    .literal([200, 400], { error: 'must be 200 or 400' })
    .default(400)
    .describe(
      'The HTTP status of an answer in `application/json` to a document that does not parse or is not valid, or to variables that do not fit. GraphQL over HTTP recommends 200 for clients that take every other status for a failure of the network. Answers in `application/graphql-response+json` have 400.',
    )
    .meta({ example: 200 }),
})
  .prefault({})
  .describe('What clients learn of errors.')
  .meta({ example: { maskSubgraphs: 'all' } });

/** `*` would mean any header, or one of that name. */
const corsHeaders = z.array(
  anyHeaderName.refine((name) => name !== '*', { error: headerNameRule }),
  { error: 'must be a list of header names' },
);

const leftOut = 'Left out: as in `cors`.';

const corsPolicy = mapOf({
  origins: z
    .array(origin, { error: originListRule })
    .min(1, { error: originListRule })
    .describe('The origins that it is for, as in `cors.origins`. They may call without being there, too.')
    .meta({ example: ['https://partner.example'] }),
  credentials: flag
    .optional()
    .describe(`Lets those pages send cookies. ${leftOut}`)
    .meta({ example: false, protects: { values: [false] } }),
  allowHeaders: corsHeaders
    .optional()
    .describe(`The headers that those pages may send, besides \`content-type\`. ${leftOut}`)
    .meta({ example: ['authorization'], protects: { mayBeEmpty: true } }),
  exposeHeaders: corsHeaders
    .optional()
    .describe(`More response headers that those pages may read. ${leftOut}`)
    .meta({ example: ['x-trail'] }),
  maxAge: duration
    .optional()
    .describe(`How long a browser may remember what those pages may send. ${leftOut}`)
    .meta({ example: '10m' }),
});

export const cors = mapOf({
  origins: z
    .union([z.literal('*', { error: originsRule }), z.array(origin, { error: originsRule })], {
      error: originsRule,
    })
    .optional()
    .describe(
      "Origins whose pages may call from a browser; `'*'` is every origin. `*` as a label stands for any one label: `https://*.shop.example` is `https://a.shop.example`, but neither `https://shop.example` nor `https://a.b.shop.example`. Apollo Sandbox may call in development, too. Left out: none in production; Apollo Sandbox and pages on localhost in development.",
    )
    .meta({ protects: { mayBeEmpty: true } }),
  credentials: flag
    .default(false)
    .describe('Lets those pages send cookies. Not together with `*`, which would let every page.'),
  allowHeaders: corsHeaders
    .optional()
    .describe(
      'The headers that those pages may send, besides `content-type`. Left out: any that a page asks for.',
    )
    .meta({ example: ['authorization', 'x-shop-client'], protects: { mayBeEmpty: true } }),
  exposeHeaders: corsHeaders
    .default([])
    .describe(
      'Response headers that those pages may read, besides `x-request-id`, `ratelimit`, `ratelimit-policy`, `retry-after`, and the response headers of subgraphs that a rule names. Left out: no others.',
    )
    .meta({ example: ['server-timing'] }),
  maxAge: duration
    .prefault('1h')
    .describe(
      'How long a browser may remember what those pages may send, before it asks again. Browsers have limits of their own.',
    ),
  policies: z
    .array(corsPolicy, { error: 'must be a list' })
    .prefault([])
    .describe('The same options for some origins. Of several that list an origin the first one counts.')
    .meta({ protects: { items: ['origins'], mayGo: true } }),
})
  .refine(({ origins, credentials }) => !(origins === '*' && credentials), {
    error: "must not allow credentials for every origin: list the origins instead of '*'",
  })
  .prefault({})
  .describe('Which web pages of other origins may call.')
  .meta({
    example: {
      origins: ['https://shop.example'],
      credentials: true,
      policies: [{ origins: ['https://*.partner.example'], credentials: false, maxAge: '10m' }],
    },
  });

/** Headers that a page of another origin can send, or have sent, without a preflight (Fetch, section 2.2.2). */
const sentUnasked =
  /^(accept-language|range|authorization|cookie|origin|referer|user-agent|dnt|sec-.*|x-forwarded-.*)$/;

const csrfHeadersRule = 'must be a list of at least one header name';

export const csrf = mapOf({
  enabled: flag
    .default(true)
    .describe(
      'Refuses a GET that a page of another origin could have sent without a CORS preflight. Switch it off only where queries have no effects and no cookie or network identifies the caller. A POST must be JSON and a mutation a POST in any case.',
    ),
  headers: z
    .array(
      headerName.refine((name) => !sentUnasked.test(name), {
        error:
          'must be a header that a page of another origin cannot send without a CORS preflight, such as x-shop-client',
      }),
      { error: csrfHeadersRule },
    )
    .min(1, { error: csrfHeadersRule })
    .prefault(['x-apollo-operation-name', 'apollo-require-preflight'])
    .describe(
      'Headers that let a GET through: one of them must have a value. So does a `content-type` that needs a preflight. No effect without `enabled`.',
    )
    .meta({ protects: true }),
})
  .prefault({})
  .describe('Prevention of cross-site request forgery: [clients.md](clients.md#queries-as-get).')
  .meta({ example: { headers: ['apollo-require-preflight', 'x-shop-client'] } });
