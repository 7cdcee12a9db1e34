import { createHash } from 'node:crypto';
import { type PlannedOperation, type QueryPlan } from '../../../../../gateway/planning';
import { OperationMemory, PlanCache } from '../../../../../gateway/graph/operation-cache';

const fetchPlan = (operation: string): QueryPlan => ({
  kind: 'QueryPlan',
  node: {
    kind: 'Fetch',
    serviceName: 'a',
    operation,
    operationKind: 'query',
    operationName: undefined,
  } as never,
});

const operation = (document: string, more: Partial<PlannedOperation> = {}): PlannedOperation => ({
  document,
  documentHash: createHash('sha256').update(document).digest('hex'),
  operationName: undefined,
  ...more,
});

interface Compiled extends Omit<PlannedOperation, 'documentHash'> {
  readonly plan: QueryPlan;
}

function createCache({
  maxSize = 1e6,
  size = 100,
  mostRefusals,
}: { maxSize?: number; size?: number; mostRefusals?: number } = {}) {
  const planned: string[] = [];
  const grow = new Map<string, (size: number) => void>();
  const sizes = new Map<Compiled, number>();
  const memory = new OperationMemory(maxSize);
  const cache = new PlanCache<Compiled>({
    make: async ({ document, operationName, overrideLabels, refused }, _sender, onGrowth) => {
      planned.push(document);
      if (document.includes('fail')) throw new Error('It fails.');
      const compiled = { plan: fetchPlan(document), document, operationName, overrideLabels, refused };
      grow.set(document, (to) => {
        sizes.set(compiled, to);
        onGrowth();
      });
      return compiled;
    },
    cache: memory.open(1),
    sizeOf: (compiled) => sizes.get(compiled) ?? size,
    mostRefusals,
  });
  return { cache, planned, memory, grow };
}

describe('a plan cache', () => {
  it('plans and compiles an operation once', async () => {
    const { cache, planned } = createCache();
    expect(cache.peek(operation('{a}'))).toBeUndefined();
    const compiled = await cache.get(operation('{a}'));
    expect(compiled).toMatchObject({ plan: fetchPlan('{a}'), document: '{a}' });
    expect(await cache.get(operation('{a}'))).toBe(compiled);
    expect(cache.peek(operation('{a}'))).toBe(compiled);
    expect(planned).toEqual(['{a}']);
  });

  it('plans an operation once that is asked for many times at once', async () => {
    const { cache, planned } = createCache();
    const compiled = await Promise.all(Array.from({ length: 20 }, () => cache.get(operation('{a}'))));
    expect(new Set(compiled).size).toBe(1);
    expect(planned).toHaveLength(1);
  });

  it('keeps operations of one document, and override labels, apart', async () => {
    const { cache } = createCache();
    const document = 'query A{a} query B{b}';
    const variants = [
      operation(document, { operationName: 'A' }),
      operation(document, { operationName: 'B' }),
      operation(document, { operationName: 'B', overrideLabels: ['x'] }),
      operation(document, { operationName: 'B', overrideLabels: ['x', 'y'] }),
    ];
    const compiled = await Promise.all(variants.map((variant) => cache.get(variant)));
    expect(new Set(compiled).size).toBe(4);
    expect(compiled.map(({ operationName }) => operationName)).toEqual(['A', 'B', 'B', 'B']);
  });

  it('keeps apart what is refused of an operation, and keeps so many ways of it', async () => {
    const { cache } = createCache({ mostRefusals: 2 });
    const ways = [[], ['authenticated'], ['authenticated', 'User.name'], ['User.name']];
    for (const refused of ways) await cache.get(operation('{a}', { refused }));
    await cache.get(operation('{b}', { refused: ['authenticated'] }));
    const kept = ways.map((refused) => cache.peek(operation('{a}', { refused }))?.refused);
    expect(kept).toEqual([[], undefined, ['authenticated', 'User.name'], ['User.name']]);
    expect(cache.peek(operation('{b}', { refused: ['authenticated'] }))).toBeDefined();
  });

  it('does not keep a failure, and hands it to everyone who waits', async () => {
    const { cache, planned } = createCache();
    const results = await Promise.allSettled([
      cache.get(operation('{fail}')),
      cache.get(operation('{fail}')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(cache.get(operation('{fail}'))).rejects.toThrow('It fails.');
    expect(planned).toHaveLength(2);
  });

  it('passes on what the compiler throws', async () => {
    const cache = new PlanCache<Compiled>({
      make: async () => {
        throw new Error('It does not compile.');
      },
      cache: new OperationMemory().open(1),
      sizeOf: () => 1,
    });
    await expect(cache.get(operation('{a}'))).rejects.toThrow('It does not compile.');
  });

  it('is bounded in bytes and forgets the least recently used', async () => {
    const { cache } = createCache({ maxSize: 2000, size: 500 });
    await cache.get(operation('{a}'));
    await cache.get(operation('{b}'));
    cache.peek(operation('{a}'));
    await cache.get(operation('{c}'));
    expect(cache.peek(operation('{a}'))).toBeDefined();
    expect(cache.peek(operation('{b}'))).toBeUndefined();
  });

  it('counts documents, names and what was compiled', async () => {
    const { cache, memory } = createCache({ size: 1000 });
    await cache.get(operation(`{a ${' '.repeat(5000)}}`, { operationName: 'x'.repeat(500) }));
    expect(memory.size).toBeGreaterThan(6500);
    expect(memory.size).toBeLessThan(7000);
  });

  it('forgets others when what was compiled grows while it is used', async () => {
    const { cache, memory, grow } = createCache({ maxSize: 3000, size: 500 });
    for (const document of ['{a}', '{b}', '{c}']) await cache.get(operation(document));
    grow.get('{b}')!(2300);
    expect(memory.size).toBeLessThan(3000);
    expect(memory.size).toBeGreaterThan(2000);
    expect(cache.peek(operation('{b}'))).toBeDefined();
    expect(cache.peek(operation('{a}'))).toBeUndefined();
  });

  it('keeps nothing of what grows after it was forgotten', async () => {
    const { cache, memory, grow } = createCache({ maxSize: 2000, size: 500 });
    for (const document of ['{a}', '{b}', '{c}']) await cache.get(operation(document));
    const { size } = memory;
    grow.get('{a}')!(600);
    expect(memory.size).toBe(size);
    expect(cache.peek(operation('{a}'))).toBeUndefined();
  });

  it('knows which operations are used most', async () => {
    const { cache } = createCache();
    for (const [document, uses] of Object.entries({ '{a}': 1, '{b}': 3, '{c}': 2 })) {
      for (let use = 0; use < uses; use++) await cache.get(operation(document));
    }
    expect(cache.mostUsed(2).map(({ document }) => document)).toEqual(['{b}', '{c}']);
  });

  it('is warmed by the operations of another one, without those that fail', async () => {
    const { cache, planned } = createCache();
    await cache.warm([operation('{a}'), operation('{fail}'), operation('{b}')]);
    expect(planned).toEqual(['{a}', '{fail}', '{b}']);
    expect(cache.peek(operation('{b}'))).toBeDefined();
  });
});
