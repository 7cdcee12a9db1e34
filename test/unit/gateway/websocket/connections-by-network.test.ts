import fc from 'fast-check';
import { ConnectionsByNetwork } from '../../../../gateway/websocket/connections-by-network';

interface Item {
  readonly network: string;
}

/** The sizes of the networks, as a plain count. */
function sizesOf(open: ReadonlySet<Item>): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { network } of open) sizes.set(network, (sizes.get(network) ?? 0) + 1);
  return sizes;
}

it('finds the newest connection of a network with the most, whatever has come and gone', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.constantFrom('a', 'b', 'c', 'd') }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat(50) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const connections = new ConnectionsByNetwork<Item>();
      const open = new Set<Item>();
      for (const each of steps) {
        if ('add' in each) {
          const item = { network: each.add };
          open.add(item);
          connections.add(item);
          const sizes = sizesOf(open);
          const most = Math.max(...sizes.values());
          const found = connections.newestOfMost(item)!;
          expect(sizes.get(found.network)).toBe(most);
          expect(found).toBe([...open].reverse().find(({ network }) => network === found.network));
          if (sizes.get(item.network) === most) expect(found).toBe(item);
        } else if (open.size > 0) {
          const item = [...open][each.remove % open.size]!;
          open.delete(item);
          connections.delete(item);
          connections.delete(item);
        }
      }
    }),
  );
});

it('has no newest connection once all are gone', () => {
  const connections = new ConnectionsByNetwork<Item>();
  const item = { network: 'a' };
  connections.add(item);
  connections.delete(item);
  expect(connections.newestOfMost(item)).toBeUndefined();
});

it('looks at no connections but those that it is asked about', () => {
  let looks = 0;
  const connect = (address: number) => ({
    get network() {
      looks++;
      return `${address}`;
    },
  });
  const connections = new ConnectionsByNetwork<Item>();
  for (let i = 0; i < 1000; i++) connections.add(connect(i % 10));
  looks = 0;
  const newcomer = connect(11);
  connections.add(newcomer);
  connections.delete(connections.newestOfMost(newcomer)!);
  expect(looks).toBeLessThan(5);
});
