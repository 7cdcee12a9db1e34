import { describeReport } from '../../../../cli/operators/describe-report';
import type { CallTotals } from '../../../../gateway/console/api';
import { reportOf } from '../../../../gateway/console/call-report';
import { byPolicy } from '../../../../gateway/telemetry/statistics/cache-statistics';

const at = Date.UTC(2026, 10, 27, 16, 30);
const none = {
  planned: 0,
  merged: 0,
  deduplicated: 0,
  batched: 0,
  cached: 0,
  sent: 0,
  answers: 0,
  storable: 0,
};
const answers = { hit: 0, stale: 0, coalesced: 0, miss: 0, pass: 0 };
const empty: CallTotals = { since: at - 900_000, at, processes: 1, operations: [], caches: [] };
const agesOf = (fresh: number, stale: number, seconds: number) =>
  byPolicy((policy) => ({
    counts: [policy === 'fresh' ? fresh : policy === 'stale-while-revalidate' ? stale : 0],
    sum: policy === 'fresh' ? seconds : 0,
  }));

const busy: CallTotals = {
  ...empty,
  processes: 2,
  operations: [
    {
      name: 'ProductPage',
      type: 'query',
      executions: 100,
      answers: { ...answers, hit: 300, miss: 100 },
      isOpen: true,
      fetches: {
        products: { ...none, planned: 100, deduplicated: 10, sent: 90, answers: 100, storable: 100 },
        reviews: { ...none, planned: 200, batched: 20, cached: 20, sent: 160, answers: 200, storable: 200 },
      },
      plan: [
        {
          subgraph: 'products',
          kind: 'root',
          step: 1,
          needs: [],
          fetches: [{ asks: ['product'], path: '' }],
        },
        {
          subgraph: 'reviews',
          kind: 'entities',
          step: 2,
          needs: [0],
          fetches: [{ asks: ['Product'], path: 'product' }],
        },
        {
          subgraph: 'products',
          kind: 'entities',
          step: 3,
          needs: [1],
          fetches: [{ asks: ['Product'], path: 'x' }],
        },
        {
          subgraph: 'reviews',
          kind: 'entities',
          step: 4,
          needs: [2],
          fetches: [{ asks: ['Product'], path: 'x' }],
        },
      ],
    },
  ],
  caches: [
    { misses: 100, refreshed: 40, changed: 30, ages: agesOf(290, 10, 3_000) },
    { subgraph: 'reviews', type: 'Product', misses: 180, refreshed: 0, changed: 0, ages: agesOf(20, 0, 100) },
    { subgraph: 'users', type: 'User', misses: 0, refreshed: 0, changed: 0, ages: agesOf(0, 0, 0) },
  ],
};

it('is aligned, and tells calls, what was saved, caches and advice', () => {
  expect(`\n${describeReport(reportOf(busy))}`).toBe(`
2 processes, 2026-11-27 16:15:00 UTC to 2026-11-27 16:30:00 UTC
400 client requests, 300 of them answered by the response cache. Of 300 planned
calls 50 were saved: 0 merged, 10 shared, 20 batched, 20 cached. 250 were sent.

Service calls service  calls  per request
products → reviews       160         0.40
gateway → products        45         0.11
reviews → products        45         0.11

Operation calls service  per request  planned  merged  shared  batched  cached
ProductPage → reviews           1.60     2.00       0       0       20      20
ProductPage → products          0.90     1.00       0      10        0       0

Cache               asked  hits  stale  mean age  refreshed  changed
answers               400  73 %    3 %    10.0 s         40     75 %
Product of reviews    200  10 %    0 %     5.0 s          0        -

Advice
- Calls of \`ProductPage\` to reviews are serial, 1.6 times per request: each
  waits for the one before (\`Product\` at x needs \`Product\` at product, by way of
  products). Let reviews answer both in one call: with a field of its own for
  what products adds (\`@shareable\`), or with the key that the second call needs.
- Cached answers had changed in 75 % of 40 refreshes: some clients got old data.
  Shorten their \`max-age\`, or drop them when they change, by events or tags
  (docs/entity-cache.md).
`);
});

it('says so where nothing was counted', () => {
  expect(describeReport(reportOf(empty))).toBe(
    'One process, 2026-11-27 16:15:00 UTC to 2026-11-27 16:30:00 UTC\n' +
      '0 client requests, 0 of them answered by the response cache. Of 0 planned calls\n' +
      '0 were saved: 0 merged, 0 shared, 0 batched, 0 cached. 0 were sent.\n' +
      '\nNo subgraph was called.\n\nNothing is to be gained, as far as these counts say.\n',
  );
});

it('stays within 80 columns, and tells the ten worst of many, whatever clients call their operations', () => {
  const operations = Array.from({ length: 14 }, (_, i) => ({
    ...busy.operations[0]!,
    name: `${'Very'.repeat(30)}\u001b[2J${i}`,
  }));
  const text = describeReport(reportOf({ ...busy, operations }));
  const advice = text.indexOf('\nAdvice');
  for (const line of text.slice(0, advice).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).toContain('… and 18 more: --format json has all');
  expect(text).not.toContain('\u001b');
});
