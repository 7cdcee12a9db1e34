import { z } from 'zod';
import { duration, flag, hookModule, httpUrl, mapOf, text, timeout } from './values';

const instantRule = 'must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z';

const instant = z
  .union([z.iso.date({ error: instantRule }), z.iso.datetime({ error: instantRule, offset: true })], {
    error: instantRule,
  })
  .meta({ title: 'date' });

const texts = z.array(text, { error: 'must be a list of text' });

const audienceRule = 'must be text, or a list of text';

const audiences = z
  .preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z
      .array(z.string({ error: audienceRule }).min(1, { error: audienceRule }), { error: audienceRule })
      .min(1, { error: audienceRule }),
  )
  .meta({ title: 'text or list of text' });

const keySetRule = 'must be an http or https URL, or a map with a list of `keys`';

const keySet = z
  .union(
    [z.url({ protocol: /^https?$/ }), z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) })],
    { error: keySetRule },
  )
  .meta({ title: 'URL or key set' });

const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const algorithmsRule = `must be a list of ${algorithms.join(', ')}`;

const userPoolRule = 'must be the id of a user pool such as eu-west-1_AbCdEfGhI';

export const auth = mapOf({
  anonymous: flag
    .default(false)
    .describe(
      'Lets requests without credentials in, as nobody. Wrong credentials are refused all the same. No effect while no mode is configured: then everybody is nobody.',
    ),
  apiKeys: z
    .array(
      mapOf({
        client: text.describe('Whose key it is. Several keys may have the same client.'),
        sha256: z
          .string({ error: 'must be the SHA-256 of a key, 64 hexadecimal digits' })
          .regex(/^[0-9a-f]{64}$/i, {
            error: 'must be the SHA-256 of a key, 64 hexadecimal digits',
          })
          .describe('The SHA-256 of the key, in hexadecimal digits. The key itself stands nowhere.'),
        expires: instant.optional().describe('From when on it is refused. Left out: never.'),
        groups: texts.default([]).describe('Groups that who sends it is in.'),
        scopes: texts.default([]).describe('Scopes that who sends it has.'),
      }),
      { error: 'must be a list' },
    )
    .default([])
    .describe('Keys that are sent in `x-api-key`.'),
  iam: mapOf({
    keys: z
      .array(
        mapOf({
          accessKeyId: text.describe('As AWS names it.'),
          secretAccessKey: text.describe('Its secret. Write `${NAME}` and keep it in the environment.'),
          sessionToken: text.optional().describe('What goes with a temporary key.'),
          subject: text.optional().describe('The user whose key it is. Left out: none.'),
          client: text.optional().describe('The application whose key it is. Left out: `accessKeyId`.'),
          groups: texts.default([]).describe('Groups that who signs with it is in.'),
          scopes: texts.default([]).describe('Scopes that who signs with it has.'),
        }),
        { error: 'must be a list' },
      )
      .default([])
      .describe('The keys that requests may be signed with.'),
    module: hookModule
      .optional()
      .describe(
        'A module whose default export looks other keys up: `(accessKeyId, sessionToken)` to `{ secretAccessKey, … }` with the members of `keys`, or nothing for a key that is not known. Asked again after five minutes.',
      ),
    hosts: texts
      .min(1, { error: 'must name at least one host' })
      .optional()
      .describe(
        'The hosts that signatures are good for, with the port where it is not the default one. Left out: the `Host` header, which a load balancer may have changed, and which a request that was signed for another service could bring along.',
      ),
    service: text.default('appsync').describe('The service that signatures must be for.'),
    region: text.optional().describe('The region that they must be for. Left out: any.'),
    clockSkew: timeout
      .prefault('5m')
      .describe('How far the time of a signature may be from that of the gateway.'),
  })
    .refine(({ keys, module }) => keys.length > 0 || module !== undefined, {
      error: 'must have `keys` or a `module`',
    })
    .optional()
    .describe('Requests that are signed with AWS Signature Version 4.'),
  oidc: z
    .array(
      mapOf({
        issuer: httpUrl.describe('What the claim `iss` says, to the letter.'),
        jwks: keySet
          .optional()
          .describe(
            "Where the issuer's keys are: the URL of a JSON Web Key Set, or such a set itself. Left out: as OpenID Connect Discovery finds it.",
          ),
        audience: audiences
          .optional()
          .describe('What the claim `aud` must have one of. Either this or `clients` is needed, or both.'),
        clients: audiences.optional().describe('What the claim `azp`, `client_id` or `cid` must be one of.'),
        algorithms: z
          .array(z.enum(algorithms, { error: algorithmsRule }), { error: algorithmsRule })
          .min(1, { error: algorithmsRule })
          .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
          .describe('The algorithms that a token may be signed with.'),
        clockSkew: duration.prefault('30s').describe('How far clocks may be apart at `exp` and `nbf`.'),
        groupsClaim: text
          .default('groups')
          .describe(
            'The claim with the groups of a user; `realm_access.roles` is a claim inside of a claim.',
          ),
      }).refine(({ audience, clients }) => audience !== undefined || clients !== undefined, {
        error:
          'must have `audience` or `clients`: a token that was issued for another application is no proof',
      }),
      { error: 'must be a list' },
    )
    .default([])
    .describe('Issuers of JSON Web Tokens: providers of OpenID Connect.'),
  cognito: z
    .array(
      mapOf({
        userPool: z
          .string({ error: userPoolRule })
          .regex(/^[a-z]{2}(-[a-z]+)+-\d_\w+$/, { error: userPoolRule })
          .describe('The id of the pool, such as `eu-west-1_AbCdEfGhI`.'),
        clients: audiences.describe('The ids of the app clients whose tokens are good.'),
        tokenUse: z
          .enum(['any', 'access', 'id'], { error: 'must be any, access or id' })
          .default('any')
          .describe('Which of its tokens are good.'),
        issuer: httpUrl.optional().describe('What `iss` says, for an emulator. Left out: as AWS says it.'),
        jwks: keySet.optional().describe("Where the pool's keys are. Left out: below the issuer."),
        clockSkew: duration.prefault('30s').describe('How far clocks may be apart at `exp` and `nbf`.'),
      }),
      { error: 'must be a list' },
    )
    .default([])
    .describe('User pools of Amazon Cognito.'),
  lambda: mapOf({
    function: text.optional().describe('The name or ARN of a function of AWS Lambda.'),
    region: text
      .optional()
      .describe('Where it is. Left out: as the AWS SDK finds it. No effect without `function`.'),
    url: httpUrl
      .optional()
      .describe('An endpoint that gets the event in a POST, and answers with the result.'),
    headers: z
      .record(z.string(), text, { error: 'must be a map of headers' })
      .default({})
      .describe('Headers to call the endpoint with. No effect without `url`.'),
    module: hookModule.optional().describe('A module whose default export is called with the event.'),
    ttl: duration.prefault('5m').describe('How long an answer without `ttlOverride` is good for a token.'),
    timeout: timeout.prefault('5s').describe('How long it may take to answer. After it the client gets 503.'),
    apiId: text.default('weir').describe('What `requestContext.apiId` says.'),
    accountId: text.default('000000000000').describe('What `requestContext.accountId` says.'),
  })
    .refine(
      (given) => [given.function, given.url, given.module].filter((way) => way !== undefined).length === 1,
      {
        error: 'must have exactly one of `function`, `url` and `module`',
      },
    )
    .optional()
    .describe(
      "An authoriser of one's own, with the contract of AppSync's Lambda authorisers. It decides on every `authorization` that is not of another mode.",
    ),
})
  .prefault({})
  .describe(
    'How clients prove who they are: [identity.md](identity.md). Without a mode, nothing is asked of anybody.',
  );
