/** Over 300 lines: each way to authenticate with its options, and what they mean. */
import { z } from 'zod';
import { duration, flag, headerName, hookModule, httpUrl, mapOf, text, timeout } from './values';

const instantRule = 'must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z';

const instant = z
  .union([z.iso.date({ error: instantRule }), z.iso.datetime({ error: instantRule, offset: true })], {
    error: instantRule,
  })
  .meta({ title: 'date' });

const texts = z.array(text, { error: 'must be a list of text' });
const secret = text.meta({ writeOnly: true });

const audienceRule = 'must be text, or a list of text';

const audiences = z
  .preprocess(
    (value) => (typeof value === 'string' && value !== '' ? [value] : value),
    z.array(text, { error: audienceRule }).min(1, { error: 'must have at least one value' }),
  )
  .meta({ title: 'text or list of text', short: { type: 'string', minLength: 1 } });

const keySetRule =
  'must be an http or https URL, or a map with a list of `keys`, or `${file:PATH}` with one in JSON';

const keySetItself = z.looseObject({
  keys: z
    .array(
      z.looseObject({ kty: z.string().describe('The type of the key.').meta({ example: 'RSA' }) }).meta({
        example: { kty: 'RSA', kid: '1', use: 'sig', n: '0vx7…', e: 'AQAB' },
      }),
    )
    .describe('Public keys, as in RFC 7517.')
    .meta({ example: [{ kty: 'RSA', kid: '1', use: 'sig', n: '0vx7…', e: 'AQAB' }] }),
});

/** As `${file:PATH}` gives it. */
const keySetText = z
  .string()
  .regex(/^\s*\{/)
  .transform(parseJson)
  .pipe(keySetItself);

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

const keySet = z
  .union([httpUrl, keySetItself, keySetText], {
    error: keySetRule,
  })
  .meta({ title: 'URL or key set', example: 'https://login.example.com/.well-known/jwks.json' });

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

/** HMAC, by the bytes that a secret must have at least (RFC 7518, section 3.2). */
const secretBytes = { HS256: 32, HS384: 48, HS512: 64 } as const;
const isOfSecrets = (algorithm: string): algorithm is keyof typeof secretBytes =>
  Object.hasOwn(secretBytes, algorithm);

const allAlgorithms = [...algorithms, 'HS256', 'HS384', 'HS512'] as const;
const algorithmNames = allAlgorithms.join(', ');

const secretRule = 'must be a secret of at least 32 bytes';

/** Whoever knows a public key could sign with it, if it were the secret. */
const isPublicKey = (value: string): boolean => value.includes('-----BEGIN ') || value.includes('"kty"');

const tokenSecret = z
  .string({ error: secretRule })
  .refine((value) => Buffer.byteLength(value) >= secretBytes.HS256, { error: secretRule })
  .refine((value) => !isPublicKey(value), { error: 'must be a secret, and no key in PEM or JSON' })
  // Read as text, many bytes become this one character, which everybody knows.
  .refine((value) => !value.includes('\uFFFD'), {
    error: 'must be text in UTF-8, such as the secret in base64',
  })
  .meta({ writeOnly: true, example: '${file:/run/secrets/token-secret}' });

/** Those of other credentials, those that browsers, proxies and AWS write, and those that WebSockets leave out. */
const otherHeaders =
  /^(?:(?:accept|apollo-|apollographql-|if-|sec-|x-amzn?-|x-apollo-|x-datadog-|x-forwarded-|weir-)|(?:baggage|cache-control|cookie2?|forwarded|idempotency-key|last-event-id|origin|pragma|range|referer|set-cookie2?|user-agent|x-api-key)$)/;

const tokenHeader = headerName.refine((name) => !otherHeaders.test(name), {
  error: 'must be a header that has nothing but tokens, such as x-jwt',
});

const prefixRule = "must be one word, such as Bearer, or '' for none";

const userPoolRule = 'must be the id of a user pool such as eu-west-1_AbCdEfGhI';

type AuthOptions = z.output<typeof auth>;
type ModeOption = Exclude<keyof AuthOptions, 'anonymous'>;

/** The headers that the credentials of each mode come in. */
const credentialHeaders = {
  apiKeys: () => ['x-api-key'],
  iam: () => ['authorization'],
  oidc: ({ oidc }) => oidc.map(({ header }) => header),
  cognito: () => ['authorization'],
  lambda: () => ['authorization'],
} satisfies Record<ModeOption, (options: AuthOptions) => readonly string[]>;

/** The headers that credentials come in. */
export const credentialHeadersOf = (options: AuthOptions): string[] =>
  modesIn(options).flatMap((mode) => credentialHeaders[mode](options));

/** The modes that are configured. */
export function modesIn(options: AuthOptions): ModeOption[] {
  return (Object.keys(credentialHeaders) as ModeOption[]).filter((name) => {
    const value = options[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
}

export const auth = mapOf({
  anonymous: flag
    .default(false)
    .describe(
      'Lets requests without credentials in, as anonymous. Wrong credentials are refused all the same. No effect while no mode is configured: then everybody is anonymous.',
    ),
  apiKeys: z
    .array(
      mapOf({
        client: text.describe('The client that the key belongs to. Several keys may belong to one client.'),
        sha256: z
          .string({ error: 'must be the SHA-256 of a key, 64 hexadecimal digits' })
          .regex(/^[0-9a-fA-F]{64}$/, {
            error: 'must be the SHA-256 of a key, 64 hexadecimal digits',
          })
          .describe('The SHA-256 of the key, in hexadecimal digits. The key itself is stored nowhere.'),
        expires: instant
          .optional()
          .describe('When the key expires. Left out: never.')
          .meta({ protects: true }),
        groups: texts.default([]).describe('Groups that its sender is in.'),
        scopes: texts.default([]).describe('Scopes that its sender has.'),
      }),
      { error: 'must be a list' },
    )
    .prefault([])
    .describe('API keys, sent in `x-api-key`.')
    .meta({ protects: { items: ['sha256'], mayGo: true } }),
  iam: mapOf({
    keys: z
      .array(
        mapOf({
          accessKeyId: text.describe('The id of the access key.'),
          secretAccessKey: secret.describe(
            'The secret of the access key. Write `${NAME}` and keep it in the environment.',
          ),
          sessionToken: secret
            .optional()
            .describe('The session token of a temporary key. Left out: it is not temporary.')
            .meta({ example: '${SESSION_TOKEN}', protects: true }),
          subject: text
            .optional()
            .describe('The user that the key belongs to. Left out: none.')
            .meta({ example: 'u1' }),
          client: text
            .optional()
            .describe('The application that the key belongs to. Left out: `accessKeyId`.'),
          groups: texts.default([]).describe('Groups that its holder is in.'),
          scopes: texts.default([]).describe('Scopes that its holder has.'),
        }),
        { error: 'must be a list' },
      )
      .default([])
      .describe('The keys that requests may be signed with.')
      .meta({ protects: { items: ['accessKeyId'], mayGo: true, or: 'module' } }),
    module: hookModule
      .optional()
      .describe(
        'A module whose default export looks up other keys: `(accessKeyId, sessionToken)` to `{ secretAccessKey, … }` with the members of `keys`, or nothing for an unknown key. Its answers are cached for five minutes. Left out: only `keys` count.',
      ),
    hosts: texts
      .min(1, { error: 'must name at least one host' })
      .optional()
      .describe(
        'The hosts that signatures are valid for, with the port unless it is the default one. Left out: the `Host` header (over HTTP/2 the authority), which a load balancer may have changed, and which a request signed for another service brings along.',
      )
      .meta({ protects: true }),
    service: text
      .default('appsync')
      .describe('The service that requests must be signed for.')
      .meta({ protects: true }),
    region: text
      .optional()
      .describe('The region that requests must be signed for. Left out: any.')
      .meta({ protects: true }),
    clockSkew: timeout
      .prefault('5m')
      .describe('How far the time of a signature may be from the clock of the gateway.')
      .meta({ protects: true }),
  })
    .refine(({ keys, module }) => keys.length > 0 || module !== undefined, {
      error: 'must have `keys` or a `module`',
    })
    .optional()
    .describe('Requests that are signed with AWS Signature Version 4. Left out: none are accepted.')
    .meta({ protects: true }),
  oidc: z
    .array(
      mapOf({
        issuer: httpUrl.describe('The exact value of the claim `iss`.'),
        jwks: keySet
          .optional()
          .describe(
            'The keys of the issuer: the URL of a JSON Web Key Set, or the set itself, such as `${file:jwks.json}`. Left out: found by OpenID Connect Discovery. Not together with `secret`.',
          )
          .meta({ protects: true }),
        secret: tokenSecret
          .optional()
          .describe(
            'The secret that the issuer signs with, for HS256, HS384 and HS512: its bytes in UTF-8, at least as many as the hash has (32, 48, 64). Take it from a file, which is read again when it changes. Whoever can check such tokens can also sign them. Left out: the issuer has public keys.',
          )
          .meta({ protects: true }),
        audience: audiences
          .optional()
          .describe(
            'Accepted values of the claim `aud`. This, `clients` or `withoutAudience` is needed, or several.',
          )
          .meta({ protects: true }),
        withoutAudience: flag
          .default(false)
          .describe(
            'Accepts tokens without the claim `aud`, for an issuer that writes none. Tokens with one are accepted only if `audience` lists it. Each token of the issuer without `aud` is accepted then, whatever application it was issued for: the log has a warning at the start, unless there are `clients`.',
          ),
        clients: audiences
          .optional()
          .describe('Accepted values of the claim `azp`, `client_id` or `cid`. Left out: any.')
          .meta({ protects: true }),
        algorithms: z
          .array(z.enum(allAlgorithms, { error: `must be one of ${algorithmNames}` }), {
            error: `must be a list of ${algorithmNames}`,
          })
          .min(1, { error: 'must have at least one algorithm' })
          .optional()
          .describe(
            'Accepted signature algorithms: HS256, HS384 and HS512 with a `secret`, and only then. Left out: HS256 with a `secret`, otherwise RS256, PS256, ES256 and EdDSA.',
          )
          .meta({ example: ['RS256', 'ES256'], protects: true }),
        header: tokenHeader
          .prefault('authorization')
          .describe(
            'The header that its tokens come in. Only in that one are they accepted, and a request with tokens in two headers is refused. It is a credential as `authorization` is: it identifies the caller in cache keys, counts in `connectionParams`, and is forwarded to subgraphs only where a rule names it, not by a pattern.',
          )
          .meta({ example: 'x-jwt', protects: true }),
        prefix: z
          .string({ error: prefixRule })
          .regex(/^[!-~]*$/, { error: prefixRule })
          .default('Bearer')
          .describe(
            'The word before a token, in any case. The token alone is accepted, too. Empty: nothing but the token.',
          )
          .meta({ example: 'Token' }),
        clockSkew: duration
          .prefault('30s')
          .describe('How far clocks may differ when `exp` and `nbf` are checked.')
          .meta({ protects: true }),
        groupsClaim: text
          .default('groups')
          .describe('The claim with the groups of a user; `realm_access.roles` is a nested claim.')
          .meta({ protects: true }),
      })
        .refine(
          ({ audience, clients, withoutAudience }) =>
            audience !== undefined || clients !== undefined || withoutAudience,
          {
            error:
              'must have `audience` or `clients`: without them, tokens issued for other applications would be accepted. For an issuer that writes no `aud`: `withoutAudience: true`',
          },
        )
        .refine(({ secret: hmac, jwks }) => hmac === undefined || jwks === undefined, {
          error: 'must have `secret` or `jwks`, not both: a public key must never be taken for a secret',
        })
        .refine(
          ({ secret: hmac, algorithms: given = [] }) =>
            given.every((each) => isOfSecrets(each) === (hmac !== undefined)),
          { error: 'must have HS256, HS384 or HS512 in `algorithms` with a `secret`, and no others then' },
        )
        .refine(
          ({ secret: hmac, algorithms: given = [] }) =>
            hmac === undefined ||
            given.every((each) => !isOfSecrets(each) || Buffer.byteLength(hmac) >= secretBytes[each]),
          { error: 'must have a `secret` of at least 48 bytes for HS384, and of 64 bytes for HS512' },
        ),
      { error: 'must be a list' },
    )
    .refine(
      (issuers) =>
        new Set(issuers.map(({ issuer, header }) => `${header} ${issuer}`)).size === issuers.length,
      { error: 'must have an issuer only once for a header' },
    )
    .prefault([])
    .describe('Issuers of JSON Web Tokens: OpenID Connect providers.')
    .meta({ protects: { items: ['issuer'] } }),
  cognito: z
    .array(
      mapOf({
        userPool: z
          .string({ error: userPoolRule })
          .regex(/^[a-z]{2}(-[a-z]+)+-\d_\w+$/, { error: userPoolRule })
          .describe('The id of the pool, such as `eu-west-1_AbCdEfGhI`.'),
        clients: audiences.describe('The ids of the app clients whose tokens are accepted.'),
        tokenUse: z
          .enum(['any', 'access', 'id'], { error: 'must be any, access or id' })
          .default('any')
          .describe('Which kind of tokens is accepted.')
          .meta({ protects: { values: ['access', 'id'] } }),
        issuer: httpUrl
          .optional()
          .describe('The value of `iss`, for an emulator. Left out: that of AWS.')
          .meta({ example: 'http://127.0.0.1:9229/eu-west-1_AbCdEfGhI' }),
        jwks: keySet
          .optional()
          .describe('The keys of the pool, as for `oidc`. Left out: found below the issuer.')
          .meta({ protects: true }),
        clockSkew: duration
          .prefault('30s')
          .describe('How far clocks may differ when `exp` and `nbf` are checked.')
          .meta({ protects: true }),
      }),
      { error: 'must be a list' },
    )
    .prefault([])
    .describe('User pools of Amazon Cognito.')
    .meta({ protects: { items: ['userPool'] } }),
  lambda: mapOf({
    function: text
      .optional()
      .describe('The name or ARN of a function of AWS Lambda.')
      .meta({ example: 'authorise' }),
    region: text
      .optional()
      .describe('Its region. Left out: as the AWS SDK finds it. No effect without `function`.')
      .meta({ example: 'eu-west-1' }),
    url: httpUrl
      .optional()
      .describe('An endpoint that gets the event as a POST and answers with the result.'),
    headers: z
      .record(z.string(), secret, { error: 'must be a map of headers' })
      .default({})
      .describe('Headers to call the endpoint with. No effect without `url`.'),
    module: hookModule
      .optional()
      .describe('A module whose default export is called with the event.')
      .meta({ example: 'authorise.mjs' }),
    ttl: duration
      .prefault('5m')
      .describe('How long an answer without `ttlOverride` is cached for a token.')
      .meta({ protects: true }),
    timeout: timeout
      .prefault('5s')
      .describe('How long the authoriser may take. After it the client gets 503.'),
    apiId: text.default('weir').describe('The value of `requestContext.apiId`.'),
    accountId: text.default('000000000000').describe('The value of `requestContext.accountId`.'),
  })
    .refine(
      (given) => [given.function, given.url, given.module].filter((way) => way !== undefined).length === 1,
      {
        error: 'must have exactly one of `function`, `url` and `module`',
      },
    )
    .optional()
    .describe(
      "A custom authoriser with the contract of AppSync's Lambda authorisers. It decides on every `authorization` that belongs to no other mode. One of `function`, `url` and `module` is needed. Left out: there is none.",
    )
    .meta({ protects: true }),
})
  .prefault({})
  .describe(
    'How clients authenticate: [identity.md](identity.md). Without a mode, no credentials are needed.',
  )
  .meta({
    example: {
      anonymous: true,
      apiKeys: [
        {
          client: 'web',
          sha256: '3f0a6f7c6cb09e6bb3a0ba0cf5a3e0a4f6a2ce41b0d2d50b3b2f6e6b8f0f8a7c',
          expires: '2027-06-30',
          groups: ['partners'],
          scopes: ['orders:read'],
        },
      ],
      iam: {
        keys: [
          {
            accessKeyId: 'AKIDREPORTS',
            secretAccessKey: '${REPORTS_SECRET}',
            client: 'reports',
            groups: ['staff'],
            scopes: ['orders:read'],
          },
        ],
        module: 'keys.mjs',
        hosts: ['api.shop.example'],
        region: 'eu-west-1',
      },
      oidc: [
        {
          issuer: 'https://login.example.com/',
          audience: 'shop',
          clients: ['web', 'mobile'],
          groupsClaim: 'realm_access.roles',
        },
      ],
      cognito: [{ userPool: 'eu-west-1_AbCdEfGhI', clients: ['6hk3kb0example'], tokenUse: 'access' }],
      lambda: {
        url: 'https://authoriser.internal/',
        headers: { 'x-api-key': '${AUTHORISER_KEY}' },
        ttl: '5m',
      },
    },
  });
