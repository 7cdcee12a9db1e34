import { UsedSignatures } from '../../../../gateway/net/used-signatures';

const minute = 60_000;
const start = Date.parse('2027-01-31T12:00:30Z');
const signature = (number: number): Buffer => Buffer.from(`${number}`.padStart(16, '.').padEnd(32, '.'));

beforeEach(() => void jest.useFakeTimers({ now: start, doNotFake: ['performance'] }));
afterEach(() => void jest.useRealTimers());

it('takes a signature once', () => {
  const used = new UsedSignatures();
  expect([1, 2, 1].map((one) => used.use(signature(one), start, 5 * minute))).toEqual([
    'first',
    'first',
    'again',
  ]);
});

it.each([-5, 0, 5])('remembers one of %d minutes from now for as long as it can be accepted', (ahead) => {
  const used = new UsedSignatures();
  const time = start + ahead * minute;
  expect(used.use(signature(1), time, 5 * minute)).toBe('first');
  for (let now = start; now <= time + 6 * minute; now += minute / 2) {
    jest.setSystemTime(now);
    expect(used.use(signature(1), time, 5 * minute)).toBe('again');
  }
});

it('takes none that is too old to be remembered, when options let it be older', () => {
  const used = new UsedSignatures();
  used.use(signature(1), start, 5 * minute);
  jest.setSystemTime(start + 7 * minute);
  expect(used.use(signature(2), start + 7 * minute, 5 * minute)).toBe('first');
  expect(used.use(signature(1), start, 60 * minute)).toBe('again');
  expect(used.use(signature(3), start + 6 * minute, 60 * minute)).toBe('first');
});

it('remembers no more than it may, and takes none then that it could not remember', () => {
  const used = new UsedSignatures(2);
  const use = (number: number, time = Date.now()) => used.use(signature(number), time, 5 * minute);
  expect([use(1), use(2), use(3), use(1)]).toEqual(['first', 'first', 'full', 'again']);
  jest.setSystemTime(start + 7 * minute);
  expect([use(3), use(4), use(5)]).toEqual(['first', 'first', 'full']);
});
