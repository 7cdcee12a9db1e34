import type { ResponseHeaderRules } from '../collected-headers';
import { follow } from '../pending-answer';
import type { Interceptor, SubgraphRequest, SubgraphResponse } from '../transport';

/** Collects the response headers that clients get. A cached response has none. */
export function collectResponseHeaders(rules: ResponseHeaderRules): Interceptor {
  const collect = (response: SubgraphResponse, { caller }: SubgraphRequest): SubgraphResponse => {
    caller.collected?.add(response.headers, rules);
    return response;
  };
  return (next) => (request) => follow(next(request), request, collect, undefined);
}

/** Marks a response with headers for its client as not shareable: no other client and no cache gets it. */
export function keepFromOthers(rules: ResponseHeaderRules): Interceptor {
  const names = [...rules.keys()];
  const mark = (response: SubgraphResponse): SubgraphResponse =>
    names.some((name) => response.headers[name] !== undefined)
      ? { ...response, isShareable: false }
      : response;
  return (next) => (request) => follow(next(request), undefined, mark, undefined);
}
