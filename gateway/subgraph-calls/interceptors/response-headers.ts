import type { ResponseHeaderRules } from '../wire/collected-headers';
import { follow } from '../contract/pending-answer';
import type { Interceptor, SubgraphRequest, SubgraphResponse } from '../contract/transport';

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

/** Marks a response that varies by one of these request headers, which are in no key, as not shareable. */
export function keepVarying(names: readonly string[]): Interceptor {
  const mark = (response: SubgraphResponse): SubgraphResponse => {
    const { vary } = response.headers;
    return vary !== undefined &&
      String(vary)
        .split(',')
        .some((name) => names.includes(name.trim().toLowerCase()))
      ? { ...response, isShareable: false }
      : response;
  };
  return (next) => (request) => follow(next(request), undefined, mark, undefined);
}
