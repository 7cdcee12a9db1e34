import { LRUCache } from 'lru-cache';
import { parseCacheControl } from '../../../cache/policy';
import type { HttpRequest, Interceptor, SubgraphRequest, SubgraphResponse } from '../../contract/transport';
import { isShareable } from '../../sharing/shareable';

type Headers = SubgraphResponse['headers'];

interface KeptResponse {
  readonly headers: Headers;
  readonly body: Buffer;
  /** Values of the request headers that `Vary` names. */
  readonly varying: readonly (readonly [name: string, value: string | undefined])[];
}

/**
 * Makes GETs conditional (RFC 9110, section 13): a response with `ETag` or `Last-Modified` is kept, and answers again where
 * the source answers 304. It is kept for its caller alone, unless it is `public` (RFC 9111, section 3.5).
 */
export const revalidate: Interceptor = (next) => {
  const kept = new LRUCache<string, KeptResponse>({ maxSize: mostBytes, maxEntrySize: largest });
  return async (request) => {
    const { http } = request;
    if (http?.method !== 'GET') return next(request);
    const own = keyOf(request.caller.scope, http);
    const shared = keyOf(everybody, http);
    const key = [own, shared].find(
      (each) => kept.get(each)?.varying.every(([name, value]) => valueOf(request, name) === value) === true,
    );
    const before = key === undefined ? undefined : kept.get(key);
    const response = await next(
      before === undefined ? request : { ...request, http: conditional(http, before.headers) },
    );
    if (before !== undefined && response.status === 304) {
      const { etag = before.headers['etag'] } = response.headers;
      // It is about another response than the kept one (RFC 9111, section 4.3.4).
      if (etag !== before.headers['etag']) return next(request);
      const headers = { ...before.headers, ...withoutContent(response.headers) };
      keep(request, { ...response, status: 200, headers, body: before.body });
      return { ...response, status: 200, headers, body: before.body };
    }
    if (response.status === 200) keep(request, response);
    return response;
  };

  function keep(request: SubgraphRequest, response: SubgraphResponse): void {
    const { http, caller } = request;
    const { headers, body } = response;
    const control = parseCacheControl(String(headers['cache-control'] ?? ''));
    const hasValidator = headers['etag'] !== undefined || headers['last-modified'] !== undefined;
    const isPublic = !control.has('private') && (control.has('public') || control.has('s-maxage'));
    const key = keyOf(isPublic ? everybody : caller.scope, http!);
    kept.delete(keyOf(caller.scope, http!));
    if (!hasValidator || control.has('no-store') || !isShareable(response)) return;
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
