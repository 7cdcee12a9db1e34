/** A package that is not run. The message says which part of it is wrong. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}
