/** The private link: verifies that a request comes from the gateway (RFC 9421, HTTP Message Signatures). */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { Transform } from 'node:stream';
import { type SignedCaller } from './identity';
import { type LinkKey, type LinkKeys } from './link-keys';

export interface PrivateLinkOptions {
  /** The name of the subgraph that is called: a request for another one is refused. */
  readonly subgraph: string;
  readonly keys: LinkKeys;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/** What the signature proves before the body has arrived. */
export interface LinkProof {
  /** The client that the gateway calls for; `null` for an anonymous one. */
  readonly caller: SignedCaller | null;
  /** SHA-256 of the body, in base64. */
  readonly digest: string;
}

/** A request that the gateway did not send, or that was changed. The message says which check failed. */
export class LinkRefused extends Error {
  readonly statusCode = 401;
}

/** Largest difference between the clocks of gateway and subgraph, which is also how long a copy could be replayed. */
const windowSeconds = 60;
export const clockToleranceMilliseconds = windowSeconds * 1000;

/**
 * Checks requests: signed with a key that is known here, for this subgraph, less than a minute ago, and not seen
 * before by this process. A function that throws {@link LinkRefused} for any other.
 */
export function openPrivateLink({ subgraph, keys, now = Date.now }: PrivateLinkOptions) {
  const seen = new SeenSignatures();
  const ours = tagOf(subgraph);

  return (method: string, url: string, headers: IncomingHttpHeaders): LinkProof => {
    const input = member(headers['signature-input'], inputPattern);
    const signature = member(headers['signature'], signaturePattern);
    if (input === undefined || signature === undefined)
      throw new LinkRefused('This subgraph answers its gateway only, and the request is not signed.');
    const covered = [...input.slice(0, input.indexOf(')')).matchAll(/"([^"]+)"/g)].map(([, name]) => name!);
    const parameter = (name: string) =>
      // oxlint-disable-next-line eslint-js/no-restricted-syntax -- each of three names stands before a text without quotes, or digits
      new RegExp(`;${name}=(?:"([^"]*)"|(\\d+))(?=;|$)`).exec(input)?.slice(1).join('');
    const query = queryOf(url);
    const needed = [
      ...['@method', 'content-digest'],
      // What a request without a body asks for.
      ...(method === 'GET' && query !== '?' ? ['@query'] : []),

      ...(headers['weir-identity'] ? ['weir-identity'] : []),
    ];
    for (const name of needed)
      if (!covered.includes(name)) throw new LinkRefused(`The signature does not cover "${name}".`);

    const key = keys.current.find(({ id }) => id === parameter('keyid'));
    if (key === undefined) throw new LinkRefused('The request is signed with a key that is not known here.');
    const derived = new Map([
      ['@method', method],
      ['@query', query],
    ]);
    const lines = covered.map((name) => `"${name}": ${derived.get(name) ?? valueOf(headers, name)}\n`);
    const given = Buffer.from(signature, 'base64');
    const right = hmac(key, `${lines.join('')}"@signature-params": ${input}`);
    if (given.length !== right.length || !timingSafeEqual(given, right))
      throw new LinkRefused('The signature is not that of this request.');

    const tag = parameter('tag') ?? '';
    if (tag !== ours) throw new LinkRefused(`The request is for ${tag}, but this is ${ours}.`);
    const seconds = now() / 1000;
    const age = seconds - Number(parameter('created'));
    if (!(Math.abs(age) <= windowSeconds)) {
      const when = age < 0 ? 'before its time' : `more than ${windowSeconds} s ago`;
      throw new LinkRefused(`The request was signed ${Number.isNaN(age) ? 'at no time' : when}.`);
    }
    if (!seen.add(right, seconds)) throw new LinkRefused('The request was here before.');
    const digest = /(?:^|,\s*)sha-256=:([^:]+):/.exec(valueOf(headers, 'content-digest'))?.[1];
    if (digest === undefined) throw new LinkRefused('The digest of the body is not one by sha-256.');
    return { caller: readCaller(headers['weir-identity']), digest };
  };
}

/** The query of a URL as signatures have it (RFC 9421, section 2.2.7): `?` where there is none. */
const queryOf = (url: string): string => (url.includes('?') ? url.slice(url.indexOf('?')) : '?');

/** Passes a body through, and fails at its end when its digest is not the signed one. */
export function checkBody({ digest }: LinkProof): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush: (done) =>
      done(
        hash.digest('base64') === digest ? null : new LinkRefused('The body is not the one that was signed.'),
      ),
  });
}

/** What was checked of a request that has no body. Throws {@link LinkRefused} if another body was signed. */
export function withoutBody(checked: LinkProof): LinkProof {
  if (checked.digest === emptyDigest) return checked;
  throw new LinkRefused('The signature is that of a request with a body.');
}

const emptyDigest = createHash('sha256').digest('base64');

export interface SignOptions {
  readonly key: LinkKey;
  /** The subgraph that is called. */
  readonly subgraph: string;
  readonly body: string;
  /** The client that it is called for; `null` for an anonymous one. */
  readonly caller: SignedCaller | null;
  /** The URL of a `GET`, whose query is signed. @default undefined: it is a `POST` */
  readonly read?: URL | undefined;
}

/** The headers with which one subgraph calls another, signed as the gateway signs. */
export const signRequest = ({ subgraph, ...options }: SignOptions): Record<string, string> =>
  sign({ ...options, tag: tagOf(subgraph) });

/** Signs calls of other subgraphs for a caller; without keys there is nothing to sign with. */
export const signer =
  (keys: LinkKeys | undefined, caller: SignedCaller | null) =>
  (subgraph: string, body: string): Record<string, string> =>
    keys ? signRequest({ key: keys.current[0]!, subgraph, body, caller }) : {};

/** Signs what is read (`GET`) of other subgraphs, for no caller. */
export const readSigner =
  (keys: LinkKeys | undefined) =>
  (subgraph: string, read: URL): Record<string, string> =>
    keys ? signRequest({ key: keys.current[0]!, subgraph, body: '', caller: null, read }) : {};

/** The headers with which a subgraph calls its gateway back. Their tag names the subgraph that sends them. */
export const signCallback = ({
  subgraph,
  ...options
}: Omit<SignOptions, 'caller' | 'read'>): Record<string, string> =>
  sign({ ...options, caller: null, tag: `weir-callback:${encodeURIComponent(subgraph)}` });

function sign({ key, tag, body, caller, read }: Omit<SignOptions, 'subgraph'> & { tag: string }) {
  const headers: Record<string, string> = {
    'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    ...(caller && { 'weir-identity': Buffer.from(JSON.stringify(caller)).toString('base64url') }),
  };
  const derived: Record<string, string> = {
    '@method': read ? 'GET' : 'POST',
    ...(read && read.search !== '' && { '@query': read.search }),
  };
  const values = Object.entries({ ...derived, ...headers });
  const covered = values.map(([name]) => `"${name}"`).join(' ');
  const created = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(12).toString('base64url');
  const input = `(${covered});created=${created};keyid="${key.id}";nonce="${nonce}";tag="${tag}"`;
  const lines = values.map(([name, value]) => `"${name}": ${value}\n`);
  const signature = hmac(key, `${lines.join('')}"@signature-params": ${input}`);
  return {
    ...headers,
    'signature-input': `weir=${input}`,
    signature: `weir=:${signature.toString('base64')}:`,
  };
}

const tagOf = (subgraph: string): string => `weir:${encodeURIComponent(subgraph)}`;

const inputPattern = /(?:^|,\s*)weir=(\((?:"[^"]+" *)*\)(?:;[a-z]+=(?:"[^"]*"|\d+))*)/;
const signaturePattern = /(?:^|,\s*)weir=:([A-Za-z0-9+/]+=*):/;

const member = (header: string | string[] | undefined, pattern: RegExp): string | undefined =>
  pattern.exec(String(header ?? ''))?.[1];

const valueOf = (headers: IncomingHttpHeaders, name: string): string => String(headers[name] ?? '').trim();

const hmac = ({ secret }: LinkKey, text: string): Buffer =>
  createHmac('sha256', secret).update(text, 'latin1').digest();

function readCaller(header: string | string[] | undefined): SignedCaller | null {
  if (header === undefined) return null;
  return JSON.parse(Buffer.from(String(header), 'base64url').toString()) as SignedCaller;
}

/**
 * The signatures of the last minutes. 48 bits of each are enough: that an honest one meets another has a chance of one
 * in a thousand million.
 */
class SeenSignatures {
  #young = new Set<number>();
  #old = new Set<number>();
  #turn = 0;

  /** False for one that was added less than two windows ago. */
  add(signature: Buffer, seconds: number): boolean {
    const turn = Math.floor(seconds / (2 * windowSeconds));
    if (turn !== this.#turn) {
      this.#old = turn === this.#turn + 1 ? this.#young : new Set();
      this.#young = new Set();
      this.#turn = turn;
    }
    const short = signature.readUIntBE(0, 6);
    if (this.#young.has(short) || this.#old.has(short)) return false;
    this.#young.add(short);
    return true;
  }
}
