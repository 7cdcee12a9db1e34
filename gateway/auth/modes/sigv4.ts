import { createHmac, hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hmacSha256 } from '../../net/hmac';

/** The parts of an `authorization` header with the algorithm `AWS4-HMAC-SHA256`. */
export interface SignatureHeader {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: Buffer;
}

/** Parses the header. Undefined if it does not have the form that AWS documents. */
export function parseSignatureHeader(authorization: string): SignatureHeader | undefined {
  const match = headerForm.exec(authorization)?.groups;
  if (match === undefined) return undefined;
  const { accessKeyId, date, region, service, signedHeaders, signature } = match as Record<string, string>;
  return {
    accessKeyId: accessKeyId!,
    date: date!,
    region: region!,
    service: service!,
    signedHeaders: signedHeaders!.split(';'),
    signature: Buffer.from(signature!, 'hex'),
  };
}

// Each part ends with a character that it cannot contain, so there is no backtracking.
// oxlint-disable-next-line eslint-js/no-restricted-syntax -- a literal would be one unreadable line
const headerForm = new RegExp(
  '^AWS4-HMAC-SHA256 +' +
    'Credential=(?<accessKeyId>[^/,\\s]+)/(?<date>\\d{8})/(?<region>[^/,\\s]+)/(?<service>[^/,\\s]+)/aws4_request, *' +
    "SignedHeaders=(?<signedHeaders>[a-z0-9!#$%&'*+.^_`|~;-]+), *" +
    'Signature=(?<signature>[0-9a-f]{64})$',
);

/** HMAC-SHA-256 of an ASCII text, in base64. */
export type SigningKey = (text: string) => string;

/** The signing key of Signature Version 4 for one day, region and service. */
export function signingKey(
  secretAccessKey: string,
  { date, region, service }: Pick<SignatureHeader, 'date' | 'region' | 'service'>,
): SigningKey {
  return hmacSha256(
    [date, region, service, 'aws4_request'].reduce<Buffer>(
      hmac,
      Buffer.from(`AWS4${secretAccessKey}`, 'utf8'),
    ),
  );
}

/** The signed parts of a request. */
export interface SignedParts {
  readonly method: string;
  readonly target: CanonicalTarget;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** SHA-256 of the body, in hex. */
  readonly payloadHash: string;
}

/** The second and third line of a canonical request. */
export interface CanonicalTarget {
  readonly uri: string;
  readonly query: string;
}

export function signatureOf(
  key: SigningKey,
  amzDate: string,
  { date, region, service }: Pick<SignatureHeader, 'date' | 'region' | 'service'>,
  { method, target, headers, payloadHash }: SignedParts,
): Buffer {
  let lines = '';
  let names = '';
  for (const [name, value] of headers) {
    lines += `${name}:${value}\n`;
    names += names === '' ? name : `;${name}`;
  }
  const request = `${method}\n${target.uri}\n${target.query}\n${lines}\n${names}\n${payloadHash}`;
  const scope = `${date}/${region}/${service}/aws4_request`;
  return Buffer.from(key(`AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256(request)}`), 'base64');
}

/** The form of AppSync's auth link: the URI is the whole URL, and the next line repeats the query. */
export function rawTarget(url: string): CanonicalTarget {
  const start = url.indexOf('?');
  return { uri: url, query: start === -1 ? '' : url.slice(start + 1) };
}

/** The form that AWS documents: the path is encoded again, and the query parameters are sorted. */
export function canonicalTarget(url: string): CanonicalTarget {
  const start = url.indexOf('?');
  const path = start === -1 ? url : url.slice(0, start);
  const uri = encode(path).replaceAll('%2F', '/');
  if (start === -1) return { uri, query: '' };
  const parameters = url
    .slice(start + 1)
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [, name, value = ''] = /^([^=]*)=?(.*)$/s.exec(parameter)!;
      return [encode(decode(name!)), encode(decode(value))] as const;
    });
  const query = parameters
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return { uri, query };
}

/** A header's value in a canonical request. */
export function canonicalValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (value === undefined) return undefined;
  return (typeof value === 'string' ? value : value.join(',')).trim().replace(/\s+/g, ' ');
}

export const sha256 = (data: string | Buffer): string => hash('sha256', data, 'hex');

const hmac = (key: Buffer, data: string): Buffer => createHmac('sha256', key).update(data, 'utf8').digest();

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Encodes everything but the unreserved characters of RFC 3986. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Decodes as the query is read later: `+` is a space there, and must not be taken for a signed `%2B`. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
