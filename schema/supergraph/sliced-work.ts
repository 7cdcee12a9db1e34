/** Work that yields where it can be left and continued: a large supergraph would else hold up what else a process does. */
export type SlicedWork<Result> = Generator<undefined, Result>;

export function runAtOnce<Result>(work: Generator<unknown, Result>): Result {
  let next = work.next();
  while (next.done !== true) next = work.next();
  return next.value;
}
