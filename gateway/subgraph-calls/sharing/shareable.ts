import type { SubgraphResponse } from '../contract/transport';

/**
 * Headers that differ for each client request and are in no cache key. A client may send the first three; the last one
 * is the remaining time.
 */
export const ofOneRequest = new Set(['x-request-id', 'traceparent', 'tracestate', 'x-request-timeout']);

/**
 * Whether a response may be shared with another client request: not if it sets a cookie, or varies (RFC 9110, section
 * 12.5.5) by a header that differs for each request. All other headers are in the keys of cached and shared responses, or
 * the same for all requests.
 */
export function isShareable(response: Pick<SubgraphResponse, 'headers' | 'isShareable'>): boolean {
  if (response.isShareable !== undefined) return response.isShareable;
  const { 'set-cookie': cookies, vary } = response.headers;
  return cookies === undefined && (vary === undefined || !variesByRequest(String(vary)));
}

const variesByRequest = (vary: string): boolean =>
  vary.split(',').some((each) => {
    const name = each.trim().toLowerCase();
    return name === '*' || ofOneRequest.has(name);
  });
