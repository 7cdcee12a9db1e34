/** gateway/replay/report.ts and gateway/replay/durations.ts. */
import type { Difference } from '../../../../gateway/replay/difference';
import { ReplayReport, type ReplayResult } from '../../../../gateway/replay/report';
import { heapUsed } from '../../../support/heap';

const result = (
  hash: string,
  differences: readonly Difference[] = [],
  more: Partial<ReplayResult> = {},
): ReplayResult => ({
  ...{ operation: { hash, name: `Of${hash}`, text: `query Of${hash}{a}` }, differences },
  ...{ a: { milliseconds: 10 }, b: { milliseconds: 20, calls: 2 } },
  ...more,
});

const difference = (path: string, kind: Difference['kind'] = 'value'): Difference => ({
  ...{ path, kind, count: 1, at: path.replaceAll('[]', '[0]') },
  ...{ a: { shape: 'a number' }, b: { shape: 'a string' } },
});

it('counts operations and paths, with three examples of each', () => {
  const report = new ReplayReport();
  for (let i = 0; i < 3; i++) report.add(result('1'));
  for (let i = 0; i < 5; i++) report.add(result('2', [difference('a[].b')], { from: `x.jsonl:${i + 1}` }));
  const { operations, ...all } = report.toJSON();
  expect(all).toMatchObject({ compared: 8, equal: 3, different: 5 });
  expect(operations).toMatchObject([
    {
      hash: '2',
      name: 'Of2',
      compared: 5,
      equal: 0,
      different: 5,
      paths: [{ path: 'a[].b', kind: 'value', count: 5 }],
    },
    { hash: '1', compared: 3, equal: 3, different: 0, paths: [] },
  ]);
  expect(operations[0]!.paths[0]!.examples).toEqual(
    [1, 2, 3].map((line) => ({
      ...{ at: 'a[0].b', from: `x.jsonl:${line}` },
      ...{ a: { shape: 'a number' }, b: { shape: 'a string' } },
    })),
  );
});

it('has times of both sides, and calls where they are reported', () => {
  const report = new ReplayReport();
  for (let i = 1; i <= 100; i++)
    report.add(result('1', [], { a: { milliseconds: i }, b: { milliseconds: undefined, calls: i % 2 } }));
  const { a, b } = report.toJSON();
  expect(a.p50! / 50).toBeCloseTo(1, 1);
  expect(a.p99! / 99).toBeCloseTo(1, 1);
  expect({ a: a.calls, b }).toEqual({ a: null, b: { p50: null, p99: null, calls: 0.5 } });
});

it('goes on from what was saved', () => {
  const [whole, first] = [new ReplayReport(), new ReplayReport()];
  for (const report of [whole, first]) report.add(result('1', [difference('a')]));
  const second = new ReplayReport(JSON.parse(JSON.stringify(first.save())));
  for (const report of [whole, second])
    for (const more of [result('1', [difference('a'), difference('b', 'null')]), result('2')])
      report.add(more);
  expect(second.toJSON()).toEqual(whole.toJSON());
});

it('has bounds: operations and paths beyond them share rows', () => {
  const report = new ReplayReport();
  for (let i = 0; i < 3000; i++)
    report.add(
      result(
        String(i),
        Array.from({ length: 20 }, (_, n) => difference(`a${i}.b${n}`)),
      ),
    );
  for (let i = 0; i < 300; i++) report.add(result('0', [difference(`${'a'.repeat(10_000)}${i}`)]));
  const { operations, compared } = report.toJSON();
  expect(compared).toBe(3300);
  expect(operations).toHaveLength(1001);
  expect(operations[0]).toMatchObject({
    hash: '(others)',
    compared: 2000,
    paths: [{ path: '(others)', count: 2000 }],
  });
  expect(operations[0]!.paths).toHaveLength(1);
  expect(JSON.stringify(report.save()).length).toBeLessThan(3e6);
});

it('holds the beginnings of long texts, and not the texts', async () => {
  const report = new ReplayReport();
  const before = await heapUsed();
  for (let i = 0; i < 200; i++) {
    const long = Buffer.alloc(500_000, `${i}_`).toString();
    const operation = { hash: String(i), name: long, text: long };
    report.add({ ...result(''), operation, differences: [{ ...difference('a'), at: long }] });
  }
  expect((await heapUsed()) - before).toBeLessThan(10_000_000);
  expect(report.toJSON().operations).toHaveLength(200);
});
