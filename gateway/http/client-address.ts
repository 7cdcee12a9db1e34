import type { IncomingMessage } from 'node:http';
import proxyaddr from '@fastify/proxy-addr';

/**
 * The address of the client: that of the connection or, behind trusted proxies, the nearest address in `X-Forwarded-For`
 * that is not a trusted proxy.
 */
export function compileClientAddress(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => string {
  if (trustedProxies.length === 0) return (request) => request.socket.remoteAddress ?? '';
  const trust = proxyaddr.compile([...trustedProxies]);
  return (request) => proxyaddr(request, trust);
}

/** Whether an address is that of a proxy that is trusted. */
export function compileIsProxy(trustedProxies: readonly string[]): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false;
  const trust = proxyaddr.compile([...trustedProxies]);
  return (address) => address !== '' && trust(address, 0);
}
