import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import { requestError } from '../errors';
import { requireToken } from '../http/require-token';
import { sendError } from '../http/send-error';

/**
 * Refuses requests for the console's data that are not an operator's. With a token all need it. Without one they must come
 * from this machine, and browsers may send them only for the console itself: no page of another site, whatever host name it
 * has had resolved to this machine (DNS rebinding).
 */
export function requireAccess(token: string | undefined): onRequestHookHandler {
  if (token !== undefined) return requireToken(token);
  return (request, reply, done) => {
    const reason = reasonToRefuse(request);
    if (reason === undefined) done();
    else void sendError(reply, requestError('FORBIDDEN', { reason }));
  };
}

function reasonToRefuse({ raw, headers }: FastifyRequest): string | undefined {
  const { host = '', origin, 'sec-fetch-site': site = 'none' } = headers;
  if (!isOwnAddress(raw.socket.remoteAddress ?? ''))
    return 'While the option `admin.token` is not set, the console answers only on the machine that it runs on.';
  if (proxyHeaders.some((name) => headers[name] !== undefined))
    return 'While the option `admin.token` is not set, the console is not served through a proxy.';
  if (!isOwnName(host))
    return 'While the option `admin.token` is not set, the console is opened by localhost or a loopback address.';
  const isForeign =
    (origin !== undefined && origin !== `http://${host}`) || (site !== 'none' && site !== 'same-origin');
  return isForeign ? 'The console answers no page of another origin.' : undefined;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Also as an IPv4 address in an IPv6 one. */
const isOwnAddress = (address: string): boolean =>
  address !== '' && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/** Whether a `Host` header names this machine, whatever a name server answers. */
const isOwnName = (host: string): boolean =>
  /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i.test(host);

/** With one of these others are behind the address of a proxy on this machine. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const;

/** The headers of every answer of the console. @param framed the origin of pages that the console shows inside its own */
export function consoleHeaders(framed: string | undefined): Readonly<Record<string, string>> {
  const frames = framed === undefined ? '' : `frame-src ${framed}; `;
  return {
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      `${frames}frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
}
