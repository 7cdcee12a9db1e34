import type { IncomingHttpHeaders } from 'node:http';
import { validateHeaderValue } from 'node:http';
import { maxHeaderSize } from '../http/header-limits';

/**
 * The headers of the operations of a connection: those of the handshake, with what the client's `connectionParams` say in
 * the same words. Only credentials, the client's name, and what the options list are taken from `connectionParams`: a proxy
 * in front, which sets and strips headers, does not see them.
 *
 * @param named by the options, in lower case
 * @throws {RangeError} with a sentence for the client
 */
export function withConnectionParams(
  handshake: IncomingHttpHeaders,
  params: Readonly<Record<string, unknown>>,
  named: readonly string[],
): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const name of Object.keys(handshake)) if (!isOfHandshake(name)) headers[name] = handshake[name];
  let size = 0;
  const taken = new Set<string>();
  for (const [written, value] of Object.entries(params)) {
    const name = written.toLowerCase();
    if (!ofClients.has(name) && !named.includes(name)) continue;
    if (typeof value !== 'string') throw new RangeError(`connectionParams: "${name}" must be text.`);
    if (taken.has(name)) throw new RangeError(`connectionParams: "${name}" was sent more than once.`);
    if (headers[name] !== undefined && headers[name] !== value)
      throw new RangeError(`"${name}" differs between the handshake and connectionParams.`);
    if (!isHeaderValue(name, value))
      throw new RangeError(`connectionParams: "${name}" is not the value of a header.`);
    size += name.length + value.length;
    if (size > maxHeaderSize) throw new RangeError('connectionParams are too long.');
    taken.add(name);
    headers[name] = value;
  }
  return { ...headers, accept: 'application/json', 'content-type': 'application/json' };
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
