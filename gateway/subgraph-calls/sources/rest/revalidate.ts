import { LRUCache } from 'lru-cache';
import { parseCacheControl } from '../../../cache/policy';
import { follow } from '../../contract/pending-answer';
import type { HttpRequest, Interceptor, SubgraphRequest, SubgraphResponse } from '../../contract/transport';
import { isShareable } from '../../sharing/shareable';

type Headers = SubgraphResponse['headers'];

interface KeptResponse {
  readonly headers: Headers;
  readonly body: Buffer;
  /** Values of the request headers that `Vary` names. */
  readonly varying: readonly (readonly [name: string, value: string | undefined])[];
}

interface Sent {
  readonly request: SubgraphRequest;
  readonly before: KeptResponse | undefined;
}

/**
 * Makes GETs conditional (RFC 9110, section 13): a response with `ETag` or `Last-Modified` is kept, and answers again where
 * the source answers 304. It is kept for its caller alone, unless it is `public` (RFC 9111, section 3.5).
 */
export const revalidate: Interceptor = (next) => {
  const kept = new LRUCache<string, KeptResponse>({ maxSize: mostBytes, maxEntrySize: largest });
  return (request) => {
    const { http, caller } = request;
    if (http?.method !== 'GET') return next(request);
    const before =
      kept.size === 0
        ? undefined
        : [caller.scope, everybody]
            .map((scope) => kept.get(keyOf(scope, http)))
            .find((each) => each?.varying.every(([name, value]) => valueOf(request, name) === value));
    const sent = before === undefined ? request : { ...request, http: conditional(http, before.headers) };
    return follow(next(sent), { request, before }, answered, undefined);
  };

  function answered(
    response: SubgraphResponse,
    { request, before }: Sent,
  ): SubgraphResponse | Promise<SubgraphResponse> {
    if (before === undefined || response.status !== 304) {
      if (response.status === 200) keep(request, response);
      return response;
    }
    const { etag = before.headers['etag'] } = response.headers;
    // It is about another response than the kept one (RFC 9111, section 4.3.4).
    if (etag !== before.headers['etag']) return next(request);
    const headers = { ...before.headers, ...withoutContent(response.headers) };
    const whole = { ...response, status: 200, headers, body: before.body };
    keep(request, whole);
    return whole;
  }

  function keep(request: SubgraphRequest, response: SubgraphResponse): void {
    const { http, caller } = request;
    const { headers, body } = response;
    if (kept.size > 0) kept.delete(keyOf(caller.scope, http!));
    if (headers['etag'] === undefined && headers['last-modified'] === undefined) return;
    const control = parseCacheControl(String(headers['cache-control'] ?? ''));
    if (control.has('no-store') || !isShareable(response)) return;
    const isPublic = !control.has('private') && (control.has('public') || control.has('s-maxage'));
    const key = keyOf(isPublic ? everybody : caller.scope, http!);
    const names = String(headers['vary'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '');
    const varying = names.map((name) => [name, valueOf(request, name)] as const);
    const size = body.length + 2 * (key.length + JSON.stringify(headers).length);
    kept.set(key, { headers, varying, body: Buffer.from(body) }, { size });
  }
};

/** In bytes, as is `largest`. */
const mostBytes = 8 * 1024 * 1024;
const largest = 1024 * 1024;

/** No scope of a caller. */
const everybody = '*';

const keyOf = (scope: string, { path, headers }: HttpRequest): string =>
  JSON.stringify([scope, path, headers]);

const valueOf = ({ http, caller }: SubgraphRequest, name: string): string | undefined =>
  http!.headers[name] ?? caller.headers[name];

function conditional(http: HttpRequest, { etag, 'last-modified': date }: Headers): HttpRequest {
  const condition =
    etag === undefined ? { 'if-modified-since': String(date) } : { 'if-none-match': String(etag) };
  return { ...http, headers: { ...http.headers, ...condition } };
}

/** Headers of a 304 that are not about the kept body. */
const withoutContent = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('content-')));
