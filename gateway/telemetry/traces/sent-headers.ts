import type { IncomingHttpHeaders } from 'node:http';

/** The names of headers that make a request what it is: a command that sends it again needs them. Equal lists are one. */
export function sentHeaders(headers: IncomingHttpHeaders): readonly string[] {
  const names: string[] = [];
  for (const name in headers) if (isPartOfCommand(name) && names.length < mostNames) names.push(name);
  const key = names.join();
  let known = lists.get(key);
  if (known === undefined) {
    if (lists.size >= mostLists) lists.clear();
    lists.set(key, (known = names));
  }
  return known;
}

/** Names with other characters would be parts of a command. */
const isPartOfCommand = (name: string): boolean =>
  !ofConnection.has(name) && !name.startsWith('sec-') && name.length <= 64 && /^[a-z\d-]+$/.test(name);

/** Those of the connection, of the body, and those that programs add on their own. */
const ofConnection = new Set(
  `accept accept-encoding accept-language cache-control connection content-encoding content-length content-type dnt expect
  forwarded host http2-settings keep-alive origin pragma priority proxy-connection referer te trailer transfer-encoding
  upgrade upgrade-insecure-requests user-agent via x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto
  x-real-ip x-request-id traceparent tracestate`.split(/\s+/),
);

const lists = new Map<string, readonly string[]>();
const mostLists = 200;
const mostNames = 20;
