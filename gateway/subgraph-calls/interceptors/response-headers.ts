import type { ResponseHeaderRules } from '../collected-headers';
import type { Interceptor } from '../transport';

/** Collects the response headers that clients get. A cached response has none. */
export function collectResponseHeaders(rules: ResponseHeaderRules): Interceptor {
  return (next) => (request) =>
    next(request).then((response) => {
      request.caller.collected?.add(response.headers, rules);
      return response;
    });
}

/** Marks a response with headers for its client as not shareable: no other client and no cache gets it. */
export function keepFromOthers(rules: ResponseHeaderRules): Interceptor {
  const names = [...rules.keys()];
  return (next) => (request) =>
    next(request).then((response) =>
      names.some((name) => response.headers[name] !== undefined)
        ? { ...response, isShareable: false }
        : response,
    );
}
