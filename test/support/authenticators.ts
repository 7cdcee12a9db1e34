import { createHash } from 'node:crypto';
import { sign } from 'aws4';
import { apiKeys } from '../../gateway/auth/modes/api-key';
import type { Authenticator, AuthRequest } from '../../gateway/auth/authenticator';
import { cognitoIssuer } from '../../gateway/auth/modes/cognito';
import { iam } from '../../gateway/auth/modes/iam';
import { lambda } from '../../gateway/auth/modes/lambda';
import { oidcIssuer } from '../../gateway/auth/modes/oidc';
import { tokens } from '../../gateway/auth/modes/tokens';
import { UsedSignatures } from '../../gateway/net/used-signatures';
import { type Options, type OptionsInput, parseOptions } from '../../gateway/options';
import { startTokenIssuer } from './token-issuer';

type Headers = Record<string, string>;

/** One auth mode, with credentials of it. */
export interface TestAuthenticator {
  readonly authenticator: Authenticator;
  /** Of a request that is let in. */
  readonly good: Headers;
  /** Of the same mode, but they prove nothing. */
  readonly bad: Headers;
  /** When the good ones end, in milliseconds of `Date.now()`; undefined where they do not. */
  readonly expires: number | undefined;
  close(): Promise<void>;
}

/** A request with some headers, whose body nobody may look at where the mode does without. */
export const receivedWith = (headers: Headers, body?: Buffer): AuthRequest => ({
  ...{ requestId: 'r1', method: 'POST', url: '/graphql', headers },
  get body(): Buffer {
    if (body === undefined) throw new Error('The body is not to be looked at.');
    return body;
  },
});

export const body = Buffer.from('{"query":"{ me { name } }"}');

const inSeconds = (seconds: number): number => Date.now() + seconds * 1000;
const nothing = async (): Promise<void> => undefined;
const logger = { error: () => undefined, warn: () => undefined } as never;
const authOf = (auth: OptionsInput['auth']): Options['auth'] => parseOptions({ auth }).auth;

/** Every mode by the name of its option, with the function that makes its authenticator. */
export const testedModes: Record<
  Exclude<keyof Options['auth'], 'anonymous'>,
  [() => Promise<TestAuthenticator>, (...args: never[]) => Authenticator]
> = {
  apiKeys: [openApiKeys, apiKeys],
  iam: [openIam, iam],
  oidc: [openOidc, tokens],
  cognito: [openCognito, tokens],
  lambda: [openLambda, lambda],
};

async function openApiKeys(): Promise<TestAuthenticator> {
  const sha256 = createHash('sha256').update('key').digest('hex');
  const expires = inSeconds(3600);
  const key = { client: 'app', sha256, expires: new Date(expires).toISOString() };
  return {
    authenticator: apiKeys(authOf({ apiKeys: [key] }).apiKeys),
    good: { 'x-api-key': 'key' },
    bad: { 'x-api-key': 'other' },
    expires,
    close: nothing,
  };
}

async function openIam(): Promise<TestAuthenticator> {
  const keys = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
  const used = new UsedSignatures();
  const signed = (secretAccessKey: string): Headers => {
    const toSign = {
      ...{ method: 'POST', host: 'shop.example', path: '/graphql', service: 'appsync', region: 'eu-west-1' },
      ...{ body: body.toString(), headers: { 'content-type': 'application/json' } },
    };
    const { headers } = sign(toSign, { ...keys, secretAccessKey });
    return Object.fromEntries(
      Object.entries(headers as Record<string, string | number>).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ]),
    );
  };
  return {
    authenticator: iam(authOf({ iam: { keys: [keys] } }).iam!, { logger, used }),
    good: signed(keys.secretAccessKey),
    bad: signed('another'),
    expires: undefined,
    close: nothing,
  };
}

async function openOidc(): Promise<TestAuthenticator> {
  const issuer = await startTokenIssuer();
  const [options] = authOf({ oidc: [{ issuer: issuer.url, audience: 'shop' }] }).oidc;
  return withTokens(tokens('authorization', [oidcIssuer(options!, logger)]), issuer, {});
}

async function openCognito(): Promise<TestAuthenticator> {
  const issuer = await startTokenIssuer();
  const pool = { userPool: 'eu-west-1_AbCdEfGhI', issuer: issuer.url, clients: ['app'] };
  const [options] = authOf({ cognito: [pool] }).cognito;
  return withTokens(tokens('authorization', [cognitoIssuer(options!, logger)]), issuer, {
    ...{ token_use: 'access', client_id: 'app' },
  });
}

/** Milliseconds by which clocks may differ. */
const clockSkew = 30_000;

async function withTokens(
  authenticator: Authenticator,
  issuer: Awaited<ReturnType<typeof startTokenIssuer>>,
  claims: object,
): Promise<TestAuthenticator> {
  // Not when the token is made: on a busy machine that is seconds later.
  const expires = inSeconds(3600);
  return {
    authenticator,
    good: { authorization: `Bearer ${await issuer.token({ ...claims, exp: Math.floor(expires / 1000) })}` },
    bad: { authorization: `Bearer ${await issuer.token({ ...claims, exp: 1 })}` },
    expires: expires + clockSkew,
    close: async () => {
      authenticator.close?.();
      await issuer.close();
    },
  };
}

async function openLambda(): Promise<TestAuthenticator> {
  const module = ({ authorizationToken }: { readonly authorizationToken: string }) => ({
    isAuthorized: authorizationToken === 'good',
    resolverContext: { sub: 'u1' },
  });
  return {
    authenticator: lambda(authOf({ lambda: { module } }).lambda!, logger),
    good: { authorization: 'good' },
    bad: { authorization: 'bad' },
    expires: undefined,
    close: nothing,
  };
}
