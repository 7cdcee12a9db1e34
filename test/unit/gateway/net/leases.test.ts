import { Leases } from '../../../../gateway/net/leases';

it('opens a value for the first holder of a key, and closes it after the last one', () => {
  const closed: string[] = [];
  const leases = new Leases<string>((value) => closed.push(value));
  let opened = 0;
  const take = (key: string) => leases.take(key, () => `${key}${++opened}`);
  const [one, two, other] = [take('a'), take('a'), take('b')];
  expect([one.value, two.value, other.value, leases.values]).toEqual(['a1', 'a1', 'b2', ['a1', 'b2']]);
  one.end();
  expect(closed).toEqual([]);
  two.end();
  expect([closed, leases.values]).toEqual([['a1'], ['b2']]);
  expect(take('a').value).toBe('a3');
});

it('holds nothing where opening has failed', () => {
  const leases = new Leases<string>(() => undefined);
  const fail = () => {
    throw new RangeError('no');
  };
  expect(() => leases.take('a', fail)).toThrow('no');
  expect(leases.values).toEqual([]);
});
