import type { IncomingHttpHeaders } from 'node:http';
import type { CorsHeaders } from './http-sink';
import type { Options } from '../options';
import { compileOriginPattern } from '../options/origin-patterns';
import { securityHeaders } from './security-headers';

/** The headers that a page of another origin may read. */
const exposedHeaders = ['x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after'];

/** The headers of subgraphs that clients get. Pages never see cookies (Fetch, section 2.2.6). */
function responseHeaderNames({ headers, subgraphs }: Options): readonly string[] {
  const rules = [headers, ...Object.values(subgraphs).map((each) => each.headers)];
  const names = new Set(rules.flatMap(({ response }) => Object.keys(response)));
  names.delete('set-cookie');
  return [...names];
}

/** Which origins may call: all, none, or those listed. */
function allowedOrigins({
  mode,
  cors: { origins },
}: Pick<Options, 'mode' | 'cors'>): '*' | false | readonly (string | RegExp)[] {
  if (mode === 'production') return origins ?? false;
  if (origins === '*') return origins;
  return [...apolloSandbox, ...(origins ?? [ownMachine])];
}

const apolloSandbox = ['https://studio.apollographql.com', 'https://sandbox.embed.apollographql.com'];
const ownMachine = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * What browsers look at (Fetch, section 3.2 "CORS protocol"), and the security headers. For an origin that the options list
 * it is the same array each time: prepared answers are found by it.
 */
export function compileCorsHeaders(options: Options): CorsHeaders {
  const rule = allowedOrigins(options);
  const { credentials } = options.cors;
  const exposed = [...exposedHeaders, ...responseHeaderNames(options)].join(', ');
  const security = securityHeaders(options).flat();
  if (rule === false) return () => security;
  const always = [
    ...security,
    ...(credentials ? ['access-control-allow-credentials', 'true'] : []),
    ...['access-control-expose-headers', exposed],
  ];
  const everybody = ['access-control-allow-origin', '*', ...always];
  if (rule === '*') return () => everybody;
  const varying = ['vary', 'Origin', ...always];
  const allowing = (origin: string): readonly string[] => ['access-control-allow-origin', origin, ...varying];
  const listed = new Map(
    rule
      .filter((each) => typeof each === 'string')
      .filter((each) => !each.includes('*'))
      .map((each) => [each, allowing(each)]),
  );
  const isAllowed = compileIsAllowedOrigin(options);
  return (origin) => {
    if (origin === undefined) return varying;
    return listed.get(origin) ?? (isAllowed(origin) ? allowing(origin) : varying);
  };
}

/** Whether pages of an origin may call. */
export function compileIsAllowedOrigin(options: Pick<Options, 'mode' | 'cors'>): (origin: string) => boolean {
  const rule = allowedOrigins(options);
  if (typeof rule !== 'object') return () => rule === '*';
  const tests = rule.map((each) =>
    typeof each === 'string' ? compileOriginPattern(each) : (origin: string) => each.test(origin),
  );
  return (origin) => tests.some((test) => test(origin));
}

/**
 * Which headers of a page's request count that no CORS protocol guards, such as one that opens a WebSocket: all of them
 * where the page is of the gateway's own origin or no page asks, those without the browser's credentials where `cors`
 * allows its origin without them. Undefined where no such page may ask.
 */
export type HeadersOfPage = (headers: IncomingHttpHeaders) => IncomingHttpHeaders | undefined;

export function compileHeadersOfPage(options: Pick<Options, 'mode' | 'cors'>): HeadersOfPage {
  const isAllowed = compileIsAllowedOrigin(options);
  const { credentials } = options.cors;
  return (headers) => {
    const { origin, host } = headers;
    // A proxy that ends TLS hides the scheme.
    if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return headers;
    if (!isAllowed(origin)) return undefined;
    if (credentials) return headers;
    const others = { ...headers };
    delete others.cookie;
    delete others.authorization;
    return others;
  };
}

/**
 * Answers a preflight request beside `compileCorsHeaders`: undefined where no page may call. The headers that may be sent
 * are those that the page asks for: what a header may do is decided where it is read.
 */
export function compilePreflight(
  options: Options,
): ((headers: IncomingHttpHeaders) => readonly string[]) | undefined {
  if (allowedOrigins(options) === false) return undefined;
  return ({ 'access-control-request-headers': requested }) => [
    ...['access-control-allow-methods', 'GET, POST'],
    ...(requested === undefined ? [] : ['access-control-allow-headers', requested]),
    ...['access-control-max-age', '3600', 'vary', 'Access-Control-Request-Headers', 'content-length', '0'],
  ];
}
