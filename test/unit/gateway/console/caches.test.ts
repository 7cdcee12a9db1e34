import { type CacheFacts, cacheReader, cachesOf, mergeCaches } from '../../../../gateway/console/caches';
import { MemoryStore } from '../../../../gateway/cache/stores/memory';
import { parseOptions } from '../../../../gateway/options';
import { createMetrics } from '../../../../gateway/telemetry/metrics/metrics';
import type { InvalidationCause } from '../../../../gateway/telemetry/statistics/invalidation-log';

const now = Date.now();
const store = new MemoryStore({ maxBytes: 100_000_000 });
const metrics = createMetrics();
afterAll(() => metrics.close());

const entry = (tags: readonly string[], keptUntil = now + 1e6) => ({
  ...{ value: Buffer.alloc(100), tags, storedAt: now, freshUntil: keptUntil, keptUntil },
});
const ofUser = (id: string) => entry(['subgraph:accounts', 'type:User', `User:id=${id}`, `secret-${id}`]);

async function put(entries: Record<string, ReturnType<typeof entry>>): Promise<void> {
  await store.set(new Map(Object.entries(entries)), store.clock);
}

const plain = new Set(['type:User', 'type:Review', 'subgraph:accounts', 'subgraph:reviews']);

const parts = (more: Partial<CacheFacts> = {}) =>
  cacheReader(() => ({
    ...{ cache: parseOptions({}).cache, memory: store, metrics, since: 7, values: false },
    tagWithoutValues: (tag) => (tag.startsWith('User:id=') ? 'User:id=…' : plain.has(tag) ? tag : undefined),
    ...more,
  }))();

beforeAll(async () => {
  await put({
    'entity:hash::public:{"__typename":"User","id":"1"}': ofUser('1'),
    'entity:hash::public:{"__typename":"User","id":"2"}': ofUser('2'),
    // Long representations are hashed.
    'entity:hash::public:#digest': entry(['subgraph:reviews', 'type:Review', 'type:User']),
    'response:hash:': entry(['operation:Page', 'subgraph:accounts', 'type:User', 'User:id=1']),
    'response:gone:': entry(['operation:Gone', 'gone']),
    'other:hash': entry(['neither']),
  });
  await store.invalidate(['gone']);
  const counts = metrics.caches.ofEntities('accounts', 'User');
  counts.served('fresh', now, now);
  counts.served('stale-if-error', now, now);
  counts.misses = 3;
  metrics.caches.stored(counts, 'key', 'a', now, now);
  metrics.responseCache.hit = 4;
});

it('counts valid entries in memory by type, operation and tag', async () => {
  const { memory, entities, operations, tags, responses, store: kind, since } = await parts();
  expect({ kind, since }).toEqual({ kind: 'memory', since: 7 });
  expect(memory).toMatchObject({ entries: 6, counted: 4, maxBytes: 100_000_000 });
  expect(entities).toMatchObject([
    {
      ...{ subgraph: 'accounts', type: 'User', entries: 2, hit: 1, stale: 1, miss: 3, stored: 1 },
      ...{ refreshed: 0, changed: 0, bytes: expect.any(Number) },
    },
    { subgraph: 'reviews', type: 'Review', entries: 1, hit: 0, miss: 0 },
  ]);
  expect(operations).toMatchObject([{ name: 'Page', entries: 1 }]);
  expect(responses).toMatchObject({ hit: 4, entries: 1 });
  expect(tags[0]).toMatchObject({ name: 'type:User', entries: 4 });
});

it('shows no values in tags, unless they are wanted', async () => {
  const names = async (values: boolean) => (await parts({ values })).tags.map(({ name }) => name);
  expect(await names(false)).toEqual(
    expect.arrayContaining(['User:id=…', 'type:User', 'of the subgraphs’ own form']),
  );
  expect((await names(false)).join()).not.toMatch(/id=[12]|secret/);
  expect(await names(true)).toEqual(expect.arrayContaining(['User:id=1', 'User:id=2', 'secret-1']));
});

it('shows the operation of an answer, and no other tag that looks like one', async () => {
  const own = new MemoryStore({ maxBytes: 1_000_000 });
  const answer = entry([
    'operation:Page',
    'subgraph:accounts',
    'operation:secret',
    'type:secret',
    'subgraph:secret',
  ]);
  await own.set(new Map([['response:hash:', answer]]), own.clock);
  const { tags, operations } = await parts({ memory: own });
  const names = tags.map(({ name }) => name);
  expect(names).toEqual(['operation:Page', 'subgraph:accounts', 'of the subgraphs’ own form']);
  expect(operations).toMatchObject([{ name: 'Page', entries: 1 }]);
});

it('reads no more than 5,000 entries, those that were used last', async () => {
  const large = new MemoryStore({ maxBytes: 100_000_000 });
  const keys = Array.from({ length: 6_000 }, (_, i) => [`response:${i}:`, entry(['type:User'])] as const);
  await large.set(new Map(keys), large.clock);
  expect((await parts({ memory: large })).memory).toMatchObject({ entries: 6_000, counted: 5_000 });
});

it('shows what was invalidated, by whom and why', async () => {
  const note = (cause: InvalidationCause, tags: readonly string[], done: Promise<void>) =>
    metrics.caches.invalidations.note(cause, tags, done);
  note({ kind: 'operator', by: '127.0.0.1' }, ['type:User'], Promise.resolve());
  const failed = Promise.reject(new Error('No.'));
  note(
    { kind: 'mutation', by: 'accounts', because: 'Rename', request: 'r1' },
    ['User:id=1', 'User:id=2'],
    failed,
  );
  await failed.catch(() => undefined);
  note({ kind: 'event', by: 'orders' }, ['a', 'b', 'c', 'd', 'e', 'f', 'g'], new Promise(() => undefined));
  const { counts, recent } = (await parts()).invalidations;
  expect(counts).toEqual({ operator: 1, mutation: 1, answer: 0, event: 1, program: 0 });
  expect(recent).toEqual([
    { at: expect.any(Number), kind: 'event', by: 'orders', tags: ['of the subgraphs’ own form'], more: 2 },
    {
      ...{ at: expect.any(Number), kind: 'mutation', by: 'accounts', because: 'Rename', request: 'r1' },
      ...{ tags: ['User:id=…'], more: 0, isConfirmed: false },
    },
    {
      at: expect.any(Number),
      kind: 'operator',
      by: '127.0.0.1',
      tags: ['type:User'],
      more: 0,
      isConfirmed: true,
    },
  ]);
});

it('keeps the last 50 invalidations', async () => {
  for (let i = 0; i < 120; i++)
    metrics.caches.invalidations.note({ kind: 'program', by: `${i}` }, [], Promise.resolve());
  const { recent } = (await parts()).invalidations;
  expect(recent.map(({ by }) => Number(by))).toEqual(Array.from({ length: 50 }, (_, i) => 119 - i));
});

describe('several processes', () => {
  it('add up what they have counted and hold', async () => {
    const one = await parts();
    const all = mergeCaches([one, cachesOf('far', { ...one, since: 3 })]);
    expect(all).toMatchObject({ since: 3, processes: 2, store: 'memory' });
    expect(all.memory).toMatchObject({ entries: 12, maxBytes: 200_000_000 });
    expect(all.entities[0]).toMatchObject({ subgraph: 'accounts', type: 'User', entries: 4, miss: 6 });
    expect(all.responses.hit).toBe(8);
    expect(all.tags[0]).toMatchObject({ name: 'type:User', entries: 8 });
    expect(all.invalidations.recent).toHaveLength(50);
    expect(all.invalidations.counts.program).toBe(240);
  });

  it('have no memory where all is in a shared store', async () => {
    const far = await parts({ memory: undefined });
    expect(mergeCaches([far, far])).not.toHaveProperty('memory');
  });
});
