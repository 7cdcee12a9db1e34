import { bytes, counted, duration, rate, share } from '../../../../console/parts/format';

it.each([
  [0, '0 ms'],
  [0.42, '0.42 ms'],
  [4.23, '4.2 ms'],
  [9.96, '10 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [12_340, '12.3 s'],
  [59_960, '1 min 0 s'],
  [125_000, '2 min 5 s'],
])('writes %d ms as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it.each([
  [0, '0 %'],
  [0.004, '0.4 %'],
  [0.126, '13 %'],
  [0.999, '99.9 %'],
  [1, '100 %'],
])('writes the share %d as %s', (value, text) => {
  expect(share(value)).toBe(text);
});

it('writes rates with a decimal only where they are small', () => {
  expect([0, 0.02, 0.44, 12.3].map(rate)).toEqual(['0/s', '< 0.1/s', '0.4/s', '12/s']);
});

it('writes counts with their noun', () => {
  expect([counted(1, 'call'), counted(2, 'call'), counted(2, 'query', 'queries')]).toEqual([
    '1 call',
    '2 calls',
    '2 queries',
  ]);
});

it('writes bytes in the largest unit', () => {
  expect([0, 512, 4_200, 42_000_000, 3e12].map(bytes)).toEqual([
    '0 B',
    '512 B',
    '4.2 kB',
    '42 MB',
    '3000 GB',
  ]);
});
