import { z } from 'zod';
import { httpUrl, mapOf, text } from './values';

/** How the gateway authenticates to subgraphs. */

const file = text.meta({ title: 'file' });
const credential = z
  .string({ error: 'must be a secret in printable ASCII' })
  .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, { error: 'must be a secret in printable ASCII' });

const scopes = z.array(text, { error: 'must be a list of scopes' }).default([]);
const clientCredentials = mapOf({
  tokenUrl: httpUrl,
  clientId: text,
  clientSecret: credential,
  scopes,
  audience: text.optional(),
});
const token = z.union([credential, clientCredentials], {
  error: 'must be a token, or a map that says where to get one',
});
const region = z
  .string({ error: 'must be a region such as eu-west-1' })
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: 'must be a region such as eu-west-1' });

const types = ['AWS_IAM', 'API_KEY', 'BEARER', 'CLIENT_CREDENTIALS'];
export const subgraphAuth = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({ type: z.literal('AWS_IAM'), service: text, region }),
      z.strictObject({
        type: z.literal('API_KEY'),
        key: credential,
        header: z
          .string({ error: 'must be the name of a header' })
          .regex(/^[A-Za-z0-9-]+$/, { error: 'must be the name of a header' })
          .default('x-api-key'),
      }),
      z.strictObject({ type: z.literal('BEARER'), token: credential }),
      clientCredentials.extend({ type: z.literal('CLIENT_CREDENTIALS') }),
    ],
    { error: `must be a map with a \`type\`: ${types.join(', ')}` },
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
          z.strictObject({ type: z.literal('AWS_IAM'), region: region.optional() }),
          z.strictObject({ type: z.literal('API_KEY'), apiKey: credential }),
          z.strictObject({ type: z.literal('OPENID_CONNECT'), jwtToken: token.optional() }),
          z.strictObject({ type: z.literal('AMAZON_COGNITO_USER_POOLS'), jwtToken: token.optional() }),
          z.strictObject({ type: z.literal('AWS_LAMBDA'), token: token.optional() }),
          z.strictObject({ type: z.literal('NONE') }),
        ],
        { error: `must be a map with a \`type\`: ${appSyncTypes.join(', ')}` },
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
    { cert: file.optional(), key: file.optional(), ca: file.optional() },
    { error: 'must be a map of files' },
  )
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'must have `cert` and `key` together',
  });

export type SubgraphAuth = z.output<typeof subgraphAuth>;
export type AppSyncAuth = z.output<typeof appSync>['auth'];
