/** A package that is not run. The message names the part that is wrong. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}
