import { lookup as lookupAddress, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isRefusedHost } from '../../net/refused-hosts';
import { hideInUrls } from '../../options/urls';

/**
 * Reads the URL of a subgraph, which comes from a supergraph and is not trusted.
 *
 * Throws a `RangeError` for anything but http and https, and for hosts that are refused.
 */
export function parseSubgraphUrl(subgraph: string, text: string): URL {
  const refuse = (must: string): never => {
    throw new RangeError(`The URL of subgraph "${subgraph}" ${must}, but got: ${hideInUrls(text)}`);
  };
  if (!URL.canParse(text)) refuse('must be a URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse('must begin with http: or https:');
  if (url.username !== '' || url.password !== '') refuse('must not hold a name or a password');
  if (isRefusedHost(url.hostname)) refuse('must not be a link-local or metadata address');
  return url;
}

/**
 * `dns.lookup` that fails if a name resolves to a refused address. Connections are opened to the address that was
 * checked, so a name cannot resolve to another one in between.
 */
export function lookupSubgraph(
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookupAddress(hostname, options, (error, found, family) => {
    // With `all` this is a list; otherwise one address, undefined on errors.
    const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
    if (error === null && addresses.some(isRefusedHost)) {
      callback(refused(), []);
    } else {
      callback(error, found, family);
    }
  });
}

/** A look-up that finds the same address for every name. It fails for a refused one. */
export function lookUpAs(address: string): LookupFunction {
  const family = isIP(address);
  return (_hostname, { all = false }, callback) => {
    if (family === 0 || isRefusedHost(address)) callback(refused(), []);
    else if (all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

const refused = (): NodeJS.ErrnoException =>
  Object.assign(new Error('The address is refused.'), { code: 'EACCES' });
