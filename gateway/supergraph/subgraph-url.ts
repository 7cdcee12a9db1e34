import { BlockList, isIP } from 'node:net';

/**
 * Says in a sentence why the gateway must not send requests to this address; `undefined` when it may. A supergraph
 * comes from elsewhere, and must not turn the gateway against the machine that it runs on: only http and https,
 * and no link-local address, where clouds keep credentials.
 */
export function refuseSubgraphUrl(subgraph: string, url: string): string | undefined {
  if (url === '') return `Subgraph "${subgraph}" has no URL in the supergraph, and none in the options.`;
  if (!URL.canParse(url)) return `The URL of subgraph "${subgraph}" is not a URL.`;
  const { protocol, hostname, username, password } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return `The URL of subgraph "${subgraph}" must begin with http: or https:, but begins with ${protocol}`;
  }
  if (username !== '' || password !== '')
    return `The URL of subgraph "${subgraph}" must not contain credentials.`;
  if (isMetadataHost(hostname)) return `The URL of subgraph "${subgraph}" must not be a link-local address.`;
  return undefined;
}

/** `URL` has already turned octal, hexadecimal and decimal forms of an address into the usual one. */
function isMetadataHost(hostname: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const version = isIP(host);
  if (version === 0) return metadataNames.has(host);
  return linkLocal.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

const metadataNames = new Set([
  'metadata',
  'metadata.google.internal',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** A block list also matches IPv4 addresses that are written as IPv6 ones. */
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
// Amazon's metadata service over IPv6, and Alibaba's over IPv4.
linkLocal.addAddress('fd00:ec2::254', 'ipv6');
linkLocal.addAddress('100.100.100.200', 'ipv4');
