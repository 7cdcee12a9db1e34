import type { ResponseHeaderRules } from '../collected-headers';
import type { Interceptor } from '../transport';

/** Collects the response headers that clients get. What comes from a cache has none. */
export function collectResponseHeaders(rules: ResponseHeaderRules): Interceptor {
  return (next) => (request) =>
    next(request).then((response) => {
      request.caller.collected?.add(response.headers, rules);
      return response;
    });
}

/** Has a response with headers for its client shared with no other client, and kept in no cache. */
export function keepFromOthers(rules: ResponseHeaderRules): Interceptor {
  const names = [...rules.keys()];
  return (next) => (request) =>
    next(request).then((response) =>
      names.some((name) => response.headers[name] !== undefined)
        ? { ...response, isShareable: false }
        : response,
    );
}
