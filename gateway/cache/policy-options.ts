import type { Options } from '../options';
import { compileKeyHeaders } from './key-headers';
import { policyReader } from './policy';

/** How responses of subgraphs are read under these options. */
export function policyReaderFor(options: Options): ReturnType<typeof policyReader> {
  const { staleWhileRevalidate, staleIfError, default: otherwise } = options.cache;
  return policyReader({
    policy: {
      scope: otherwise.scope,
      maxAge: Math.floor(otherwise.maxAge / 1000),
      staleWhileRevalidate: otherwise.maxAge < 1000 ? 0 : Math.floor(staleWhileRevalidate / 1000),
      staleIfError: otherwise.maxAge < 1000 ? 0 : Math.floor(staleIfError / 1000),
    },
    staleWhileRevalidate: Math.floor(staleWhileRevalidate / 1000),
    staleIfError: Math.floor(staleIfError / 1000),
    identityHeaders: compileKeyHeaders(options).identity,
  });
}
