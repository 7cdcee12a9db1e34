import { hash, randomBytes } from 'node:crypto';
import type { SignedHeaders, Signer, UnsignedCall } from '../contract/signer';
import type { LinkKey } from './link-keys';

/** Headers by which a subgraph recognises the gateway and the caller. Those of clients are never forwarded. */
export const linkHeaders: readonly string[] = [
  'content-digest',
  'signature-input',
  'signature',
  'weir-identity',
];

export interface PrivateLinkOptions {
  /** The subgraph that is called. */
  readonly subgraph: string;
  /** The current key. */
  readonly key: () => LinkKey;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Signs calls, so that a subgraph recognizes them: HTTP Message Signatures (RFC 9421) with
 * HMAC-SHA-256. The signature covers the method, the body by its digest (RFC 9530), the query of a `GET`, the path and
 * query of a REST request, the identity of the caller, the time in seconds, a nonce, and the name of the subgraph.
 *
 * It is a standard, so subgraphs in any language have a library for it. It uses a shared secret, as signing with a
 * private key takes ten times as long. The path of GraphQL is not signed, as a
 * proxy between gateway and subgraph may rewrite it; the subgraph's name is in the tag instead.
 */
export function signPrivateLink({ subgraph, key, now = Date.now }: PrivateLinkOptions) {
  const tag = `weir:${encodeURIComponent(subgraph)}`;
  const series = randomBytes(9).toString('base64url');
  let count = 0;
  return {
    headers: linkHeaders,
    sign({ method = 'POST', url, body, isRest = false, caller }: LinkedCall): SignedHeaders {
      const { signedIdentity: identity } = caller;
      const { id, hmac } = key();
      const digest = `sha-256=:${hash('sha256', body, 'base64')}:`;
      const created = Math.floor(now() / 1000);
      const nonce = series + (count++).toString(36);
      const target = url === undefined ? noTarget : targetOf(method, url, isRest);
      const names = identity === undefined ? alone : withIdentity;
      const covered = target.names === '' ? names : names.replace(' ', ` ${target.names}`);
      const input = `${covered};created=${created};keyid="${id}";nonce="${nonce}";tag="${tag}"`;
      const identityLine = identity === undefined ? '' : `"weir-identity": ${identity}\n`;
      const base = `"@method": ${method}\n${target.lines}"content-digest": ${digest}\n${identityLine}"@signature-params": ${input}`;
      const headers = ['content-digest', digest, 'signature-input', `weir=${input}`];
      headers.push('signature', `weir=:${hmac(base)}:`);
      if (identity !== undefined) headers.push('weir-identity', identity);
      return headers;
    },
  } satisfies Signer;
}

/** The URL is needed for a `GET`, and for REST. */
type LinkedCall = Pick<UnsignedCall, 'method' | 'body' | 'isRest' | 'caller'> & { readonly url?: URL };

const noTarget = { names: '', lines: '' };

/** What is covered of a URL. Without a query, `@query` is a question mark (RFC 9421, section 2.2.7). */
function targetOf(method: string, { pathname, search }: URL, isRest: boolean): typeof noTarget {
  if (isRest)
    return {
      names: '"@path" "@query" ',
      lines: `"@path": ${pathname}\n"@query": ${search === '' ? '?' : search}\n`,
    };
  if (method !== 'GET' || search === '') return noTarget;
  return { names: '"@query" ', lines: `"@query": ${search}\n` };
}

const alone = '("@method" "content-digest")';
const withIdentity = '("@method" "content-digest" "weir-identity")';
