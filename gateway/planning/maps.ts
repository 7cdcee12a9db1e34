/** The value of a key; computed, and kept, where there is none. Not for what each field takes: closures cost there. */
export function remembered<Key, Value>(
  map: { get(key: Key): Value | undefined; set(key: Key, value: Value): unknown },
  key: Key,
  compute: () => Value,
): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = compute()));
  return value;
}

export function mapIn<Of, Key, Value>(maps: Map<Of, Map<Key, Value>>, of: Of): Map<Key, Value> {
  let map = maps.get(of);
  if (map === undefined) maps.set(of, (map = new Map<Key, Value>()));
  return map;
}

/** The items in groups with equal ids, in the order of their first ones. */
export function groupsBy<Item>(items: Iterable<Item>, idOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) remembered(groups, idOf(item), () => []).push(item);
  return [...groups.values()];
}

/** The first item with the lowest price; undefined where all prices are infinite. */
export function cheapestOf<Item>(items: Iterable<Item>, priceOf: (item: Item) => number): Item | undefined {
  let cheapest: Item | undefined;
  let lowest = Infinity;
  for (const item of items) {
    const price = priceOf(item);
    if (price < lowest) [cheapest, lowest] = [item, price];
  }
  return cheapest;
}
