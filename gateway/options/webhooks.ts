import { z } from 'zod';
import { mapOf, plainUrl } from './values';

const nameRule = 'must be 1 to 64 letters, digits, - or _';
const secretRule = 'must be base64 of 24 to 64 bytes, also with whsec_ in front';

const secret = z
  .string({ error: secretRule })
  .regex(/^(whsec_)?[A-Za-z0-9+/]{32,86}={0,2}$/, { error: secretRule })
  .refine(hasLength, { error: secretRule })
  .meta({ writeOnly: true });

const kinds = ['published', 'rejected', 'rolled-back', 'ended'] as const;
const kindsRule = `must be a list of ${kinds.join(', ')}`;

const webhook = mapOf({
  url: plainUrl
    .describe(
      'Where events are sent by POST. Redirects are not followed. Its path may be a secret, so it is shown by nobody.',
    )
    .meta({ example: 'https://deploys.internal/weir', writeOnly: true }),
  secrets: z
    .array(secret, { error: 'must be a list of secrets' })
    .min(1, { error: 'must hold at least one secret' })
    .describe(
      'Secrets that sign each request, in base64 (`openssl rand -base64 32`). To replace one without a pause list both, until the receiver has the new one.',
    )
    .meta({ example: ['${file:/run/secrets/webhook-secret}'] }),
  events: z
    .array(z.enum(kinds, { error: kindsRule }), { error: kindsRule })
    .min(1, { error: kindsRule })
    .default([...kinds])
    .describe('Of which kinds of versions it gets events.'),
});

/** `supergraph.webhooks` */
export const webhooks = z
  .record(z.string().regex(/^[\w-]{1,64}$/, { error: nameRule }), webhook, {
    error: 'must be a map of webhooks, such as { deploys: { url: …, secrets: […] } }',
  })
  .default({})
  .describe(
    'Receivers of signed events about new versions in the registry, by names of your choice: [webhooks.md](webhooks.md). All gateways of the graph may have them: each event is sent by one. No effect without `registry`.',
  )
  .meta({
    example: {
      deploys: {
        url: 'https://deploys.internal/weir',
        secrets: ['${file:/run/secrets/webhook-secret}'],
        events: ['published', 'rolled-back'],
      },
    },
  });

function hasLength(text: string): boolean {
  const { length } = Buffer.from(text.replace(/^whsec_/, ''), 'base64');
  return length >= 24 && length <= 64;
}
