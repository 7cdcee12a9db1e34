import { randomIds } from '../../../../../gateway/telemetry/traces/random-ids';

it('makes ids of the size that is asked for, no two alike, of more bytes than are drawn at a time', () => {
  const newId = randomIds();
  const ids = Array.from({ length: 2000 }, (_, i) => newId(i % 3 === 0 ? 16 : 8));
  expect(ids.filter((id, i) => !(i % 3 === 0 ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{16}$/).test(id))).toEqual([]);
  expect(new Set(ids.map((id) => id.slice(0, 16))).size).toBe(ids.length);
});
