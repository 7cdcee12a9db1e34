import type { GatewayReport, Registry, Version } from '../../schema';
import { mostUndelivered, type WebhookCursor } from '../../schema/registry/webhook-cursors';
import { printable } from '../terminal/printable';

/** The state of a receiver of events. */
export interface WebhookStatus extends Pick<WebhookCursor, 'delivery' | 'failure'> {
  readonly name: string;
  /** Of its URL, as the gateway that started last has it. Null if no running gateway has the webhook. */
  readonly origin: string | null;
  /** How many events are not delivered. If no running gateway has the webhook, those of all kinds of versions count. */
  readonly waiting: number;
  /** The version of the oldest event that waits, and when it was published. */
  readonly oldest: { readonly version: number; readonly at: string } | null;
  /** When the next attempt begins at the latest. ISO 8601. */
  readonly retryAt: string | null;
}

/** The webhooks of running gateways, and those that any gateway has had. */
export async function readWebhooks(
  registry: Registry,
  newest: Version,
  gateways: readonly GatewayReport[],
): Promise<WebhookStatus[]> {
  const cursors = await registry.webhooks.list();
  const byStart = gateways.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  const receivers: NonNullable<GatewayReport['webhooks']> = Object.fromEntries(
    byStart.flatMap(({ webhooks = {} }) => Object.entries(webhooks)),
  );
  const behind = Object.values(cursors).map(({ delivered }) => newest.number - delivered);
  const versions = await registry.history(Math.min(Math.max(1, ...behind), mostUndelivered));
  return Object.keys({ ...cursors, ...receivers })
    .toSorted()
    .map((name) => {
      const { origin = null, events } = receivers[name] ?? {};
      const { delivered = Infinity, retryAt = null, delivery, failure } = cursors[name] ?? {};
      const waiting = versions.filter(
        ({ number, kind }) => number > delivered && (events === undefined || events.includes(kind)),
      );
      const oldest = waiting.at(-1);
      return {
        ...{ name, origin, waiting: waiting.length, delivery, failure },
        oldest: oldest === undefined ? null : { version: oldest.number, at: oldest.at },
        retryAt: oldest === undefined ? null : retryAt,
      };
    });
}

export function describeWebhook({
  name,
  origin,
  waiting,
  oldest,
  retryAt,
  delivery,
  failure,
}: WebhookStatus): string {
  const since = oldest === null ? '' : `, since version ${oldest.version} of ${oldest.at}`;
  const next = retryAt === null ? '' : `; next attempt by ${retryAt}`;
  const dropped = failure?.isDropped ? ', dropped' : '';
  return [
    `  ${name}  ${origin ?? 'in the options of no running gateway'}`,
    `    waiting        ${waiting} ${waiting === 1 ? 'event' : 'events'}${since}${next}`,
    delivery && `    last delivery  version ${delivery.version} at ${delivery.at}`,
    failure &&
      `    last failure   version ${failure.version} at ${failure.at}, attempt ${failure.attempts}${dropped}: ${printable(failure.reason)}`,
  ]
    .filter(Boolean)
    .map((line) => `${line}\n`)
    .join('');
}
