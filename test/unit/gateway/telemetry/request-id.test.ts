import { requestIdOf } from '../../../../gateway/telemetry/request-id';

it.each(['a', 'A-1_b.c:d', 'x'.repeat(128)])('keeps the id of the caller: %s', (id) => {
  expect(requestIdOf(id)).toBe(id);
});

it.each([
  [undefined],
  [''],
  ['a b'],
  ['a"b'],
  ['é'],
  ['x'.repeat(129)],
  ['a\nb'],
  ['.'],
  ['..'],
  [['a', 'b']],
])('makes one of its own in place of %j', (id) => {
  expect(requestIdOf(id)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
