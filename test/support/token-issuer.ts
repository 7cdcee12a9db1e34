import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export interface TokenIssuer {
  readonly url: string;
  /** The paths that it was asked for. */
  readonly requests: string[];
  /** It answers 503 while it is down. */
  isDown: boolean;
  /** A token of its newest key, for an hour, for the audience `shop`. */
  token(claims?: JWTPayload, header?: Record<string, string>): Promise<string>;
  /** Signs with a new key from now on; the old one is not published any more. */
  rotate(): Promise<void>;
  /** The public key, as it is published. */
  publicKey(): Record<string, unknown>;
  close(): Promise<void>;
}

/** A provider of OpenID Connect, as far as a gateway sees one; with paths as Cognito has them, too. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  let key = await newKey();
  const server = createServer(({ url }, response) => {
    issuer.requests.push(url!);
    if (issuer.isDown) {
      response.writeHead(503).end();
      return;
    }
    const jwks = { keys: [key.jwk] };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        url === '/.well-known/openid-configuration'
          ? { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
          : jwks,
      ),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer: TokenIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    isDown: false,
    token: (claims = {}, header = {}) =>
      new SignJWT({ iss: issuer.url, aud: 'shop', sub: 'u1', exp: inSeconds(3600), ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: key.jwk.kid, ...header })
        .sign(key.privateKey),
    rotate: async () => {
      key = await newKey();
    },
    publicKey: () => key.jwk,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
  return issuer;
}

let keys = 0;

async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: `key-${++keys}`, alg: 'RS256', use: 'sig' };
  return { privateKey, jwk };
}

/** As claims write times. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
