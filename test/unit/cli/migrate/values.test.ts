import {
  address,
  duration,
  headerPatterns,
  milliseconds,
  originPattern,
  seconds,
  size,
} from '../../../../cli/migrate/values';

it.each([
  ['30s', '30s'],
  ['1m30s', '90s'],
  ['1h', '1h'],
  ['250ms', '250ms'],
  ['1.5s', '1500ms'],
  ['2 minutes', '2m'],
  [1500, '1500ms'],
  [0, '0s'],
  ['${TIMEOUT:-5s}', '${TIMEOUT:-5s}'],
  ['soon', undefined],
  ['', undefined],
  ['1x', undefined],
  [-1, undefined],
  ['1s'.repeat(60), undefined],
])('a duration of %j is %j', (value, written) => {
  expect(duration(value)).toBe(written);
});

it('takes a number as seconds where another gateway does', () => {
  expect(seconds(120)).toBe('2m');
  expect(milliseconds('2', 1000)).toBe(2000);
});

it.each([
  ['5MB', '5MB'],
  ['2MiB', '2MiB'],
  ['2mb', '2MB'],
  ['64KiB', '64KiB'],
  [2_000_000, '2MB'],
  [1_048_576, '1MiB'],
  [1000, '1kB'],
  [1001, 1001],
  ['${BODY}', '${BODY}'],
  ['much', undefined],
])('a size of %j is %j', (value, written) => {
  expect(size(value)).toBe(written);
});

it.each([
  ['0.0.0.0:4000', '0.0.0.0', 4000],
  ['localhost:3002', '127.0.0.1', 3002],
  [':8080', '0.0.0.0', 8080],
  ['[::]:4000', '::', 4000],
  ['${HOST:-0.0.0.0}:${PORT:-4000}', '${HOST:-0.0.0.0}', '${PORT:-4000}'],
  [4000, undefined, 4000],
])('an address of %j is %j and %j', (value, host, port) => {
  expect(address(value)).toEqual({ host, port });
});

it.each(['/run/socket', 'host', ''])('%j is no address', (value) => {
  expect(address(value)).toBe(undefined);
});

it.each([
  ['^x-.*', ['x-*']],
  ['^x-.*$', ['x-*']],
  ['(?i)^X-Custom-.+', ['x-custom-*']],
  ['^(accept-language|x-country)$', ['accept-language', 'x-country']],
  ['tenant', ['*tenant*']],
  ['.*', ['*']],
  ['^x-(?!secret).*$', undefined],
  ['^x-[ab]$', undefined],
  ['^x-.$', undefined],
  ['', undefined],
])('the expression %j is the patterns %j', (expression, patterns) => {
  expect(headerPatterns(expression)).toEqual(patterns);
});

it.each([
  ['^https://.*\\.shop\\.example$', 'https://*.shop.example'],
  ['^https://[a-z0-9-]+\\.shop\\.example$', 'https://*.shop.example'],
  ['^https://shop\\.example:8080$', 'https://shop.example:8080'],
  ['^https?://shop\\.example$', undefined],
  ['^https://shop.example$', undefined],
  ['.*', undefined],
])('the expression %j is the origin %j', (expression, origin) => {
  expect(originPattern(expression)).toBe(origin);
});
