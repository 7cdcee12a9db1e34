/**
 * Makes `Array` throw an `Error` in this thread when it is called with a length above `most`.
 *
 * To combine the ways to each type of an interface, the planner allocates an array for all combinations before it
 * counts them: 16 million for a field of 24 types that two subgraphs share. V8 can end a thread that uses up its memory
 * little by little; when one allocation does not fit, it ends the whole process. The function is private to its module,
 * hence `Array` itself is replaced: only for threads that do nothing but plan.
 *
 * Upstream: https://github.com/apollographql/federation/issues/2935.
 */
export function refuseHugeArrays(most: number): void {
  const Original = Array;
  function Bounded(...items: unknown[]): unknown[] {
    const [length] = items;
    if (items.length === 1 && typeof length === 'number' && length > most)
      throw new Error(`Too many options generated: ${length}, the limit is ${most}`);
    const called = new.target as typeof Bounded | undefined;
    const type = called === undefined || called === Bounded ? Original : called;
    return Reflect.construct(Original, items, type) as unknown[];
  }
  // Bound to the original: their `this` decides what they make, and how fast.
  const { isArray } = Original;
  const [from, of] = [Original.from.bind(Original), Original.of.bind(Original)];
  Object.setPrototypeOf(Bounded, Original);
  globalThis.Array = Object.assign(Bounded, {
    isArray,
    from,
    of,
    prototype: Original.prototype,
  }) as unknown as ArrayConstructor;
}
