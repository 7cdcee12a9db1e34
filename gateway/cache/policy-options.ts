import type { Options } from '../options';
import { compileKeyHeaders } from './key-headers';
import { policyReader } from './policy';

/** How responses of subgraphs are read under these options. */
export function policyReaderFor(options: Options): ReturnType<typeof policyReader> {
  const { staleWhileRevalidate, staleIfError } = options.cache;
  return policyReader({
    staleWhileRevalidate: Math.floor(staleWhileRevalidate / 1000),
    staleIfError: Math.floor(staleIfError / 1000),
    // `weir-identity` is in the keys of private answers, as part of `Caller.scope`.
    identityHeaders: [...compileKeyHeaders(options).identity, 'weir-identity'],
  });
}
