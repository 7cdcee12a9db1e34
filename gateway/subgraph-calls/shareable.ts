import type { SubgraphResponse } from './transport';

/**
 * Headers of a call that are others for each client request, and in no key: a client may send the first three, and how
 * long it has left is in the last.
 */
export const ofOneRequest = new Set(['x-request-id', 'traceparent', 'tracestate', 'x-request-timeout']);

/**
 * Whether another client request may be given a response: not one that sets a cookie, nor one that varies (RFC 9110,
 * section 12.5.5) with what every request has for itself. Other headers that it may vary with are in the keys of all
 * that is kept or shared, or the same for all.
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
