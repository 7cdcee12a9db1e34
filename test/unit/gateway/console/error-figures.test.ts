import { describeErrors, mergeErrors, mostFrequent } from '../../../../gateway/console/describe-errors';
import { ErrorFigures, type ErrorFiguresOptions } from '../../../../gateway/console/error-figures';
import { reportedError } from '../../../../gateway/request/reported-errors';
import type { MeasuredRequest } from '../../../../gateway/telemetry/statistics/request-statistics';
import { heapUsed } from '../../../support/heap';

const day = 24 * 3600_000;

function open(options: Partial<ErrorFiguresOptions> = {}) {
  let now = 1_000;
  let id = 0;
  const figures = new ErrorFigures({ memory: 1024 * 1024, now: () => now, ...options });
  const count = (
    code: string,
    { name = 'Page', client = 'web', path = ['me', 'reviews', 0] as unknown[] } = {},
  ) =>
    figures.count(
      {
        ...{ id: `r${++id}`, clientName: client, clientVersion: '1.2.3' },
        errors: new Set([
          reportedError({ path: path as string[], extensions: { code, service: 'reviews', secret: 's' } }),
        ]),
      } as MeasuredRequest,
      { key: `hash of ${name}`, name, type: 'query' },
    );
  return { figures, count, pass: (milliseconds: number) => (now += milliseconds) };
}

it('counts requests by error, client and operation, with the first and the last of them', () => {
  const { figures, count, pass } = open();
  count('TIMEOUT');
  pass(500);
  count('TIMEOUT', { path: ['me', 'reviews', 7] });
  count('TIMEOUT', { client: 'ios' });
  expect(describeErrors(figures.read(), 9)).toEqual({
    at: 9,
    others: { requests: 0, last: 0 },
    errors: [
      {
        ...{ code: 'TIMEOUT', path: 'me.reviews', service: 'reviews', requests: 2 },
        client: { name: 'web', version: '1.2.3' },
        operation: { key: 'hash of Page', name: 'Page', type: 'query' },
        ...{ first: 1000, last: 1500, example: 'r2' },
      },
      expect.objectContaining({ client: { name: 'ios', version: '1.2.3' }, requests: 1, example: 'r3' }),
    ],
  });
});

it('cuts codes, subgraphs and paths, which others choose', () => {
  const { figures, count } = open();
  count(`C\n${'O'.repeat(100)}`, { path: new Array(20).fill('a'.repeat(100)) });
  const { code, path } = figures.read().errors[0]!;
  expect(code).toBe(`C ${'O'.repeat(62)}`);
  expect(path.length).toBeLessThan(300);
  expect(path.split('.')[0]).toBe('a'.repeat(64));
});

it('forgets errors that were not seen for a day', () => {
  const { figures, count, pass } = open();
  count('OLD');
  pass(day / 2);
  count('NEW');
  pass(day / 2 + 1);
  expect(figures.read().errors.map(({ code }) => code)).toEqual(['NEW']);
});

it('counts errors without a row together, and makes room seldom: the rarest go', () => {
  const { figures, count, pass } = open({ most: 10 });
  for (let i = 0; i < 10; i++) for (let k = 0; k <= i; k++) count(`E${i}`);
  count('NEW');
  count('NEWER');
  const codes = (): string[] => figures.read().errors.map(({ code }) => code);
  expect(codes()).toContain('NEW');
  expect(codes()).not.toContain('E0');
  expect(figures.read().others).toEqual({ requests: 2, last: 1000 });
  pass(60_001);
  count('NEWEST');
  expect(codes()).toContain('NEWEST');
});

it('adds up what several processes have counted, and shares the most frequent', () => {
  const [one, other] = [open(), open()];
  one.count('TIMEOUT');
  other.pass(500);
  other.count('TIMEOUT');
  for (let i = 0; i < 60; i++) other.count(`E${i}`, { name: 'Cart' });
  const { errors, others } = mergeErrors([one.figures.read(), mostFrequent(other.figures.read())]);
  expect(errors[0]).toMatchObject({ code: 'TIMEOUT', requests: 2, first: 1000, last: 1500, example: 'r1' });
  expect(errors).toHaveLength(50);
  expect(others).toEqual({ requests: 11, last: 1500 });
});

it('takes about the memory that is counted', async () => {
  let opened: ReturnType<typeof open> | undefined = open({ memory: 2 ** 30, most: 5000 });
  for (let i = 0; i < 5000; i++)
    opened.count(`CODE_${i}`, { client: `client ${i}`, path: ['me', `reviews${i}`, 'author', 'name'] });
  const { bytes } = opened.figures;
  const all = await heapUsed();
  opened = undefined;
  const taken = all - (await heapUsed());
  expect(bytes / taken).toBeGreaterThan(0.8);
  expect(bytes / taken).toBeLessThan(1.6);
});
