import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { z } from 'zod';
import { headerNameRule, httpUrl, mapOf, region, text } from './values';

/** How the gateway authenticates to subgraphs. */

const file = text.meta({ title: 'file' });
const credentialRule = 'must be a secret in printable ASCII';
const credential = z
  .string({ error: credentialRule })
  .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, { error: credentialRule })
  .meta({ writeOnly: true, example: '${file:/run/secrets/subgraph-key}' });

const clientAuthentications = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;

/** A client at a token endpoint. */
const tokenClient = {
  clientId: text.describe('The id of the client.').meta({ example: 'weir' }),
  clientAuthentication: z
    .enum(clientAuthentications, { error: `must be one of ${clientAuthentications.join(', ')}` })
    .default('client_secret_basic')
    .describe(
      'How the client authenticates at `tokenUrl`: by `authorization`, in the body, or as in RFC 7523.',
    ),
  clientSecret: z
    .string({ error: credentialRule })
    .regex(/^[\x21-\x7e]([\x20-\x7e\s]*[\x21-\x7e])?$/, { error: credentialRule })
    .describe(
      'The secret of the client; for `private_key_jwt` its private key, a JSON Web Key with `alg`, such as ES256.',
    )
    .meta({ writeOnly: true, example: '${file:/run/secrets/client-secret}' }),
  scopes: z
    .array(text, { error: 'must be a list of scopes' })
    .default([])
    .describe('The scopes to ask for.')
    .meta({ example: ['orders:read'] }),
};

/** Whether a client that has to sign has a key for it. */
function mayAuthenticate({
  clientAuthentication,
  clientSecret,
}: {
  readonly clientAuthentication: string;
  readonly clientSecret: string;
}): boolean {
  if (clientAuthentication !== 'private_key_jwt') return true;
  try {
    const { alg, ...key } = JSON.parse(clientSecret) as JsonWebKey & { readonly alg?: unknown };
    return (
      /^(?:[RPE]S(?:256|384|512)|EdDSA)$/.test(String(alg)) &&
      createPrivateKey({ key, format: 'jwk' }).type === 'private'
    );
  } catch {
    return false;
  }
}
const clientKeyRule = {
  error:
    'must have a private key as its `clientSecret` for `private_key_jwt`: a JSON Web Key with `alg`, such as ES256',
};

const clientCredentialsShape = {
  tokenUrl: httpUrl
    .describe('Where tokens come from, by the client credentials grant of OAuth 2.')
    .meta({ example: 'https://login.example.com/oauth2/token' }),
  ...tokenClient,
  audience: text
    .optional()
    .describe('The audience to ask for. Left out: none.')
    .meta({ example: 'https://orders.example.com' }),
};
const clientCredentials = mapOf(clientCredentialsShape).refine(mayAuthenticate, clientKeyRule);
const token = z
  .union([credential, clientCredentials], {
    error: 'must be a token, or a map of `tokenUrl`, `clientId` and `clientSecret`',
  })
  .describe('The token, or a map with its source.')
  .meta({ title: 'text or map', example: '${file:/run/secrets/subgraph-token}' });
/** Of a `jwtToken`, which a client may have sent. */
const forwardedToken = token
  .optional()
  .describe(
    'The token, or a map with its source. Left out: the token of the client, if `headers.forward` forwards it.',
  );

const typeMeaning = 'The way to authenticate.';

/** Of the map, and of a `type` that is none of these. */
export const typeRule =
  (types: readonly string[]) =>
  ({ code }: { readonly code?: string }): string =>
    code === 'invalid_union'
      ? `must be ${types.slice(0, -1).join(', ')} or ${types.at(-1)}`
      : `must be a map with a \`type\`: ${types.join(', ')}`;

const types = ['AWS_IAM', 'API_KEY', 'BEARER', 'CLIENT_CREDENTIALS', 'TOKEN_EXCHANGE'];
export const subgraphAuth = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({
        type: z.literal('AWS_IAM').describe(typeMeaning),
        service: text.describe('The AWS service that calls are signed for.').meta({ example: 'execute-api' }),
        region: region.describe('The region that calls are signed for.'),
      }),
      z.strictObject({
        type: z.literal('API_KEY').describe(typeMeaning),
        key: credential.describe('The key.'),
        header: z
          .string({ error: headerNameRule })
          .regex(/^[A-Za-z0-9-]+$/, { error: headerNameRule })
          .default('x-api-key')
          .describe('The header to send the key in.'),
      }),
      z.strictObject({
        type: z.literal('BEARER').describe(typeMeaning),
        token: credential.describe('The token to send as `authorization: Bearer`.'),
      }),
      z
        .strictObject({
          type: z.literal('CLIENT_CREDENTIALS').describe(typeMeaning),
          ...clientCredentialsShape,
        })
        .refine(mayAuthenticate, clientKeyRule),
      z
        .strictObject({
          type: z.literal('TOKEN_EXCHANGE').describe(typeMeaning),
          tokenUrl: httpUrl
            .describe('Where the token of the caller is exchanged (RFC 8693).')
            .meta({ example: 'https://login.example.com/oauth2/token' }),
          ...tokenClient,
          audience: text
            .describe('The audience to ask for. What is issued for another one is refused.')
            .meta({ example: 'https://orders.example.com' }),
        })
        .refine(mayAuthenticate, clientKeyRule),
    ],
    { error: typeRule(types) },
  )
  .meta({ title: 'map' });

const appSyncTypes = [
  'AWS_IAM',
  'API_KEY',
  'OPENID_CONNECT',
  'AMAZON_COGNITO_USER_POOLS',
  'AWS_LAMBDA',
  'NONE',
];
export const appSync = z.strictObject(
  {
    auth: z
      .discriminatedUnion(
        'type',
        [
          z.strictObject({
            type: z.literal('AWS_IAM').describe(typeMeaning),
            region: region.optional().describe('The region of the API. Left out: that of its host.'),
          }),
          z.strictObject({
            type: z.literal('API_KEY').describe(typeMeaning),
            apiKey: credential.describe('The key of the API.'),
          }),
          z.strictObject({
            type: z.literal('OPENID_CONNECT').describe(typeMeaning),
            jwtToken: forwardedToken,
          }),
          z.strictObject({
            type: z.literal('AMAZON_COGNITO_USER_POOLS').describe(typeMeaning),
            jwtToken: forwardedToken,
          }),
          z.strictObject({ type: z.literal('AWS_LAMBDA').describe(typeMeaning), token: forwardedToken }),
          z.strictObject({ type: z.literal('NONE').describe(typeMeaning) }),
        ],
        { error: typeRule(appSyncTypes) },
      )
      .meta({ title: 'map' })
      .describe(
        `How the gateway authenticates to it, in the terms of \`aws-appsync-auth-link\`: a map with a \`type\` (${appSyncTypes.join(', ')}) and its settings.`,
      ),
  },
  { error: 'must be a map with `auth`' },
);

export const subgraphTls = z
  .strictObject(
    {
      cert: file
        .optional()
        .describe('The certificate of the gateway, in PEM (mutual TLS). Left out: none.')
        .meta({ example: '/etc/weir/cert.pem' }),
      key: file
        .optional()
        .describe('Its private key, in PEM. Left out: none.')
        .meta({ example: '/etc/weir/key.pem' }),
      ca: file
        .optional()
        .describe('Certificates to trust in addition to those that Node brings, in PEM. Left out: none.')
        .meta({ example: '/etc/weir/internal-ca.pem' }),
    },
    { error: 'must be a map of `cert`, `key` and `ca`' },
  )
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'must have `cert` and `key` together',
  });

export type SubgraphAuth = z.output<typeof subgraphAuth>;
export type AppSyncAuth = z.output<typeof appSync>['auth'];
