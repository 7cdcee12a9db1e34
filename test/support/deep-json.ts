/** JSON that is nested deeper than Node writes before version 26, which has no bound. Every version reads it. */
export const deepJson = (depth = 100_000): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Whether this Node writes it. */
export const writesDeepJson = ((): boolean => {
  try {
    JSON.stringify(JSON.parse(deepJson()));
    return true;
  } catch {
    return false;
  }
})();
