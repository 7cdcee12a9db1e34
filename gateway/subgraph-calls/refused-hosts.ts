import { BlockList, isIP } from 'node:net';

/**
 * Whether a host is one that the gateway never connects to: those where cloud providers hand out credentials, and
 * link-local addresses. Loopback and private networks are not refused: subgraphs live there.
 *
 * @param host a host as a `URL` writes it, in which numeric addresses of every notation are alike, or an address
 */
export function isRefusedHost(host: string): boolean {
  const [address] = host.replace(/^\[|\]$/g, '').split('%') as [string];
  switch (isIP(address)) {
    case 4:
      return refused.check(address, 'ipv4');
    case 6:
      return refused.check(address, 'ipv6') || ipv4In(address).some((each) => refused.check(each, 'ipv4'));
    default:
      return refusedNames.has(address.toLowerCase().replace(/\.$/, ''));
  }
}

const refusedNames = new Set([
  ...['metadata', 'metadata.google.internal', 'metadata.goog'],
  ...['instance-data', 'instance-data.ec2.internal'],
]);

const refused = new BlockList();
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addSubnet('fe80::', 10, 'ipv6');
// Azure, Oracle, Alibaba.
for (const address of ['168.63.129.16', '192.0.0.192', '100.100.100.200'])
  refused.addAddress(address, 'ipv4');
// AWS, Google, Scaleway.
refused.addSubnet('fd00:ec2::', 32, 'ipv6');
for (const address of ['fd20:ce::254', 'fd00:42::42']) refused.addAddress(address, 'ipv6');

/** IPv6 addresses that stand for an IPv4 one: how they begin, and which of their bytes hold it. */
const translations = [
  // Compatible and mapped (RFC 4291, section 2.5.5), translated (RFC 2765), behind NAT64 (RFC 6052).
  ...['::', '::ffff:0:0', '::ffff:0:0:0', '64:ff9b::'].map((prefix) =>
    translation(prefix, 96, [[12, 13, 14, 15]]),
  ),
  // Behind a NAT64 of one's own (RFC 8215), whose prefix has 48, 56, 64 or 96 bits.
  translation('64:ff9b:1::', 48, [
    [6, 7, 9, 10],
    [7, 9, 10, 11],
    [9, 10, 11, 12],
    [12, 13, 14, 15],
  ]),
  // 6to4 (RFC 3056).
  translation('2002::', 16, [[2, 3, 4, 5]]),
];

function translation(prefix: string, bits: number, places: readonly (readonly number[])[]) {
  const form = new BlockList();
  form.addSubnet(prefix, bits, 'ipv6');
  return { form, places };
}

function ipv4In(address: string): string[] {
  const bytes = bytesOf(address);
  const translated = translations
    .filter(({ form }) => form.check(address, 'ipv6'))
    .flatMap(({ places }) => places.map((each) => each.map((place) => bytes[place]!)));
  return [...translated, ...tunnelled(address, bytes)].map((each) => each.join('.'));
}

function tunnelled(address: string, bytes: readonly number[]): number[][] {
  const last = bytes.slice(12);
  // Teredo (RFC 4380): its server, and its client with all bits inverted.
  if (teredo.check(address, 'ipv6')) return [bytes.slice(4, 8), last.map((byte) => byte ^ 255)];
  // ISATAP (RFC 5214), whatever its network is.
  return ['0,0,94,254', '2,0,94,254'].includes(String(bytes.slice(8, 12))) ? [last] : [];
}

const teredo = new BlockList();
teredo.addSubnet('2001::', 32, 'ipv6');

/** Of an IPv6 address. */
function bytesOf(address: string): number[] {
  // A URL has no decimal digits at the end of one.
  const [start, end] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::').map(bytesOfGroups);
  if (end === undefined) return start!;
  return [...start!, ...new Array<number>(16 - start!.length - end.length).fill(0), ...end];
}

const bytesOfGroups = (groups: string): number[] =>
  groups === ''
    ? []
    : groups.split(':').flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
