import type { IncomingHttpHeaders } from 'node:http';
import { validateHeaderValue } from 'node:http';
import { maxHeaderSize } from '../http/header-limits';

export interface ClientHeaderSources {
  /** The headers of the handshake. */
  readonly handshake: IncomingHttpHeaders;
  /** What the client sends as headers in a message: `connectionParams`, or AppSync's header object. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Names in `params` that count as headers besides those that always do, in lower case. */
  readonly named: readonly string[];
}

/**
 * The headers of what goes over a connection: those of the handshake, and what the client sends in a message. Only
 * credentials, the client's name, and what the options list are taken from there: a proxy in front, which sets and strips
 * headers, does not see it. What a signature covers is as it was signed.
 *
 * @throws {RangeError} with a sentence for the client
 */
export function headersOfClient({ handshake, params, named }: ClientHeaderSources): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const name of Object.keys(handshake)) if (!isOfHandshake(name)) headers[name] = handshake[name];
  headers.accept = headers['content-type'] = 'application/json';
  const isSigning = signs(handshake, params);
  let size = 0;
  const taken = new Set<string>();
  for (const [written, value] of Object.entries(params)) {
    const name = written.toLowerCase();
    const isSigned = isSigning && ofSignatures.has(name);
    if (!isSigned && !ofClients.has(name) && !named.includes(name)) continue;
    if (typeof value !== 'string') throw new RangeError(`"${name}" must be text.`);
    if (taken.has(name)) throw new RangeError(`"${name}" was sent more than once.`);
    if (!isSigned && headers[name] !== undefined && headers[name] !== value)
      throw new RangeError(`"${name}" is not the same as in the headers of the handshake.`);
    if (!isHeaderValue(name, value)) throw new RangeError(`"${name}" is not the value of a header.`);
    size += name.length + value.length;
    if (size > maxHeaderSize) throw new RangeError('The credentials are too long.');
    taken.add(name);
    headers[name] = value;
  }
  return headers;
}

/** Whether a client signs what it sends (AWS Signature Version 4). Without a signature, anybody could name another host. */
function signs(handshake: IncomingHttpHeaders, params: Readonly<Record<string, unknown>>): boolean {
  const sent = Object.entries(params).filter(([name]) => name.toLowerCase() === 'authorization');
  const all = [handshake.authorization, ...sent.map(([, value]) => value)];
  return all.some((value) => typeof value === 'string' && value.startsWith('AWS4-HMAC-SHA256'));
}

/** What clients say of themselves, as over HTTP. */
const ofClients: ReadonlySet<string> = new Set([
  'authorization',
  'x-api-key',
  'x-amz-date',
  'x-amz-security-token',
  'apollographql-client-name',
  'apollographql-client-version',
]);

/** What AppSync's clients sign besides. */
const ofSignatures: ReadonlySet<string> = new Set([
  ...['host', 'accept', 'content-type', 'content-encoding', 'x-amz-content-sha256'],
]);

/** Headers that say nothing of an operation. The ids are of one request. */
const ofHandshake: ReadonlySet<string> = new Set([
  ...['connection', 'upgrade', 'content-length', 'transfer-encoding', 'content-encoding', 'expect', 'accept'],
  ...[
    'accept-encoding',
    'x-request-id',
    'traceparent',
    'tracestate',
    'cache-control',
    'pragma',
    'last-event-id',
  ],
]);

const isOfHandshake = (name: string): boolean => ofHandshake.has(name) || name.startsWith('sec-websocket-');

function isHeaderValue(name: string, value: string): boolean {
  try {
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
