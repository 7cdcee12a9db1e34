/** Which tokens open tools, and what a client without one is answered. */
import type { GraphQLError } from 'graphql';
import type { JWTPayload } from 'jose';
import { type AuthenticatedRequest, createAuthentication } from '../../../../gateway/auth/authentication';
import { bearerChallenge, metadataOf, metadataUrlOf } from '../../../../gateway/auth/protected-resource';
import { UsedSignatures } from '../../../../gateway/net/used-signatures';
import { parseOptions } from '../../../../gateway/options';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../../../support/token-issuer';

const resource = 'https://api.shop.example/mcp';
const mcp = { resource, operations: ['agents/*.graphql'] };
let issuer: TokenIssuer;
let pool: TokenIssuer;
beforeAll(async () => {
  [issuer, pool] = await Promise.all([startTokenIssuer(), startTokenIssuer()]);
});
afterAll(() => Promise.all([issuer.close(), pool.close()]));

const parse = (auth: object): ReturnType<typeof parseOptions> => parseOptions({ auth, mcp });

function opened(auth: object) {
  const authentication = createAuthentication({
    ...{ options: parse(auth).auth, resource, usedSignatures: new UsedSignatures() },
    logger: { error: () => undefined, warn: () => undefined } as never,
  })!;
  /** The status, and what the client is to do. */
  const ask = async (protocol: 'graphql' | 'mcp', headers: Record<string, string>) => {
    const request = {} as AuthenticatedRequest;
    await authentication.admit(request, {
      requestId: 'r',
      protocol,
      method: 'POST',
      url: '/',
      headers,
      body: Buffer.alloc(0),
    });
    const http = (request.refusal as GraphQLError | undefined)?.extensions['http'] as
      | { status: number; headers: Map<string, string> }
      | undefined;
    return { status: http?.status ?? 200, challenge: http?.headers.get('www-authenticate'), request };
  };
  return { ask, close: () => authentication.close() };
}

const metadata = 'https://api.shop.example/.well-known/oauth-protected-resource/mcp';

describe('a token', () => {
  const ways = {
    audience: { audience: 'shop' },
    clients: { clients: ['web'] },
    both: { audience: resource },
  };

  it.each<[string, keyof typeof ways, object, number, number]>([
    ['of GraphQL', 'audience', { aud: 'shop' }, 200, 401],
    ['of tools', 'audience', { aud: resource }, 401, 200],
    ['of both', 'audience', { aud: ['shop', resource] }, 401, 200],
    ['of another service', 'audience', { aud: 'https://api.shop.example' }, 401, 401],
    ['of tools with a slash more', 'audience', { aud: `${resource}/` }, 401, 401],
    ['of tools in capitals', 'audience', { aud: resource.toUpperCase() }, 401, 401],
    ['of a path below', 'audience', { aud: `${resource}/admin` }, 401, 401],
    ['without an audience', 'audience', { aud: undefined }, 401, 401],
    ['of any audience for a client', 'clients', { aud: 'x', azp: 'web' }, 200, 401],
    ['of tools for a client', 'clients', { aud: resource, azp: 'web' }, 401, 200],
    ['of tools for another client', 'clients', { aud: resource, azp: 'other' }, 401, 401],
    ['of an issuer for tools alone', 'both', { aud: resource }, 401, 200],
    ['that has expired', 'audience', { aud: resource, exp: inSeconds(-60) }, 401, 401],
  ])(
    '%s (%s) opens what it is for, whatever it has opened before',
    async (_, way, claims, graphql, tools) => {
      const { ask, close } = opened({ oidc: [{ issuer: issuer.url, ...ways[way] }] });
      const authorization = `Bearer ${await issuer.token(claims as JWTPayload)}`;
      for (const protocol of ['graphql', 'mcp', 'graphql', 'mcp'] as const)
        expect([protocol, (await ask(protocol, { authorization })).status]).toEqual([
          protocol,
          protocol === 'mcp' ? tools : graphql,
        ]);
      close();
    },
  );

  it.each<[string, object, number, number]>([
    ['an access token', { token_use: 'access', client_id: 'app', aud: undefined }, 200, 401],
    ['an access token of tools', { token_use: 'access', client_id: 'app', aud: resource }, 401, 200],
    ['an id token', { token_use: 'id', aud: 'app' }, 200, 401],
  ])('of Cognito, %s, opens what it is for', async (_, claims, graphql, tools) => {
    const { ask, close } = opened({
      cognito: [{ userPool: 'eu-west-1_Shop', issuer: pool.url, clients: ['app'] }],
    });
    const authorization = await pool.token(claims as JWTPayload);
    expect((await ask('graphql', { authorization })).status).toBe(graphql);
    expect((await ask('mcp', { authorization })).status).toBe(tools);
    close();
  });
});

describe('a client of tools without the right token', () => {
  it.each<[string, () => Promise<Record<string, string>>, string]>([
    ['no credentials', async () => ({}), `Bearer resource_metadata="${metadata}"`],
    [
      'a wrong token',
      async () => ({ authorization: `Bearer ${await issuer.token()}` }),
      `Bearer error="invalid_token", resource_metadata="${metadata}"`,
    ],
    [
      'what is no token',
      async () => ({ authorization: 'Basic YTpi' }),
      `Bearer resource_metadata="${metadata}"`,
    ],
    ['a wrong key', async () => ({ 'x-api-key': 'k' }), `Bearer resource_metadata="${metadata}"`],
  ])('(%s) learns where the metadata is', async (_, headers, challenge) => {
    const apiKeys = [{ client: 'web', sha256: '0'.repeat(64) }];
    const { ask, close } = opened({ apiKeys, oidc: [{ issuer: issuer.url, audience: 'shop' }] });
    expect(await ask('mcp', await headers())).toMatchObject({ status: 401, challenge });
    expect((await ask('graphql', await headers())).challenge ?? '').not.toContain('resource_metadata');
    close();
  });

  it('is not sent anywhere if its credentials cannot be checked', async () => {
    const { ask, close } = opened({
      lambda: { module: () => Promise.reject(new Error('down')) },
    });
    expect(await ask('mcp', { authorization: 'x' })).toMatchObject({ status: 503, challenge: undefined });
    close();
  });
});

it('the answer of an authoriser gives tools no claim that has the token', async () => {
  const { ask, close } = opened({
    lambda: {
      module: ({ authorizationToken: token }: { authorizationToken: string }) => ({
        isAuthorized: true,
        resolverContext: { sub: token, raw: { token: [`x${token.slice(7)}`] }, tenant: 't1' },
      }),
    },
  });
  const headers = { authorization: 'Bearer a"very\\odd token' };
  const claimsOf = async (protocol: 'graphql' | 'mcp') =>
    (await ask(protocol, headers)).request.proof?.identity.claims;
  expect(await claimsOf('mcp')).toEqual({ tenant: 't1' });
  expect(await claimsOf('graphql')).toHaveProperty('raw');
  expect(await claimsOf('mcp')).toEqual({ tenant: 't1' });
  close();
});

describe('the metadata of tools', () => {
  const oidc = { issuer: 'https://login.example', audience: 'shop' };

  it('name the issuers whose tokens clients can send, and the scopes', () => {
    const { path, documentWith } = metadataOf(
      parse({
        oidc: [
          oidc,
          { ...oidc, issuer: 'https://proxy.example', header: 'x-jwt' },
          { ...oidc, issuer: 'https://own.example', secret: 's'.repeat(32) },
        ],
        cognito: [{ userPool: 'eu-west-1_Shop', clients: ['app'] }],
      }),
    )!;
    expect(path).toBe('/.well-known/oauth-protected-resource/mcp');
    expect(documentWith(['orders:read'])).toEqual({
      resource,
      authorization_servers: [
        'https://login.example',
        'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Shop',
      ],
      scopes_supported: ['orders:read'],
      bearer_methods_supported: ['header'],
    });
    expect(documentWith([])).not.toHaveProperty('scopes_supported');
  });

  it('are not there without tools, or without tokens', () => {
    expect(metadataOf(parseOptions({ auth: { oidc: [oidc] } }))).toBeUndefined();
  });

  it.each([
    ['https://a.example/mcp', 'https://a.example/.well-known/oauth-protected-resource/mcp'],
    ['https://a.example', 'https://a.example/.well-known/oauth-protected-resource'],
    ['https://a.example/v1/mcp?x=1', 'https://a.example/.well-known/oauth-protected-resource/v1/mcp?x=1'],
  ])('of %s are at %s', (of, at) => {
    expect(metadataUrlOf(of).href).toBe(at);
  });
});

it('names scopes in the challenge, but none that would end the text', () => {
  expect(bearerChallenge({ resource, error: 'insufficient_scope', scopes: ['a', 'b"', 'c\\', 'd'] })).toBe(
    `Bearer error="insufficient_scope", scope="a d", resource_metadata="${metadata}"`,
  );
});

it('tokens without an audience are not accepted beside tools', () => {
  expect(() => parse({ oidc: [{ issuer: 'https://login.example', withoutAudience: true }] })).toThrow(
    '`auth.oidc.0.withoutAudience` must not be true with `mcp`, whose tokens are told from others by their audience alone',
  );
});
