import type { RegistryStore } from '../store/store';

/**
 * How far the events of a webhook are delivered. The versions of a variant are its events, in their order, so this is all
 * that is kept of them.
 */
export interface WebhookCursor {
  /** The last version whose event is delivered, dropped or not wanted; 0 if there is none. */
  readonly delivered: number;
  /** How often the next event was sent, an attempt in progress included. */
  readonly attempts: number;
  /** The process that wrote this. */
  readonly by: string;
  /** Whether that process is sending the next event now, unless it was killed. */
  readonly isSending: boolean;
  /** When the next attempt may begin, if this one fails. ISO 8601. */
  readonly retryAt?: string | undefined;
  /** Why the attempt before this one failed. */
  readonly reason?: string | undefined;
}

/** The cursors of a variant, by the names of webhooks. */
export interface WebhookCursors {
  /** Undefined before the first write. */
  get(webhook: string): Promise<{ readonly cursor: WebhookCursor; readonly revision: number } | undefined>;
  /** Resolves with false if another process was faster: the cursor has another revision than `expected`. */
  put(webhook: string, cursor: WebhookCursor, expected: number): Promise<boolean>;
}

export function createWebhookCursors(store: RegistryStore, name: string): WebhookCursors {
  const partition = `${name}/webhooks`;
  return {
    async get(webhook) {
      const item = await store.get({ partition, sort: webhook });
      if (item === undefined) return undefined;
      return { cursor: JSON.parse(item.value.toString('utf8')) as WebhookCursor, revision: item.revision };
    },
    put: (webhook, cursor, expected) =>
      store.put({ partition, sort: webhook }, Buffer.from(JSON.stringify(cursor)), { expected }),
  };
}
