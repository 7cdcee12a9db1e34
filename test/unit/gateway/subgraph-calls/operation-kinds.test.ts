/** What the interceptors of gateway/subgraph-calls and of caches do with mutations and subscriptions. */
import { cacheEntities } from '../../../../gateway/cache/entities/entity-cache';
import { batchAsArrays } from '../../../../gateway/subgraph-calls/interceptors/array-batch';
import { batchEntities } from '../../../../gateway/subgraph-calls/interceptors/batch';
import { dedupe } from '../../../../gateway/subgraph-calls/interceptors/dedupe';
import { retry } from '../../../../gateway/subgraph-calls/interceptors/retry';
import { PendingCalls } from '../../../../gateway/subgraph-calls/sharing/pending-calls';
import type { Interceptor, OperationKind } from '../../../../gateway/subgraph-calls/contract/transport';
import { holdCalls } from '../../../support/held-send';
import { entitiesRequestOf } from '../../../support/subgraph-request';

const timeout = 1000;
const pending = new PendingCalls();
const scopes = { isShared: () => true } as never;

/** Each hands a call on as it is where it may do nothing with it. */
const interceptors: Record<string, Interceptor> = {
  retries: retry({ max: 2, pause: 1, timeout }),
  deduplication: dedupe({ timeout, pending, changes: { count: 0 } }),
  'arrays of calls': batchAsArrays({ maxRequests: 10, timeout, pending }),
  'batches of entities': batchEntities({ window: 'turn', maxRepresentations: 10, timeout, scopes, pending }),
  // It asks none of its parts anything before it looks.
  'the entity cache': cacheEntities({ subgraph: 'reviews', fingerprint: '', identityHeaders: [] } as never),
};

const requestOf = (kind: OperationKind) => {
  const request = entitiesRequestOf({ representations: [{ __typename: 'User', id: '1' }] });
  return { ...request, operation: { ...request.operation, kind } };
};

describe.each(Object.entries(interceptors))('%s', (_name, interceptor) => {
  it.each(['mutation', 'subscription'] as const)('passes a %s on at once, unchanged', (kind) => {
    const { send, calls } = holdCalls();
    const wrapped = interceptor(send);
    const requests = [requestOf(kind), requestOf(kind)];
    const answers = requests.map((request) => wrapped(request));
    for (const answer of answers) answer.catch(() => undefined);
    expect(calls.map(({ request }) => request)).toEqual(requests);
    calls.forEach(({ request }, i) => expect(request).toBe(requests[i]));
    for (const { answer } of calls) answer({ data: null }, { status: 503 });
    return expect(Promise.all(answers)).resolves.toHaveLength(2);
  });
});
