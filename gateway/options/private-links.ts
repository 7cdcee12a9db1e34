import { z } from 'zod';
import { mapOf, text } from './values';

const linkKeyRule = 'must be a secret of 32 or more letters, digits and any of -._~+/=';
export const isLinkKey = (secret: string): boolean => /^[\w\-.~+/=]{32,}$/.test(secret);

const linkKey = z
  .string({ error: linkKeyRule })
  .refine(isLinkKey, { error: linkKeyRule })
  .meta({ writeOnly: true });

export const privateLinks = mapOf({
  keys: z
    .array(linkKey, { error: 'must be a list of secrets' })
    .min(1, { error: 'must hold at least one secret' })
    .optional()
    .describe(
      'Secrets that gateway and subgraphs share, of at least 32 characters (`openssl rand -base64 32`). The first one signs. Left out, and `keysFile` too: nothing is signed.',
    )
    .meta({ example: ['${file:/run/secrets/link-key}'], protects: { or: 'keysFile' } }),
  keysFile: text
    .optional()
    .describe(
      'A file of these secrets, one per line, instead of `keys`. It is checked every second: a new first line signs from then on.',
    )
    .meta({ title: 'file', protects: { or: 'keys' } }),
  claims: z
    .array(text, { error: 'must be a list of claims' })
    .default([])
    .describe(
      'Claims of the caller to send to subgraphs, in addition to identity, groups and scopes. They are part of every call: keep the list short.',
    ),
})
  .refine(({ keys, keysFile }) => keys === undefined || keysFile === undefined, {
    error: 'must have `keys` or `keysFile`, not both',
  })
  .prefault({})
  .describe(
    'Signs calls of subgraphs, so that subgraphs can refuse all other callers and trust the identity that they get: [identity.md](identity.md#private-links). Without keys nothing is signed.',
  )
  .meta({ example: { keysFile: '/run/secrets/link-keys', claims: ['tenant'] } });

export type PrivateLinksOptions = z.output<typeof privateLinks>;
