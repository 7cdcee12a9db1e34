import { createHmac, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Options } from '../options';

/** Returns a text of a log line with each IP address in it as `logging.addresses` wants it. */
export type WriteAddresses = (text: string) => string;

/** Undefined where texts stay as they are. */
export function compileWriteAddresses({
  addresses,
  addressKey,
}: Pick<Options['logging'], 'addresses' | 'addressKey'>): WriteAddresses | undefined {
  if (addresses === 'full') return undefined;
  const key = addressKey ?? (keyOfProcess ??= randomBytes(32));
  const write = addresses === 'shortened' ? shorten : (address: string) => hash(address, key);
  return (text) => text.replace(/[0-9A-Fa-f:.]+/g, (run) => writeIn(run, write));
}

/** One for all configurations of a process, so that a reload changes no hash. */
let keyOfProcess: Buffer | undefined;

/**
 * Replaces the address in a run of characters that it may have. A colon, or a word of such characters and a colon, may be in
 * front of it, and a port or the end of a sentence may follow it. In longer runs only IPv4 can be told.
 */
function writeIn(run: string, write: (address: string) => string): string {
  const isShort = run.length <= longestRun;
  const starts = isShort ? [0, ...[...run.matchAll(/:/g)].map(({ index }) => index + 1)] : [];
  const ends = [run.length, run.lastIndexOf(':'), run.length - 1];
  for (const start of starts) {
    const end = ends.find((each) => each > start && isIP(run.slice(start, each)) !== 0);
    if (end !== undefined) return run.slice(0, start) + write(plain(run.slice(start, end))) + run.slice(end);
  }
  return run.replace(/\d{1,3}(?:\.\d{1,3}){3}/g, (found) => (isIP(found) === 0 ? found : write(found)));
}

/** A word in front of IPv6 with an IPv4 address at its end, and a port. */
const longestRun = 16 + 45 + 6;

/** One text for all that mean the same address: an IPv4 address within IPv6 is one, and IPv6 is shortened (RFC 5952). */
function plain(address: string): string {
  if (isIP(address) === 4) return address;
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(host);
  if (mapped === null) return host;
  return mapped
    .slice(1)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((bits) => [bits >> 8, bits & 255])
    .join('.');
}

/** To the /24 of IPv4, and to the /48 of IPv6. */
function shorten(address: string): string {
  if (isIP(address) === 4) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  const [head = ''] = address.split('::');
  const groups = head === '' ? [] : head.split(':').slice(0, 3);
  return `${groups.join(':')}::`;
}

const hash = (address: string, key: string | Buffer): string =>
  createHmac('sha256', key).update(address).digest('hex').slice(0, digits);

/** 64 bits: enough to tell the addresses of a log apart. */
const digits = 16;
