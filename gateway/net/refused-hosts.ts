import { BlockList, isIP } from 'node:net';

/**
 * Whether the gateway never connects to a host: metadata services of cloud providers, which hand out credentials, and
 * link-local addresses. Loopback and private networks are allowed, as subgraphs live there.
 *
 * @param host an address, or a host from a `URL`, which normalises all notations of numeric addresses
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

/** Whether an IP address is that of the machine itself: of loopback, or the unspecified one, which connects to it. */
export function isLoopback(address: string): boolean {
  if (isIP(address) === 4) return own.check(address, 'ipv4');
  return own.check(address, 'ipv6') || ipv4In(address).some((each) => own.check(each, 'ipv4'));
}

const own = new BlockList();
own.addSubnet('127.0.0.0', 8, 'ipv4');
own.addSubnet('0.0.0.0', 8, 'ipv4');
for (const address of ['::', '::1']) own.addAddress(address, 'ipv6');

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

/** IPv6 addresses with an embedded IPv4 address: the prefix, and which bytes hold the IPv4 address. */
const translations = [
  // IPv4-compatible and IPv4-mapped (RFC 4291, section 2.5.5), IPv4-translated (RFC 2765), NAT64 (RFC 6052).
  ...['::', '::ffff:0:0', '::ffff:0:0:0', '64:ff9b::'].map((prefix) =>
    translation(prefix, 96, [[12, 13, 14, 15]]),
  ),
  // Local-use NAT64 (RFC 8215), whose prefix has 48, 56, 64 or 96 bits.
  translation('64:ff9b:1::', 48, [
    [6, 7, 9, 10],
    [7, 9, 10, 11],
    [9, 10, 11, 12],
    [12, 13, 14, 15],
  ]),
  // 6to4 (RFC 3056).
  translation('2002::', 16, [[2, 3, 4, 5]]),
];

function translation(prefix: string, bits: number, positions: readonly (readonly number[])[]) {
  const form = new BlockList();
  form.addSubnet(prefix, bits, 'ipv6');
  return { form, positions };
}

function ipv4In(address: string): string[] {
  const bytes = bytesOf(address);
  const translated = translations
    .filter(({ form }) => form.check(address, 'ipv6'))
    .flatMap(({ positions }) => positions.map((each) => each.map((position) => bytes[position]!)));
  return [...translated, ...tunnelled(address, bytes)].map((each) => each.join('.'));
}

function tunnelled(address: string, bytes: readonly number[]): number[][] {
  const last = bytes.slice(12);
  // Teredo (RFC 4380): the server's address, and the client's with all bits inverted.
  if (teredo.check(address, 'ipv6')) return [bytes.slice(4, 8), last.map((byte) => byte ^ 255)];
  // ISATAP (RFC 5214), whatever its network is.
  return ['0,0,94,254', '2,0,94,254'].includes(String(bytes.slice(8, 12))) ? [last] : [];
}

const teredo = new BlockList();
teredo.addSubnet('2001::', 32, 'ipv6');

/** The 16 bytes of an IPv6 address. */
function bytesOf(address: string): number[] {
  // `URL` rewrites an IPv4 address at the end in hexadecimal groups.
  const [start, end] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::').map(bytesOfGroups);
  if (end === undefined) return start!;
  return [...start!, ...new Array<number>(16 - start!.length - end.length).fill(0), ...end];
}

const bytesOfGroups = (groups: string): number[] =>
  groups === ''
    ? []
    : groups.split(':').flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
