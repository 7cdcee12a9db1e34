/** The one function of `semver` that tests call; the package has no types of its own. */
declare module 'semver' {
  /** True when each version of the first range is in the second. */
  export function subset(inner: string, outer: string): boolean;
}
