import { PendingCalls } from '../../../../../gateway/subgraph-calls/sharing/pending-calls';
import { ConnectionPacing } from '../../../../../gateway/subgraph-calls/subscriptions/connection-pacing';
import { gapEvent } from '../../../../../gateway/subgraph-calls/subscriptions/events';
import { type OpenEvents, resumeBroken } from '../../../../../gateway/subgraph-calls/subscriptions/resume';
import {
  TransportError,
  type TransportFailure,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { requestOf } from '../../../../support/subgraph-request';

const failing = (failure: TransportFailure) => () => Promise.reject(new TransportError('reviews', failure));

/** Opens a subscription that breaks at once, and then fails once to open it again. */
function open(failure: TransportFailure) {
  const opens: OpenEvents[] = [
    () => Promise.resolve({ status: 200, source: { next: failing('reset'), close: () => undefined } }),
    failing(failure),
  ];
  const working: OpenEvents = () =>
    Promise.resolve({
      status: 200,
      source: { next: () => Promise.resolve(undefined), close: () => undefined },
    });
  return resumeBroken((request) => (opens.shift() ?? working)(request), {
    ...{ subgraph: 'reviews', patience: 10_000, timeout: 10_000, pending: new PendingCalls() },
    ...{ keyOf: () => undefined, pacing: new ConnectionPacing({ first: 1 }), onBreak: () => undefined },
  });
}

it.each(['refused', 'broken', 'nowhere'] as const)(
  'opens a broken subscription again after an attempt that failed: %s',
  async (failure) => {
    const { source } = await open(failure)(requestOf('subscription{a}'));
    expect(await source.next()).toBe(gapEvent);
    expect(await source.next()).toBeUndefined();
  },
);

it.each(['not-accepted', 'unsigned', 'too-fast'] as const)(
  'ends a broken subscription after an attempt that failed: %s',
  async (failure) => {
    const { source } = await open(failure)(requestOf('subscription{a}'));
    await expect(source.next()).rejects.toMatchObject({ failure });
  },
);
