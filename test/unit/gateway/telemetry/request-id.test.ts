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

it('makes each id anew: a random UUID of version 4', () => {
  const ids = Array.from({ length: 100 }, () => requestIdOf(undefined));
  expect(new Set(ids).size).toBe(100);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
