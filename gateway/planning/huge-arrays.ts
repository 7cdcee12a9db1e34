/**
 * Lets this thread make no array of more than so many places at once: an `Error` is thrown instead.
 *
 * To combine the ways to each type of an interface the planner makes an array for all combinations, before it counts
 * them: 16 million for a field of 24 types that two subgraphs share. V8 can end a thread that uses up its memory little by
 * little; when one piece does not fit, it ends the whole process. The function that makes the array is within a module,
 * hence `Array` itself is replaced: for threads that do nothing but plan.
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
  // What they are called on decides what these make, and how fast.
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
