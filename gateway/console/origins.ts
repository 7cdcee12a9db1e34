import type { AddressInfo } from 'node:net';
import type { Options } from '../options';

/**
 * The origins at which browsers open the console, which may frame GraphiQL. None if there is no console, or if its port is
 * not known here, as in a worker whose primary has chosen a free one. An IPv6 address is left out: a content security policy
 * cannot name it.
 *
 * @param address of the port for operators, where this process listens at it
 */
export function consoleOrigins(
  { host, port, console }: Options['admin'],
  address: AddressInfo | string | null | undefined,
): readonly string[] {
  const at = typeof address === 'object' && address !== null ? address.port : port;
  if (!console.enabled || at === 0) return [];
  const others = host === '0.0.0.0' || host.includes(':') ? [] : [host];
  const hosts = new Set(['127.0.0.1', 'localhost', ...others]);
  return Array.from(hosts, (each) => `http://${each}:${at}`);
}
