import { sourceOf } from '../contract/source';
import { type SubgraphRequest, TransportError, type TransportFailure } from '../contract/transport';
import type { Callbacks } from './callbacks';
import { EventQueue } from './event-queue';
import { type EventStreamOptions, openEventStream } from './event-stream';
import type { EventFormat } from './event-formats';
import type { VerifyCallback } from '../signers/signed-callback';
import type { OpenedSubscription } from './resume';

export interface CallbackOptions extends Omit<EventStreamOptions, 'format'> {
  readonly callbacks: Callbacks;
  /** Undefined where callbacks are not signed. */
  readonly verify: VerifyCallback | undefined;
}

/** One answer, and no events: of those it would wait for the first one for ever. */
const callbackFormat: EventFormat = {
  accept: 'application/json;callbackSpec=1.0',
};

/** Opens subscriptions whose events come by HTTP callbacks. */
export function openByCallback(options: CallbackOptions) {
  const { subgraph, bounds, onDropped, maxResponseSize, heartbeat, verify, callbacks } = options;
  const requests = openEventStream({ ...options, format: callbackFormat });
  const open = new Set<(failure: TransportFailure) => void>();

  return {
    async open(request: SubgraphRequest): Promise<OpenedSubscription> {
      const end = (): void => {
        registered.remove();
        open.delete(fail);
      };
      const fail = (failure: TransportFailure): void => {
        queue.fail(failure);
        end();
      };
      const queue = new EventQueue({ subgraph, bounds, onDropped, onClose: end });
      await callbacks.listen().catch((error: unknown) => {
        throw new TransportError(subgraph, 'unsendable', error);
      });
      const registered = callbacks.register({ queue, maxResponseSize, heartbeat, verify, fail, end });
      open.add(fail);
      const { callbackUrl, subscriptionId, verifier } = registered;
      try {
        const { status, source } = await requests.open(request, {
          subscription: { callbackUrl, subscriptionId, verifier, heartbeatIntervalMs: heartbeat },
        });
        const answer = (await source.next())!;
        if (status !== 200 || answer.body.includes('"errors"')) {
          queue.close();
          return { status, source: sourceOf(answer) };
        }
        if (registered.isChecked) return { status, source: queue };
        throw new TransportError(
          subgraph,
          'not-accepted',
          new Error('The subgraph accepted a subscription without a callback.'),
        );
      } catch (error) {
        queue.close();
        throw error;
      }
    },
    close(): void {
      for (const fail of open) fail('closed');
      requests.close();
    },
  };
}
