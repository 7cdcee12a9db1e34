import { LiveSet } from '../../../../../gateway/subgraph-calls/sharing/live-set';

const members = (count: number) => Array.from({ length: count }, (_, id) => ({ id, indexInSet: -1 }));

it('has the added members that have not left, in whatever order they leave', () => {
  const set = new LiveSet<{ id: number; indexInSet: number }>();
  const all = members(5);
  for (const member of all) set.add(member);
  for (const leaving of [4, 0, 2]) set.delete(all[leaving]!);
  expect([...set].map(({ id }) => id).sort()).toEqual([1, 3]);
  expect(set.size).toBe(2);
  set.add(all[0]!);
  expect([...set].map(({ id }) => id).sort()).toEqual([0, 1, 3]);
});

it('ignores the deletion of a non-member', () => {
  const set = new LiveSet<{ id: number; indexInSet: number }>();
  const [one, other] = members(2);
  set.add(one!);
  set.delete(other!);
  set.delete(one!);
  set.delete(one!);
  expect(set.size).toBe(0);
});

it('lets members leave during iteration', () => {
  const set = new LiveSet<{ id: number; indexInSet: number }>();
  for (const member of members(10)) set.add(member);
  const seen: number[] = [];
  for (const member of set) {
    seen.push(member.id);
    set.delete(member);
  }
  expect(seen).toHaveLength(10);
  expect(set.size).toBe(0);
});
