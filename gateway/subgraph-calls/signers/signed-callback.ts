import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { UsedSignatures } from '../../net/used-signatures';
import type { LinkKey } from './link-keys';

export interface SignedCallbackOptions {
  /** Which subgraph must have sent it. */
  readonly subgraph: string;
  /** Those of private links: the subgraph may sign with any of them. */
  readonly keys: () => readonly LinkKey[];
  /** The signatures that were seen before. */
  readonly used: UsedSignatures;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Checks the headers of a callback, before its body has come. Undefined: it is refused. `busy`: it cannot be remembered, so
 * it must come again later.
 */
export type VerifyCallback = (headers: IncomingHttpHeaders) => VerifiedCallback | 'busy' | undefined;

export interface VerifiedCallback {
  /** Whether this is the body that was signed. */
  isBody(body: Buffer): boolean;
}

/** The difference of the clocks, in milliseconds: as subgraphs allow it of the gateway. */
const window = 60_000;

/**
 * Verifies what a subgraph sends to its gateway: HTTP Message Signatures (RFC 9421) as `signPrivateLink` writes them, with
 * the tag `weir-callback:` and the name of the subgraph. A signature counts once.
 */
export function verifyCallback({
  subgraph,
  keys,
  used,
  now = Date.now,
}: SignedCallbackOptions): VerifyCallback {
  const tag = `weir-callback:${encodeURIComponent(subgraph)}`;
  return (headers) => {
    const { 'content-digest': digest, 'signature-input': given, signature } = headers;
    const [input, mac] = [member(given), member(signature)?.replace(/^:|:$/g, '')];
    if (typeof digest !== 'string' || input === undefined || mac === undefined) return undefined;
    const parts = inputPattern.exec(input);
    if (parts === null || parts[4] !== tag) return undefined;
    const key = keys().find(({ id }) => id === parts[2]);
    if (key === undefined) return undefined;
    const right = Buffer.from(
      key.hmac(`"@method": POST\n"content-digest": ${digest}\n"@signature-params": ${input}`),
      'base64',
    );
    const sent = Buffer.from(mac, 'base64');
    if (sent.length !== right.length || !timingSafeEqual(sent, right)) return undefined;
    const created = Number(parts[1]) * 1000;
    if (Math.abs(now() - created) > window) return undefined;
    const use = used.use(right, created, 2 * window);
    if (use !== 'first') return use === 'full' ? 'busy' : undefined;
    return { isBody: (body) => digest === `sha-256=:${hash('sha256', body, 'base64')}:` };
  };
}

/** The members are written in this order: by the kit, as by the gateway. */
const inputPattern =
  /^\("@method" "content-digest"\);created=(\d{1,12});keyid="([^"]{1,64})";nonce="([^"]{1,128})";tag="([^"]{1,512})"$/;

/** Of a dictionary of structured fields with one member, `weir`. */
const member = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && header.startsWith('weir=') && header.length < 2_048
    ? header.slice('weir='.length)
    : undefined;
