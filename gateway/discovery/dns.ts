import { promises as dns } from 'node:dns';
import type { Target } from '../options/targets';
import { type ResolveTarget, polling, type DiscoveryPollingOptions } from './polling';
import type { Instance, TargetResolver } from './resolver';

export interface DnsOptions extends DiscoveryPollingOptions {
  /** Addresses of DNS servers, with or without a port. Undefined: those of the system. */
  readonly servers: readonly string[] | undefined;
}

/** The addresses of a host: its A and AAAA records, for as long as their TTL. */
export function dnsResolver(options: DnsOptions): TargetResolver {
  const ask: ResolveTarget = async (target, signal) => {
    const resolver = openDns(options, signal);
    const { addresses, ttl } = await addressesOf(resolver, target.name);
    return {
      instances: addresses.map((address) => instanceOf(target, address, target.port!)),
      freshFor: Math.min(longest, Math.max(shortest, ttl)),
    };
  };
  return polling(ask, options);
}

/** The bounds of a TTL, in milliseconds. */
const [shortest, longest] = [1000, 300_000];

/**
 * The SRV records of a service (RFC 2782), and the addresses of their hosts. Of the records only those with the best
 * priority count; their weights do not, as calls go where the fewest are in flight.
 */
export function srvResolver(options: DnsOptions): TargetResolver {
  const ask: ResolveTarget = async (target, signal) => {
    const resolver = openDns(options, signal);
    const records = await orNone(resolver.resolveSrv(target.name));
    const best = Math.min(...records.map(({ priority }) => priority));
    const chosen = records
      // The root as the host: the service is decidedly not available.
      .filter(({ priority, name }) => priority === best && name !== '' && name !== '.')
      .slice(0, mostHosts);
    const found = await Promise.all(
      chosen.map(async ({ name, port }) => {
        const { addresses } = await addressesOf(resolver, name);
        return addresses.map((address) => instanceOf(target, address, port));
      }),
    );
    return { instances: found.flat(), freshFor: options.interval };
  };
  return polling(ask, options);
}

/** The most hosts of SRV records whose addresses are looked up. */
const mostHosts = 100;

/** The URL of an instance has the host of its target. */
export const instanceOf = (
  { protocol, host, path }: Target,
  address: string,
  port: number,
  zone?: string,
): Instance => ({ url: new URL(`${protocol}://${host}:${port}${path}`).href, address, zone });

/** One for each question, so that it knows the servers of the system as they are now. */
export function openDns({ servers }: Pick<DnsOptions, 'servers'>, signal: AbortSignal): dns.Resolver {
  const resolver = new dns.Resolver({ timeout: 1000, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  return resolver;
}

/** With the shortest TTL in milliseconds; 0 without an address. */
export async function addressesOf(
  resolver: dns.Resolver,
  name: string,
): Promise<{ readonly addresses: readonly string[]; readonly ttl: number }> {
  const records = await Promise.all([
    orNone(resolver.resolve4(name, { ttl: true })),
    orNone(resolver.resolve6(name, { ttl: true })),
  ]).then((found) => found.flat());
  const ttl = records.length === 0 ? 0 : Math.min(...records.map((each) => each.ttl)) * 1000;
  return { addresses: records.map(({ address }) => address), ttl };
}

/** That there is no such name, or record, is an answer. */
async function orNone<Record>(answer: Promise<Record[]>): Promise<Record[]> {
  try {
    return await answer;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
    throw error;
  }
}
