import type { HttpRequest } from '../contract/transport';
import type { Signer } from '../contract/signer';
import { isSendable } from '../sent-headers';

/**
 * The URL of a request to a REST source, below the URL of the subgraph. Undefined for a path that a URL would not keep as it
 * is: one with dot segments, backslashes, line breaks or a fragment.
 */
export function restUrl({ origin, pathname, search }: URL, path: string): URL | undefined {
  const [before, ...query] = path.split('?');
  const joined = [search.slice(1), query.join('?')].filter((each) => each !== '').join('&');
  const target = `${pathname.replace(/\/$/, '')}${before}${joined === '' ? '' : `?${joined}`}`;
  if (!path.startsWith('/') || !URL.canParse(origin + target)) return undefined;
  const url = new URL(origin + target);
  return url.origin === origin && url.pathname + url.search === target ? url : undefined;
}

/** The headers of a REST request. Undefined if one must not be sent. @param own those of every call, which replace others */
export function restHeaders(
  { headers, body }: HttpRequest,
  own: Readonly<Record<string, string>>,
  signer: Signer | undefined,
): Record<string, string> | undefined {
  const all: Record<string, string> = { accept: 'application/json' };
  for (const [name, value] of Object.entries(headers)) {
    if (!isSendable(name, value)) return undefined;
    if (signer?.headers.includes(name) !== true) all[name] = value;
  }
  const { 'content-type': type } = all;
  Object.assign(all, own);
  if (body === undefined) delete all['content-type'];
  else if (type !== undefined) all['content-type'] = type;
  return all;
}

/** Headers, names and values in turn, without those that the request has itself. */
export const without = (list: readonly string[], own: Readonly<Record<string, string>>): string[] =>
  list.filter((_, i) => !Object.hasOwn(own, list[i - (i % 2)]!));
