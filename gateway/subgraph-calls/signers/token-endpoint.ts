import { randomUUID } from 'node:crypto';
import type * as Jose from 'jose';
import type * as Undici from 'undici';
import { outgoingDispatcher } from '../../net/outgoing';
import type { Perishable } from '../../net/renewed';
import { timeLimit } from '../../net/time-limit';

/** A client at a token endpoint of OAuth 2. */
export interface TokenClient {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientAuthentication: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
  /** For `private_key_jwt` a private JSON Web Key, with its algorithm. */
  readonly clientSecret: string;
}

/** What a token endpoint answers (RFC 6749, section 5.1), unchecked. */
export interface TokenAnswer {
  readonly access_token?: unknown;
  readonly token_type?: unknown;
  readonly issued_token_type?: unknown;
  readonly expires_in?: unknown;
}

/** The endpoint refuses the request itself: to repeat it at once is of no use. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/**
 * Gets an access token, and the answer that it came with. Rejects with an error whose message has no secret and may be
 * logged; with a `TokenRefused` for a status of 4xx.
 */
export async function requestToken(
  client: TokenClient,
  parameters: Readonly<Record<string, string>>,
): Promise<Perishable<string> & { readonly answer: TokenAnswer }> {
  // Loaded only where a token is fetched.
  const { request } = require('undici') as typeof Undici;
  const { origin } = new URL(client.tokenUrl);
  const { authorization, ...own } = await proofOf(client);
  const { statusCode, body } = await request(client.tokenUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      ...(authorization !== undefined && { authorization }),
    },
    body: new URLSearchParams({ ...parameters, ...own }).toString(),
    signal: timeLimit(patience),
    ...outgoingDispatcher(),
  });
  const answer = parsed(await textOf(body, origin));
  const { access_token: token, expires_in: lifetime, error } = answer;
  if (statusCode !== 200 || typeof token !== 'string' || !tokenPattern.test(token)) {
    const reason = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
    const message = `${origin} gave no token, but status ${statusCode}${reason}`;
    throw statusCode >= 400 && statusCode < 500 && statusCode !== 429
      ? new TokenRefused(message)
      : new Error(message);
  }
  const seconds = Number(lifetime);
  // The server may not say how long the token lives.
  const life = seconds > 0 ? Math.min(seconds, longestLife) : defaultLifetime;
  return { value: token, expires: Date.now() + life * 1000, answer };
}

/** The parameters, or the `authorization`, by which the client proves who it is (RFC 6749, section 2.3; RFC 7523). */
async function proofOf({
  tokenUrl,
  clientId,
  clientAuthentication,
  clientSecret,
}: TokenClient): Promise<Readonly<Record<string, string>>> {
  switch (clientAuthentication) {
    case 'client_secret_basic': {
      const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
      return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    }
    case 'client_secret_post':
      return { client_id: clientId, client_secret: clientSecret };
    case 'private_key_jwt': {
      const { SignJWT, importJWK } = require('jose') as typeof Jose;
      const key = JSON.parse(clientSecret) as Jose.JWK & { readonly alg: string };
      const { alg, kid } = key;
      const assertion = await new SignJWT()
        .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(tokenUrl)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(await importJWK(key, alg));
      return { client_id: clientId, client_assertion_type: jwtBearer, client_assertion: assertion };
    }
  }
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** RFC 6749, section 2.3.1: user and password are form-encoded before they are joined. */
const formEncoded = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length);

/** What can be sent in a header of a subgraph call. */
const tokenPattern = /^[\x21-\x7e]{1,16000}$/;
/** Timeout of the request for a token, in milliseconds. */
const patience = 5_000;
/** Assumed lifetime of a token, in seconds, if the server does not say it. */
const defaultLifetime = 300;
const longestLife = 86_400;
const mostBytes = 65_536;

async function textOf(body: AsyncIterable<Buffer>, origin: string): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > mostBytes) throw new Error(`${origin} answered with more than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function parsed(json: string): TokenAnswer & { readonly error?: unknown } {
  try {
    return (JSON.parse(json) as TokenAnswer | null) ?? {};
  } catch {
    return {};
  }
}
