import type { IncomingMessage } from 'node:http';
import proxyaddr from '@fastify/proxy-addr';

/**
 * The address of the client: that of the connection or, behind trusted proxies, the nearest address in `X-Forwarded-For`
 * that is not a trusted proxy.
 */
export function compileClientAddress(trustedProxies: readonly string[]): (request: RequestOrigin) => string {
  if (trustedProxies.length === 0) return (request) => request.socket.remoteAddress ?? '';
  const trust = proxyaddr.compile([...trustedProxies]);
  return (request) => addressBehind(request, trust);
}

/** It reads nothing else of a request. */
const addressBehind = proxyaddr as unknown as (
  request: RequestOrigin,
  trust: ReturnType<typeof proxyaddr.compile>,
) => string;

/** Where a request comes from. */
export interface RequestOrigin {
  readonly headers: IncomingMessage['headers'];
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
}

/** Whether an address is that of a proxy that is trusted. */
export function compileIsProxy(trustedProxies: readonly string[]): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false;
  const trust = proxyaddr.compile([...trustedProxies]);
  return (address) => address !== '' && trust(address, 0);
}
