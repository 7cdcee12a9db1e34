import { noStore, policyReader } from '../../../../gateway/cache/policy';
import { noteProvenance } from '../../../../gateway/cache/note-provenance';
import type { SubgraphResponse } from '../../../../gateway/subgraph-calls/contract/transport';
import { TransportError } from '../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../support/caller';
import { requestOf } from '../../../support/subgraph-request';

const body = Buffer.from('{}');

async function noted(answer: () => Promise<SubgraphResponse>) {
  const caller = callerOf();
  const send = noteProvenance({
    policyOf: policyReader(),
    tags: ['subgraph:products'],
    tagsOf: () => ['type:Product'],
  })(answer);
  await send(requestOf('{ a }', undefined, caller)).catch(() => undefined);
  const { policy, tags } = caller.provenance;
  return { policy, tags: [...tags] };
}

it('notes policy and tags of a response', async () => {
  const headers = { 'cache-control': 'public, max-age=60' };
  expect(await noted(async () => ({ status: 200, headers, body }))).toEqual({
    policy: { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 },
    tags: ['subgraph:products', 'type:Product'],
  });
});

it('notes policy and tags from a cache', async () => {
  const policy = { scope: 'private', maxAge: 1, staleWhileRevalidate: 2, staleIfError: 3 } as const;
  expect(
    await noted(async () => ({ status: 200, headers: {}, body, policy, tags: ['Product:upc=1'] })),
  ).toEqual({
    policy,
    tags: ['subgraph:products', 'Product:upc=1'],
  });
});

it('does not compute tags of a response that is not cached', async () => {
  expect(await noted(async () => ({ status: 200, headers: {}, body }))).toEqual({
    policy: noStore,
    tags: [],
  });
});

it('notes that a call failed', async () => {
  const { policy } = await noted(() => Promise.reject(new TransportError('products', 'refused')));
  expect(policy).toBe(noStore);
});
