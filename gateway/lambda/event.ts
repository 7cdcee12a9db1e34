import { validateHeaderName, validateHeaderValue, type IncomingHttpHeaders } from 'node:http';
import { requestError } from '../errors';
import type { SentHead } from '../http/header-limits';
import { isMap } from '../options/is-map';
import type { RequestHead } from '../request/incoming-request';

/**
 * The forms of events, by what sends them: HTTP APIs and function URLs (payload 2.0), REST APIs, and HTTP APIs that are set
 * so (payload 1.0), and load balancers.
 */
export type EventForm = '2.0' | '1.0' | 'load balancer';

/** An HTTP request that AWS hands to a function as an event. */
export interface EventRequest {
  readonly form: EventForm;
  readonly head: RequestHead & SentHead;
  readonly body: Buffer;
  /** The address of what connected to AWS, as AWS reports it. Empty for health checks of load balancers, which have none. */
  readonly address: string;
  /** Whether headers are lists of values. The answer must then have them as lists, too. */
  readonly hasLists: boolean;
}

export interface EventPaths {
  /** The path of the endpoint. */
  readonly endpoint: string;
  /** What is removed in front of paths. @default the stage of the API */
  readonly basePath: string | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/** Reads an event. @throws {GraphQLError} `BAD_REQUEST` with a sentence if it is no HTTP request */
export function readEvent(event: unknown, paths: EventPaths): EventRequest {
  if (!isMap(event)) throw wrong('it is not an object');
  const context = isMap(event['requestContext']) ? event['requestContext'] : undefined;
  if (context !== undefined && event['version'] === '2.0' && isMap(context['http']))
    return readVersion2(event, context, context['http'], paths);
  if (context !== undefined && event['httpMethod'] !== undefined) return readVersion1(event, context, paths);
  throw wrong(
    'it has neither `version: "2.0"` with `requestContext.http`, nor `httpMethod` with `requestContext`',
  );
}

/**
 * Whether what sends an event takes its answer as a stream: a function URL and a REST API do, where they are set so; an HTTP
 * API and a load balancer never do.
 */
export function takesStream(event: unknown): boolean {
  if (!isMap(event) || !isMap(event['requestContext'])) return false;
  const { domainName, elb } = event['requestContext'];
  if (event['version'] === '2.0')
    return typeof domainName === 'string' && domainName.includes('.lambda-url.');
  // Only an HTTP API names the version of this payload.
  return event['httpMethod'] !== undefined && event['version'] === undefined && elb === undefined;
}

/** What every sentence about an event begins with. */
const wrong = (reason: string) =>
  requestError('BAD_REQUEST', {
    reason: `The event is not an HTTP request of API Gateway, a function URL or a load balancer: ${reason}.`,
  });

function readVersion2(event: Members, context: Members, http: Members, paths: EventPaths): EventRequest {
  const rawHeaders = rawHeadersOf(event, 'headers');
  const cookies = event['cookies'];
  if (cookies !== undefined) rawHeaders.push('cookie', listOf(cookies, 'cookies').join('; '));
  const path = pathIn(textOf(event['rawPath'], 'rawPath'), context['stage'], paths);
  const query =
    event['rawQueryString'] === undefined ? '' : textOf(event['rawQueryString'], 'rawQueryString');
  const body = bodyOf(event);
  return {
    form: '2.0',
    head: headOf(methodOf(http['method']), withQuery(path, query), rawHeaders, body),
    body,
    address: textOf(http['sourceIp'], 'requestContext.http.sourceIp'),
    hasLists: false,
  };
}

function readVersion1(event: Members, context: Members, paths: EventPaths): EventRequest {
  const isLoadBalancer = context['elb'] !== undefined;
  const hasLists = isMap(event['multiValueHeaders']);
  const rawHeaders = rawHeadersOf(event, hasLists ? 'multiValueHeaders' : 'headers');
  const path = pathIn(textOf(event['path'], 'path'), context['stage'], paths);
  const body = bodyOf(event);
  const url = withQuery(path, queryOf(event, !isLoadBalancer));
  const head = headOf(methodOf(event['httpMethod']), url, rawHeaders, body);
  if (isLoadBalancer) return { form: 'load balancer', head, body, address: lastForwardedFor(head), hasLists };
  const identity = isMap(context['identity']) ? context['identity'] : {};
  const address = textOf(identity['sourceIp'], 'requestContext.identity.sourceIp');
  return { form: '1.0', head, body, address, hasLists };
}

function headOf(method: string, url: string, rawHeaders: string[], body: Buffer): EventRequest['head'] {
  const headers = joinHeaders(rawHeaders);
  // The body is there, however it was sent to AWS.
  delete headers['transfer-encoding'];
  headers['content-length'] = String(body.length);
  // Has all headers counted here: no parser of HTTP/1.1 has.
  return { method, url, headers, rawHeaders, httpVersionMajor: 2 };
}

function methodOf(method: unknown): string {
  if (typeof method === 'string' && /^[A-Z]{1,20}$/.test(method)) return method;
  throw wrong('its method is not one of HTTP');
}

/** @param stage of the API; undefined for a load balancer */
function pathIn(path: string, stage: unknown, { endpoint, basePath }: EventPaths): string {
  if (!path.startsWith('/')) throw wrong('its path does not begin with a slash');
  const prefix = basePath ?? (typeof stage === 'string' && stage !== '$default' ? `/${stage}` : undefined);
  if (prefix === undefined || path === endpoint) return path;
  if (path === prefix) return '/';
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}

const withQuery = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`);

/** @param isDecoded as API Gateway hands names and values on, and load balancers do not */
function queryOf(event: Members, isDecoded: boolean): string {
  const lists = event['multiValueQueryStringParameters'];
  const name = isMap(lists) ? 'multiValueQueryStringParameters' : 'queryStringParameters';
  const encode = isDecoded ? encodeURIComponent : (text: string) => text;
  return entriesOf(event, name)
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .join('&');
}

function rawHeadersOf(event: Members, name: string): string[] {
  const raw: string[] = [];
  for (const [header, value] of entriesOf(event, name)) {
    try {
      validateHeaderName(header);
      validateHeaderValue(header, value);
    } catch {
      throw wrong(`\`${name}\` has something that is no header`);
    }
    raw.push(header, value);
  }
  return raw;
}

/** Names and values of a map; a name with a list of values comes once with each. */
function entriesOf(event: Members, name: string): [string, string][] {
  const map = event[name] ?? {};
  if (!isMap(map)) throw wrong(`\`${name}\` is not an object`);
  return Object.entries(map).flatMap(([key, value]) =>
    (Array.isArray(value) ? listOf(value, name) : [textOf(value, name)]).map((each): [string, string] => [
      key,
      each,
    ]),
  );
}

function bodyOf({ body, isBase64Encoded }: Members): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  return Buffer.from(textOf(body, 'body'), isBase64Encoded === true ? 'base64' : 'utf8');
}

function listOf(list: unknown, name: string): string[] {
  if (!Array.isArray(list)) throw wrong(`\`${name}\` is not a list`);
  return list.map((each) => textOf(each, name));
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrong(`\`${name}\` is missing, or is not text`);
  return value;
}

/** A load balancer adds the address of its client at the end of what came to it. */
function lastForwardedFor({ headers }: RequestHead): string {
  const addresses = headers['x-forwarded-for'];
  const text = typeof addresses === 'string' ? addresses : '';
  return text.slice(text.lastIndexOf(',') + 1).trim();
}

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
