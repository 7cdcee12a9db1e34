import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import type { Meter } from '../../telemetry/metrics/meter';
import { WebhookDeliveries, type WebhookEvents } from './deliveries';
import { webhookSender } from './send';

export interface WebhooksOptions {
  readonly webhooks: NonNullable<Options['supergraph']>['webhooks'];
  readonly open: () => Promise<WebhookEvents>;
  readonly logger: Logger;
  readonly meter: Meter;
}

/** The deliveries to all webhooks. None waits for another one. */
export function openWebhooks({ webhooks, ...tools }: WebhooksOptions) {
  const deliveries = Object.entries(webhooks).map(
    ([webhook, { events, ...receiver }]) =>
      new WebhookDeliveries({ webhook, events, send: webhookSender(receiver), ...tools }),
  );
  return {
    start(): void {
      for (const each of deliveries) each.start();
    },
    async stop(): Promise<void> {
      await Promise.all(deliveries.map((each) => each.stop()));
    },
  };
}
