/**
 * How long something may take, in milliseconds: the limit where nothing else runs (`WEIR_QUIET=1`), and elsewhere 20 s, which
 * only what hangs takes.
 */
export const within = (limit: number): number => (process.env['WEIR_QUIET'] === '1' ? limit : 20_000);

/** Milliseconds of a processor that work takes, with all else that this process does meanwhile: the same on a busy machine. */
export async function processorTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
