import { isRequestId, isUuid, newRequestId } from '../../../../gateway/telemetry/request-id';

it.each(['a', 'A-1_b.c:d', 'x'.repeat(128)])('logs the id of a client: %s', (id) => {
  expect(isRequestId(id)).toBe(true);
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
])('logs nothing of the client in place of an id: %j', (id) => {
  expect(isRequestId(id)).toBe(false);
});

it('makes each id anew: a random UUID of version 4', () => {
  const ids = Array.from({ length: 100 }, () => newRequestId());
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isUuid(id)).toBe(true);
  }
});

it.each(['order-7', '0af76519-16cd-43dd-8448-eb211c80319c-x', '0AF76519-16CD-43DD-8448-EB211C80319C'])(
  'takes no other text for a UUID: %s',
  (id) => {
    expect(isUuid(id)).toBe(false);
  },
);
