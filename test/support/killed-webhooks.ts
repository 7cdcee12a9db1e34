/**
 * `killed-webhooks.ts LOCATION URL SECRET`: delivers the events of shop@prod in a registry to a receiver, as a gateway does,
 * until it is killed. Its time passes 20 times as fast.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebhookDeliveries } from '../../gateway/supergraph/webhooks/deliveries';
import { webhookSender } from '../../gateway/supergraph/webhooks/send';
import { createLogger } from '../../gateway/telemetry/logger';
import { createMetrics } from '../../gateway/telemetry/metrics/metrics';
import { RegistryReader } from '../../schema/registry/reader';
import { openRegistryStore } from '../../schema/store/open';

const [location = '', url = '', secret = ''] = process.argv.slice(2);
const speed = 20;

async function deliver(): Promise<void> {
  const store = await openRegistryStore(location);
  const reader = new RegistryReader({ store, variant: { graph: 'shop', variant: 'prod' } });
  new WebhookDeliveries({
    webhook: 'deploys',
    events: ['published', 'rejected', 'rolled-back', 'ended'],
    send: webhookSender({ url, secrets: [secret], timeout: 500 }),
    open: () => Promise.resolve(reader),
    logger: createLogger({ level: 'info' }),
    meter: createMetrics().meter,
    clock: {
      now: () => performance.timeOrigin + performance.now() * speed,
      monotonic: () => performance.now() * speed,
      random: () => Math.random(),
      wait: (milliseconds, signal) => delay(milliseconds / speed, undefined, { signal }),
    },
  }).start();
}

void deliver();
