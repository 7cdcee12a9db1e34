import { lookup as lookupAddress, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/**
 * Reads the URL of a subgraph, which comes from a supergraph and is not trusted.
 *
 * Throws a `RangeError` for anything but http and https, and for the addresses where cloud providers hand out
 * credentials. Private networks and loopback are where subgraphs live.
 */
export function parseSubgraphUrl(subgraph: string, text: string): URL {
  const refuse = (must: string): never => {
    throw new RangeError(`The URL of subgraph "${subgraph}" ${must}, but got: ${text}`);
  };
  if (!URL.canParse(text)) refuse('must be a URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse('must begin with http: or https:');
  if (url.username !== '' || url.password !== '') refuse('must not hold a name or a password');
  if (isRefusedHost(url.hostname)) refuse('must not be a link-local or metadata address');
  return url;
}

/** `dns.lookup` that finds nothing where a name stands for a refused address. */
export function lookupSubgraph(
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookupAddress(hostname, options, (error, found, family) => {
    // With `all` there is a list; otherwise one address, undefined on errors.
    const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
    if (error === null && addresses.some(isRefusedHost)) {
      callback(Object.assign(new Error('The address is refused.'), { code: 'EACCES' }), []);
    } else {
      callback(error, found, family);
    }
  });
}

/** Takes a host as a `URL` writes it, in which numeric addresses of every notation are alike, or an address. */
function isRefusedHost(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '');
  switch (isIP(address)) {
    case 4:
      return refusedAddresses.check(address, 'ipv4');
    case 6:
      return refusedAddresses.check(address, 'ipv6');
    default:
      return refusedNames.test(address);
  }
}

const refusedNames = /^(metadata|metadata\.google\.internal|instance-data|instance-data\.ec2\.internal)\.?$/i;

const refusedAddresses = new BlockList();
refusedAddresses.addSubnet('169.254.0.0', 16, 'ipv4');
refusedAddresses.addSubnet('fe80::', 10, 'ipv6');
refusedAddresses.addSubnet('::ffff:169.254.0.0', 112, 'ipv6');
refusedAddresses.addAddress('100.100.100.200', 'ipv4');
refusedAddresses.addAddress('::ffff:100.100.100.200', 'ipv6');
refusedAddresses.addAddress('fd00:ec2::254', 'ipv6');
