import type { Item, RegistryStore } from '../store/store';

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
  readonly delivery?: WebhookDelivery | undefined;
  readonly failure?: WebhookFailure | undefined;
}

/** The last event that the receiver accepted. */
export interface WebhookDelivery {
  readonly version: number;
  /** ISO 8601. */
  readonly at: string;
}

/** The last attempt that failed. */
export interface WebhookFailure extends WebhookDelivery {
  /** How often the event was sent. */
  readonly attempts: number;
  readonly reason: string;
  /** Whether it was the last attempt, as the event was too old for another one. */
  readonly isDropped: boolean;
}

/** Earlier events are dropped. */
export const mostUndelivered = 10_000;

/** The cursors of a variant, by the names of webhooks. */
export interface WebhookCursors {
  /** Undefined before the first write. */
  get(webhook: string): Promise<{ readonly cursor: WebhookCursor; readonly revision: number } | undefined>;
  /** All of them. */
  list(): Promise<Record<string, WebhookCursor>>;
  /** Resolves with false if another process was faster: the cursor has another revision than `expected`. */
  put(webhook: string, cursor: WebhookCursor, expected: number): Promise<boolean>;
}

export function createWebhookCursors(store: RegistryStore, name: string): WebhookCursors {
  const partition = `${name}/webhooks`;
  return {
    async get(webhook) {
      const item = await store.get({ partition, sort: webhook });
      return item && { cursor: parse(item), revision: item.revision };
    },
    list: async () =>
      Object.fromEntries((await store.list(partition)).map((item) => [item.sort, parse(item)])),
    put: (webhook, cursor, expected) =>
      store.put({ partition, sort: webhook }, Buffer.from(JSON.stringify(cursor)), { expected }),
  };
}

const parse = ({ value }: Item): WebhookCursor => JSON.parse(value.toString('utf8')) as WebhookCursor;
