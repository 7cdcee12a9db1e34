/** JSON Web Tokens of the peers: which issuers are trusted, and where tokens are. */
import { type ForeignValue, hasReference } from '../foreign';
import type { Outcome } from '../table';
import type { Position } from '../translate';
import { byHand, texts } from '../values';

const algorithmNames = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
]);

const secretAlgorithms: ReadonlySet<string> = new Set(['HS256', 'HS384', 'HS512']);

/** There is an issuer, of which Weir checks more than others do. Each has a variable of its own: no two have one name. */
export function needIssuer(at: Position, issuer: string): void {
  const number = Number(issuer.split('-').at(-1)) || 0;
  at.otherwise(
    ['auth', 'oidc', `[${issuer}]`, 'issuer'],
    number === 0 ? '${JWT_ISSUER}' : `\${JWT_ISSUER_${number + 1}}`,
    'set the variable, or write the issuer here',
  );
}

/** The secret of an issuer that signs by HMAC. One that stands in the file is not copied. */
export function takeSecret(value: ForeignValue, at: Position, issuer: string): Outcome | undefined {
  needIssuer(at, issuer);
  const isReference = typeof value === 'string' && hasReference(value);
  at.set(['auth', 'oidc', `[${issuer}]`, 'secret'], isReference ? value : '${JWT_SECRET}');
  return isReference ? undefined : byHand('It is not copied: set the variable, or name a file.');
}

/** The URL of a key set. */
export function takeKeySet(value: ForeignValue, at: Position, issuer: string): Outcome | undefined {
  needIssuer(at, issuer);
  const keys = keySetOf(value);
  at.set(['auth', 'oidc', `[${issuer}]`, 'jwks'], keys ?? '${JWKS}');
  if (keys === undefined) return byHand('Set the variable, or write the key set here.');
  return keys === value
    ? undefined
    : byHand('The path is relative to the folder of weir.yaml. The file is read again when it changes.');
}

/** A URL, or the text of a file. Undefined if the path of the file cannot be written so. */
export function keySetOf(value: ForeignValue | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^https?:/i.test(value) || value.includes('${')) return value;
  const path = value.replace(/^file:(?:\/\/)?/i, '');
  return /[${}]/.test(path) || path === '' ? undefined : `\${file:${path}}`;
}

/** Several issuers with the same keys are as many items. */
export function takeIssuers(
  value: ForeignValue,
  at: Position,
  issuer: string,
  url: ForeignValue | undefined,
): Outcome | undefined {
  const issuers = texts(value);
  if (issuers === undefined || issuers.length === 0)
    return byHand('Write each issuer as an item of `auth.oidc`.');
  for (const [i, each] of issuers.entries()) {
    const slot = i === 0 ? issuer : `${issuer}-${i}`;
    at.set(['auth', 'oidc', `[${slot}]`, 'issuer'], each);
    if (i === 0) continue;
    const keys = keySetOf(url);
    if (keys !== undefined) at.set(['auth', 'oidc', `[${slot}]`, 'jwks'], keys);
    needIssuer(at, slot);
  }
  return undefined;
}

export function takeAudiences(value: ForeignValue, at: Position, issuer: string): Outcome | undefined {
  const audiences = texts(value);
  if (audiences === undefined || audiences.length === 0)
    return byHand('Write them as `auth.oidc[].audience`.');
  at.set(['auth', 'oidc', `[${issuer}]`, 'audience'], audiences.length === 1 ? audiences[0] : audiences);
  return undefined;
}

/** @param isSecret whether the issuer has a secret: its algorithms are not those of public keys. */
export function takeAlgorithms(
  value: ForeignValue,
  at: Position,
  issuer: string,
  isSecret = false,
): Outcome | undefined {
  const possible = isSecret ? secretAlgorithms : algorithmNames;
  const known = (texts(value) ?? []).filter((name) => possible.has(name));
  if (known.length === 0) return byHand('None of them is one of `auth.oidc[].algorithms`.');
  at.set(['auth', 'oidc', `[${issuer}]`, 'algorithms'], known);
  return known.length === (texts(value) ?? []).length
    ? undefined
    : byHand('Only algorithms that `auth.oidc[].algorithms` has for keys of this kind are written.');
}

/** What stands for all issuers: one header of tokens. The first one is number 0. */
export const forAllIssuers = (number = 0): string => `*${number}`;

export function takeHeader(name: ForeignValue, at: Position, issuer = forAllIssuers()): Outcome | undefined {
  if (typeof name !== 'string') return byHand('Write it as `auth.oidc[].header`.');
  at.set(['auth', 'oidc', `[${issuer}]`, 'header'], name);
  return name.toLowerCase() === 'authorization' ? { becomes: 'same', note: '' } : undefined;
}

/** The word before the token. */
export function takePrefix(
  prefix: ForeignValue,
  at: Position,
  issuer = forAllIssuers(),
): Outcome | undefined {
  const word = typeof prefix === 'string' ? prefix.trim() : ' ';
  if (/\s/.test(word)) return byHand('Write one word as `auth.oidc[].prefix`.');
  at.set(['auth', 'oidc', `[${issuer}]`, 'prefix'], word);
  return undefined;
}

/** A further header, beside the one that counts unless another is written: an item of a list. */
export const furtherHeader = ({ names }: Position): string => forAllIssuers(Number(names[0]) + 1);

export function addHeader(name: ForeignValue, at: Position): Outcome | undefined {
  const first = ['auth', 'oidc', `[${forAllIssuers()}]`, 'header'];
  at.otherwise(first, 'authorization', 'the header of tokens unless another is written');
  return takeHeader(name, at, furtherHeader(at));
}

export const neverInCookies = 'Tokens come in a header, never in a cookie.';

/** How headers of tokens differ, and several of them. */
export const ofHeader = 'Subgraphs get it only where a rule has its whole name.';
export const ofHeaders = `${ofHeader} A request with tokens in two headers is refused.`;
