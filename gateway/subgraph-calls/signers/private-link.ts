import { hash, randomBytes } from 'node:crypto';
import type { SignedHeaders, Signer, UnsignedCall } from '../signer';
import type { LinkKey } from './link-keys';

/** Headers by which a subgraph knows its gateway and the caller: whoever else sends them lies. */
export const linkHeaders: readonly string[] = [
  'content-digest',
  'signature-input',
  'signature',
  'weir-identity',
];

export interface PrivateLinkOptions {
  /** Whom the calls are for. */
  readonly subgraph: string;
  /** What to sign with now. */
  readonly key: () => LinkKey;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Signs calls, so that a subgraph can tell them from those of anybody else: HTTP Message Signatures (RFC 9421) with
 * HMAC-SHA-256. Signed are the method, the body by its digest (RFC 9530), the identity of the caller, the second of
 * the call, a nonce, and the name of the subgraph that the call is for.
 *
 * A standard, because subgraphs in any language have a library for it. A shared secret, because signing with a
 * private key costs ten times as much. The URL is not signed, as what stands between gateway and subgraph may rewrite
 * it; the tag says instead whom the call is for.
 */
export function signPrivateLink({ subgraph, key, now = Date.now }: PrivateLinkOptions) {
  const tag = `weir:${encodeURIComponent(subgraph)}`;
  const series = randomBytes(9).toString('base64url');
  let count = 0;
  return {
    headers: linkHeaders,
    sign({ body, caller }: Pick<UnsignedCall, 'body' | 'caller'>): SignedHeaders {
      const { signedIdentity: identity } = caller;
      const { id, hmac } = key();
      const digest = `sha-256=:${hash('sha256', body, 'base64')}:`;
      const created = Math.floor(now() / 1000);
      const nonce = series + (count++).toString(36);
      const covered = identity === undefined ? alone : withIdentity;
      const input = `${covered};created=${created};keyid="${id}";nonce="${nonce}";tag="${tag}"`;
      const identityLine = identity === undefined ? '' : `"weir-identity": ${identity}\n`;
      const base = `"@method": POST\n"content-digest": ${digest}\n${identityLine}"@signature-params": ${input}`;
      const headers = ['content-digest', digest, 'signature-input', `weir=${input}`];
      headers.push('signature', `weir=:${hmac(base)}:`);
      if (identity !== undefined) headers.push('weir-identity', identity);
      return headers;
    },
  } satisfies Signer;
}

const alone = '("@method" "content-digest")';
const withIdentity = '("@method" "content-digest" "weir-identity")';
