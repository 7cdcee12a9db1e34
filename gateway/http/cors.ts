import type { IncomingHttpHeaders } from 'node:http';
import type { CorsHeaders } from './http-sink';
import type { Options } from '../options';
import { compileOriginPattern } from '../options/origin-patterns';
import { tokenHeadersOf } from '../options/token-headers';
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

/** What pages of some origins may do. */
interface CorsPolicy {
  readonly isOf: (origin: string) => boolean;
  /** Its origins that are no patterns. */
  readonly listed: readonly string[];
  readonly credentials: boolean;
  /** The headers that they may send; undefined for any. */
  readonly allowHeaders: readonly string[] | undefined;
  readonly exposeHeaders: readonly string[];
  /** Milliseconds. */
  readonly maxAge: number;
}

type CorsOptions = Pick<Options, 'mode' | 'cors'>;

/** The policies in their order: of an origin the first one counts. The last one is that of all that no other lists. */
function policiesOf(options: CorsOptions): readonly CorsPolicy[] {
  const { policies, credentials, allowHeaders, exposeHeaders, maxAge } = options.cors;
  return [
    ...policies.map((own) => ({
      ...testOf(own.origins),
      credentials: own.credentials ?? credentials,
      allowHeaders: own.allowHeaders ?? allowHeaders,
      exposeHeaders: own.exposeHeaders ?? exposeHeaders,
      maxAge: own.maxAge ?? maxAge,
    })),
    { ...testOf(allowedOrigins(options)), credentials, allowHeaders, exposeHeaders, maxAge },
  ];
}

function testOf(rule: '*' | false | readonly (string | RegExp)[]): Pick<CorsPolicy, 'isOf' | 'listed'> {
  if (typeof rule !== 'object') return { isOf: () => rule === '*', listed: [] };
  const tests = rule.map((each) =>
    typeof each === 'string' ? compileOriginPattern(each) : (origin: string) => each.test(origin),
  );
  return {
    isOf: (origin) => tests.some((test) => test(origin)),
    listed: rule.filter((each) => typeof each === 'string').filter((each) => !each.includes('*')),
  };
}

/** Finds the policy of an origin; undefined for one whose pages may not call. */
function compilePolicyOf(policies: readonly CorsPolicy[]): (origin: string) => CorsPolicy | undefined {
  return (origin) => policies.find(({ isOf }) => isOf(origin));
}

/** Which origins may call that no policy lists: all, none, or those listed. */
function allowedOrigins({
  mode,
  cors: { origins },
}: CorsOptions): '*' | false | readonly (string | RegExp)[] {
  if (mode === 'production') return origins ?? false;
  if (origins === '*') return origins;
  return [...apolloSandbox, ...(origins ?? [ownMachine])];
}

const apolloSandbox = ['https://studio.apollographql.com', 'https://sandbox.embed.apollographql.com'];
const ownMachine = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Whether pages of no other origin may call. */
const allowsNobody = (options: CorsOptions): boolean =>
  allowedOrigins(options) === false && options.cors.policies.length === 0;

/**
 * What browsers look at (Fetch, section 3.2 "CORS protocol"), and the security headers. For an origin that the options list
 * it is the same array each time: prepared answers are found by it.
 */
export function compileCorsHeaders(options: Options): CorsHeaders {
  const security = securityHeaders(options).flat();
  if (allowsNobody(options)) return () => security;
  // By it a client of the tools finds its authorisation server.
  const challenge = options.mcp === undefined ? [] : ['www-authenticate'];
  const exposed = [...exposedHeaders, ...challenge, ...responseHeaderNames(options)];
  const policies = policiesOf(options);
  const general = policies.at(-1)!;
  const isForEverybody = allowedOrigins(options) === '*';
  const others = isForEverybody ? ['access-control-allow-origin', '*'] : [];
  const alwaysOf = ({ credentials, exposeHeaders }: CorsPolicy): readonly string[] => [
    ...security,
    ...(credentials ? ['access-control-allow-credentials', 'true'] : []),
    ...['access-control-expose-headers', [...new Set([...exposed, ...exposeHeaders])].join(', ')],
  ];
  if (isForEverybody && policies.length === 1) {
    const everybody = [...others, ...alwaysOf(general)];
    return () => everybody;
  }
  const varying = new Map(policies.map((policy) => [policy, ['vary', 'Origin', ...alwaysOf(policy)]]));
  const unlisted = [...others, ...varying.get(general)!];
  const policyOf = compilePolicyOf(policies);
  const headersFor = (origin: string): readonly string[] => {
    const policy = policyOf(origin);
    if (policy === undefined || (policy === general && isForEverybody)) return unlisted;
    return ['access-control-allow-origin', origin, ...varying.get(policy)!];
  };
  const listed = new Map(policies.flatMap((policy) => policy.listed.map((each) => [each, headersFor(each)])));
  return (origin) => (origin === undefined ? unlisted : (listed.get(origin) ?? headersFor(origin)));
}

/** Whether pages of an origin may call. */
export function compileIsAllowedOrigin(options: CorsOptions): (origin: string) => boolean {
  const policyOf = compilePolicyOf(policiesOf(options));
  return (origin) => policyOf(origin) !== undefined;
}

/**
 * Which headers of a page's request count that no CORS protocol guards, such as one that opens a WebSocket: all of them
 * where the page is of the gateway's own origin or no page asks, those without the browser's credentials where `cors`
 * allows its origin without them. Undefined where no such page may ask.
 */
export type HeadersOfPage = (headers: IncomingHttpHeaders) => IncomingHttpHeaders | undefined;

export function compileHeadersOfPage(options: CorsOptions & Pick<Options, 'auth'>): HeadersOfPage {
  const credentials = ['cookie', 'authorization', ...tokenHeadersOf(options.auth)];
  const policyOf = compilePolicyOf(policiesOf(options));
  return (headers) => {
    const { origin, host } = headers;
    // A proxy that ends TLS hides the scheme.
    if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return headers;
    const policy = policyOf(origin);
    if (policy === undefined) return undefined;
    if (policy.credentials) return headers;
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !credentials.includes(name)));
  };
}

/**
 * Answers a preflight request beside `compileCorsHeaders`: undefined where no page may call. Without `cors.allowHeaders` the
 * headers that may be sent are those that the page asks for: what a header may do is decided where it is read.
 */
export function compilePreflight(
  options: Options,
): ((headers: IncomingHttpHeaders) => readonly string[]) | undefined {
  if (allowsNobody(options)) return undefined;
  const policies = policiesOf(options);
  const policyOf = compilePolicyOf(policies);
  return ({ origin = '', 'access-control-request-headers': requested }) => {
    const { allowHeaders, maxAge } = policyOf(origin) ?? policies.at(-1)!;
    // A POST must be JSON, which needs a content type.
    const allowed =
      allowHeaders === undefined ? requested : [...new Set(['content-type', ...allowHeaders])].join(', ');
    return [
      ...['access-control-allow-methods', 'GET, POST'],
      ...(allowed === undefined ? [] : ['access-control-allow-headers', allowed]),
      ...['access-control-max-age', String(Math.floor(maxAge / 1000))],
      ...['vary', 'Access-Control-Request-Headers', 'content-length', '0'],
    ];
  };
}
