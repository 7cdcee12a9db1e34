import { z } from 'zod';
import { mapOf, text } from './values';

const linkKeyRule = 'must be a secret of 32 or more letters, digits and any of -._~+/=';
export const isLinkKey = (secret: string): boolean => /^[\w\-.~+/=]{32,}$/.test(secret);

const linkKey = z.string({ error: linkKeyRule }).refine(isLinkKey, { error: linkKeyRule });

export const privateLinks = mapOf({
  keys: z
    .array(linkKey, { error: 'must be a list of secrets' })
    .min(1, { error: 'must hold at least one secret' })
    .optional()
    .describe(
      'Secrets that gateway and subgraphs share, of 32 or more characters (`openssl rand -base64 32`). The first one signs.',
    ),
  keysFile: text
    .optional()
    .describe(
      'A file that holds them, one a line, in place of `keys`. It is looked at every second: a new first line signs from then on.',
    ),
  claims: z
    .array(text, { error: 'must be a list of claims' })
    .default([])
    .describe(
      'Claims of callers that subgraphs are told, beside who they are and their groups and scopes. All of it is in every call: keep it short.',
    ),
})
  .refine(({ keys, keysFile }) => keys === undefined || keysFile === undefined, {
    error: 'must have either `keys` or `keysFile`',
  })
  .prefault({})
  .describe(
    'Signs calls of subgraphs, so that these can refuse whatever else comes, and believe who the caller is: [identity.md](identity.md#private-links). Without keys nothing is signed.',
  );

export type PrivateLinksOptions = z.output<typeof privateLinks>;
