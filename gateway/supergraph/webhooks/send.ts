import { createHmac } from 'node:crypto';
import { fetchOutgoing } from '../../net/outgoing';
import { timeLimit } from '../../net/time-limit';
import type { WebhookMessage } from './message';

/** Sends a message once. Rejects with the reason if the receiver does not accept it. */
export type SendWebhook = (message: WebhookMessage, signal: AbortSignal) => Promise<void>;

export interface WebhookReceiver {
  readonly url: string;
  /** In base64, also with `whsec_` in front. Each signs. */
  readonly secrets: readonly string[];
  /** Timeout of an attempt, in milliseconds. @default {@link attemptTimeout} */
  readonly timeout?: number;
}

/** Milliseconds for an attempt. */
export const attemptTimeout = 10_000;

/**
 * Sends messages as Standard Webhooks 1.0.0 says (section "Verifying webhook authenticity"). Only a status from 200 to 299
 * accepts a message. Redirects are not followed, and the body of an answer is not read.
 */
export function webhookSender({ url, secrets, timeout = attemptTimeout }: WebhookReceiver): SendWebhook {
  const keys = secrets.map(webhookKey);
  return async ({ id, body }, signal) => {
    const timestamp = Math.floor(Date.now() / 1000);
    const signatures = keys.map((key) => `v1,${signatureOf(key, `${id}.${timestamp}.${body}`)}`);
    const limit = timeLimit(timeout);
    const response = await fetchOutgoing(url, {
      ...{ method: 'POST', redirect: 'manual', body, signal: AbortSignal.any([signal, limit]) },
      headers: {
        'content-type': 'application/json',
        'user-agent': 'weir',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatures.join(' '),
      },
    }).catch((error: unknown) => {
      throw new Error(limit.aborted ? `no answer within ${timeout} ms` : reasonOf(error), { cause: error });
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  };
}

/** The key of a secret. */
export const webhookKey = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64');

const signatureOf = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64');

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (!(cause instanceof Error)) return message;
  // A refused connection is an AggregateError with a code and an empty message.
  return cause.message === '' ? String((cause as NodeJS.ErrnoException).code) : cause.message;
}
