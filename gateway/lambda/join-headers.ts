import type { IncomingHttpHeaders } from 'node:http';

/**
 * Headers by their names in small letters, joined where they are repeated as Node's HTTP server joins them. Of those that
 * may not be repeated the first counts.
 *
 * @param rawHeaders names and values in turn
 */
export function joinHeaders(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    const before = headers.get(name);
    if (name === 'set-cookie') cookies.push(value);
    else if (before === undefined) headers.set(name, value);
    else if (!isSingle.has(name)) headers.set(name, `${before}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  const joined: IncomingHttpHeaders = Object.fromEntries(headers);
  if (cookies.length > 0) joined['set-cookie'] = cookies;
  return joined;
}

const isSingle: ReadonlySet<string> = new Set(
  `age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since
  last-modified location max-forwards proxy-authorization referer retry-after server user-agent`.split(/\s+/),
);
