/** Where the page is: what follows `#` in its address, such as `#/requests/ID` or `#/requests?failed=1`. */
export interface Route {
  /** The first step of the path; empty for `#/`. */
  readonly page: string;
  /** The other steps, decoded. */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/** Reads an address, with or without `#`. A step that is not well encoded is taken as it is. */
export function parseRoute(hash: string): Route {
  const [path, query] = split(hash.replace(/^#/, ''), '?');
  const [page = '', ...rest] = path.split('/').filter(Boolean).map(decoded);
  return { page, rest, query: new URLSearchParams(query) };
}

/** The address of a page. Empty values of the query are left out. */
export function addressOf(steps: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  const asked = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  return `#/${steps.map(encodeURIComponent).join('/')}${asked}`;
}

/** The token in an address such as `/console#token=…`, which `weir dev` prints. */
export const tokenIn = (hash: string): string | undefined =>
  hash.startsWith('#token=') ? decoded(hash.slice('#token='.length)) : undefined;

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
