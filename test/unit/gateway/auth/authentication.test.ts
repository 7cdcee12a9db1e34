/**
 * Who is let in by which credentials, and who is not. Over HTTP: test/integration/identity.test.ts and tokens.test.ts. Over
 * 300 lines: a case for each rule of each mode.
 */
import { createHash } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createAuthentication } from '../../../../gateway/auth/authentication';
import type { Proof, AuthRequest } from '../../../../gateway/auth/authenticator';
import { anonymous, type Identity } from '../../../../gateway/auth/identity';
import { UsedSignatures } from '../../../../gateway/net/used-signatures';
import type { IncomingRequest } from '../../../../gateway/request/incoming-request';
import { parseOptions } from '../../../../gateway/options';

const failures: unknown[] = [];
const logger = { error: (facts: unknown) => failures.push(facts) };
beforeEach(() => (failures.length = 0));

const open = (auth: object) =>
  createAuthentication({
    options: parseOptions({ auth }).auth,
    usedSignatures: new UsedSignatures(),
    logger: logger as never,
  });

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

interface Asker {
  readonly id: string;
  readonly tracing?: Readonly<Record<string, string>>;
  proof?: Proof;
  refusal?: GraphQLError;
}

type Headers = Record<string, string>;

const received = (headers: Headers, body = ''): AuthRequest => ({
  requestId: 'r1',
  method: 'POST',
  url: '/graphql',
  headers,
  body: Buffer.from(body),
});

/** Who a request is of, or why it is refused and what is asked for. */
async function ask(
  auth: ReturnType<typeof open>,
  headers: Headers,
): Promise<Identity | { readonly reason: string; readonly challenge: string | undefined }> {
  const request: Asker = { id: 'r1' };
  const isAdmitted = await auth!.admit(request as unknown as IncomingRequest, received(headers));
  expect(isAdmitted).toBe(request.proof !== undefined);
  expect(isAdmitted).toBe(request.refusal === undefined);
  if (request.proof !== undefined) return request.proof.identity;
  const { message, extensions } = request.refusal!;
  const { headers: answered } = extensions['http'] as { headers?: Map<string, string> };
  return { reason: message, challenge: answered?.get('www-authenticate') };
}

const sha256 = (key: string) => createHash('sha256').update(key, 'latin1').digest('hex');

describe('API keys', () => {
  const auth = open({
    apiKeys: [
      { client: 'web', sha256: sha256('da2-web').toUpperCase(), groups: ['g'], scopes: ['s'] },
      { client: 'old', sha256: sha256('da2-old'), expires: '2020-01-01' },
      { client: 'new', sha256: sha256('da2-new'), expires: '2999-01-01T00:00:00Z' },
    ],
  });

  it('say whose they are', async () => {
    expect(await ask(auth, { 'x-api-key': 'da2-web' })).toMatchObject({
      mode: 'api-key',
      client: 'web',
      groups: ['g'],
      scopes: ['s'],
    });
    expect(await ask(auth, { 'x-api-key': 'da2-new' })).toMatchObject({ client: 'new' });
  });

  it.each([
    ['that nobody has', { 'x-api-key': 'da2-other' }, 'The API key is not known.'],
    ['that are empty', { 'x-api-key': '' }, 'The API key is not known.'],
    ['that are their own digest', { 'x-api-key': sha256('da2-web') }, 'The API key is not known.'],
    ['that have expired', { 'x-api-key': 'da2-old' }, 'The API key has expired.'],
    ['that were not sent', {}, 'The request has no credentials.'],
  ])('%s are refused', async (_, headers, reason) => {
    expect(await ask(auth, headers as Headers)).toEqual({ reason, challenge: 'ApiKey' });
  });

  it('expire at the moment that they name', async () => {
    jest.useFakeTimers({ now: Date.parse('2026-05-05T00:00:00Z') });
    const expiring = open({
      apiKeys: [{ client: 'web', sha256: sha256('k'), expires: '2026-05-05T00:00:00.001Z' }],
    });
    expect(await ask(expiring, { 'x-api-key': 'k' })).toMatchObject({ client: 'web' });
    jest.setSystemTime(Date.parse('2026-05-05T00:00:00.001Z'));
    expect(await ask(expiring, { 'x-api-key': 'k' })).toMatchObject({ reason: 'The API key has expired.' });
    jest.useRealTimers();
  });

  describe('of a request whose subscription runs, by new options', () => {
    const key = { client: 'web', sha256: sha256('da2-web'), groups: ['g'] };
    const running = async (): Promise<IncomingRequest> => {
      const headers = { 'x-api-key': 'da2-web' };
      const request = { head: received(headers) } as unknown as IncomingRequest;
      await open({ apiKeys: [{ ...key, expires: '2999-01-01' }] })!.admit(request, received(headers));
      return Object.defineProperty(request, 'identity', { get: () => request.proof!.identity });
    };
    const told = (request: IncomingRequest, apiKeys: object[]) =>
      open({ apiKeys })!.objectionTo(request)?.message;

    it('count until they expire by those', async () => {
      const request = await running();
      expect(told(request, [{ ...key, expires: '2998-01-01' }])).toBeUndefined();
      expect(request.proof?.expires).toBe(Date.parse('2998-01-01'));
      expect(told(request, [key])).toBeUndefined();
      expect(request.proof?.expires).toBeUndefined();
      expect(told(request, [{ ...key, expires: '2020-01-01' }])).toBe('The API key has expired.');
    });

    it.each([
      ['groups', { groups: [] }],
      ['scopes', { scopes: ['s'] }],
      ['names', { client: 'app' }],
    ])('do not count where they have other %s', async (_, changed) => {
      const request = await running();
      expect(told(request, [{ ...key, ...changed }])).toBe('The API key has other rights now.');
    });
  });

  it('leave a header of another mode alone where there is no other mode', async () => {
    expect(await ask(auth, { 'x-api-key': 'da2-web', authorization: 'x' })).toMatchObject({ client: 'web' });
  });
});

it('is nothing where no mode is configured', () => {
  expect(open({})).toBeUndefined();
  expect(open({ anonymous: true })).toBeUndefined();
});

describe('nobody', () => {
  const auth = open({ anonymous: true, apiKeys: [{ client: 'web', sha256: sha256('k') }] });

  it('is let in where that is allowed', async () => {
    expect(await ask(auth, {})).toBe(anonymous);
  });

  it('is who has no credentials, not who has wrong ones', async () => {
    expect(await ask(auth, { 'x-api-key': 'x' })).toMatchObject({ reason: 'The API key is not known.' });
  });
});

describe('tokens', () => {
  const now = () => Math.floor(Date.now() / 1000);
  let auth: ReturnType<typeof open>;
  let strangerKey: Key;
  let keys: Record<'a' | 'b' | 'c', Key>;
  const issuers = { a: 'https://a.example', b: 'https://b.example', c: 'https://pool.example' };

  beforeAll(async () => {
    const make = async (alg: string) => {
      const { privateKey, publicKey } = await generateKeyPair(alg);
      return { privateKey, jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] } };
    };
    const [a, b, c, stranger] = await Promise.all([
      make('ES256'),
      make('ES256'),
      make('RS256'),
      make('ES256'),
    ]);
    keys = { a: a.privateKey, b: b.privateKey, c: c.privateKey };
    strangerKey = stranger.privateKey;
    auth = open({
      oidc: [
        {
          ...{ issuer: issuers.a, jwks: a.jwks, audience: ['shop', 'app'], groupsClaim: 'realm.roles' },
          clockSkew: '10s',
        },
        {
          issuer: issuers.b,
          jwks: b.jwks,
          audience: 'shop',
          clients: ['web'],
          algorithms: ['ES256', 'ES384'],
        },
      ],
      cognito: [
        {
          ...{ userPool: 'eu-west-1_Shop', issuer: issuers.c, jwks: c.jwks, clients: ['app'] },
          tokenUse: 'any',
        },
      ],
      apiKeys: [{ client: 'web', sha256: sha256('k') }],
    });
  });

  const good = {
    a: () => ({ iss: issuers.a, aud: 'shop', sub: 'u1', exp: now() + 60 }),
    b: () => ({ iss: issuers.b, aud: 'shop', azp: 'web', sub: 'u1', exp: now() + 60 }),
    c: () => ({ iss: issuers.c, token_use: 'access', client_id: 'app', sub: 'u1', exp: now() + 60 }),
  };
  type Issuer = keyof typeof good;
  /** Claims with a time are made when the token is signed, not when the file is read. */
  type Claims = JWTPayload | (() => JWTPayload);
  const sign = (issuer: Issuer, claims: Claims = {}, header = {}, key = keys[issuer]) =>
    new SignJWT({ ...good[issuer](), ...(typeof claims === 'function' ? claims() : claims) })
      .setProtectedHeader({ alg: issuer === 'c' ? 'RS256' : 'ES256', kid: 'k1', ...header })
      .sign(key);

  it.each<[string, Issuer, Claims, object]>([
    ['of one audience', 'a', {}, { mode: 'oidc', subject: 'u1', issuer: issuers.a, client: undefined }],
    ['of several audiences, one of which is meant', 'a', { aud: ['x', 'app'] }, { subject: 'u1' }],
    [
      'with groups below another claim, and scopes as text',
      'a',
      { realm: { roles: ['x', 7, 'y'] }, scope: 'r  w ' },
      { groups: ['x', 'y'], scopes: ['r', 'w'] },
    ],
    [
      'with groups in a claim of that very name, and scopes as a list',
      'a',
      { 'realm.roles': 'x y', realm: { roles: ['z'] }, scp: ['r'] },
      { groups: ['x', 'y'], scopes: ['r'] },
    ],
    ['whose groups are nothing', 'a', { realm: null, scope: 7 }, { groups: [], scopes: [] }],
    ['whose groups are not below what is no map', 'a', { realm: 'roles' }, { groups: [] }],
    ['that expired less than the skew ago', 'a', () => ({ exp: now() - 5 }), { subject: 'u1' }],
    ['that is valid in less than the skew', 'a', () => ({ nbf: now() + 5 }), { subject: 'u1' }],
    ['of a client in azp', 'b', {}, { client: 'web' }],
    ['of a client in client_id', 'b', { azp: undefined, client_id: 'web' }, { client: 'web' }],
    ['of a client in cid', 'b', { azp: undefined, cid: 'web' }, { client: 'web' }],
    [
      'for access, of a user pool',
      'c',
      { 'cognito:groups': ['g'], scope: 'a b' },
      { mode: 'cognito', issuer: issuers.c, subject: 'u1', client: 'app', groups: ['g'], scopes: ['a', 'b'] },
    ],
    [
      'of an identity, of a user pool',
      'c',
      { token_use: 'id', client_id: undefined, aud: 'app' },
      { mode: 'cognito', client: 'app' },
    ],
  ])('%s are believed', async (_, issuer, claims, identity) => {
    const token = await sign(issuer, claims);
    const found = await ask(auth, { authorization: token });
    expect(found).toMatchObject(identity);
    for (const scheme of ['Bearer ', 'bearer  ']) {
      expect(await ask(auth, { authorization: scheme + token })).toMatchObject(identity);
    }
    // It is remembered.
    expect(await ask(auth, { authorization: token })).toBe(found);
  });

  it.each<[string, Issuer, Claims, string]>([
    ['for another audience', 'a', { aud: 'other' }, 'The token is for another audience.'],
    ['for other audiences', 'a', { aud: ['other', 'shops'] }, 'The token is for another audience.'],
    ['for no audience', 'a', { aud: undefined as never }, 'The token is for another audience.'],
    [
      'for another audience, of the right client',
      'b',
      { aud: 'other' },
      'The token is for another audience.',
    ],
    ['of another client', 'b', { azp: 'other' }, 'The token was issued to another client.'],
    [
      'of another client that names the right one in a claim that counts less',
      'b',
      { azp: 'other', client_id: 'web' },
      'The token was issued to another client.',
    ],
    ['of no client', 'b', { azp: undefined }, 'The token was issued to another client.'],
    ['of another client of the pool', 'c', { client_id: 'other' }, 'The token was issued to another client.'],
    [
      'for access that names the client as an identity does',
      'c',
      { client_id: undefined, aud: 'app' },
      'The token was issued to another client.',
    ],
    [
      'of an identity that names the client as access does',
      'c',
      { token_use: 'id' },
      'The token was issued to another client.',
    ],
    [
      'of an identity of several audiences',
      'c',
      { token_use: 'id', aud: ['app'] },
      'The token was issued to another client.',
    ],
    ['for another use', 'c', { token_use: 'refresh' }, 'The token is for another use.'],
    ['for no use', 'c', { token_use: undefined }, 'The token is for another use.'],
    ['that have expired', 'a', { exp: now() - 60 }, 'The token has expired.'],
    ['that never expire', 'a', { exp: undefined as never }, 'The token has no claim "exp".'],
    ['that are not valid yet', 'a', () => ({ nbf: now() + 60 }), 'The token is not valid yet.'],
    ['whose time is no time', 'a', { nbf: 'soon' as never }, 'The claim "nbf" of the token is wrong.'],
  ])('%s are refused', async (_, issuer, claims, reason) => {
    const token = await sign(issuer, claims);
    for (let times = 0; times < 2; times++) {
      expect(await ask(auth, { authorization: token })).toEqual({
        reason,
        challenge: 'Bearer error="invalid_token"',
      });
    }
    expect(failures).toEqual([]);
  });

  it.each<[string, () => Promise<string>, string]>([
    ['a stranger has signed', () => sign('a', {}, {}, strangerKey), 'The signature of the token is wrong.'],
    ['another issuer has signed', () => sign('a', {}, {}, keys.b), 'The signature of the token is wrong.'],
    [
      'a key has signed that is not published',
      () => sign('a', {}, { kid: 'k2' }),
      'The token is signed with a key that its issuer does not have.',
    ],
    [
      'are not signed',
      async () =>
        (await sign('a'))
          .replace(/^[^.]*/, Buffer.from('{"alg":"none"}').toString('base64url'))
          .replace(/[^.]*$/, ''),
      'The token is signed with an algorithm that is not allowed.',
    ],
    [
      'are signed with an algorithm that is not among those of the options',
      () => sign('b', {}, { alg: 'RS256' }, keys.c),
      'The token is signed with an algorithm that is not allowed.',
    ],
    ['have no header', async () => (await sign('a')).replace(/^[^.]*/, 'e30'), 'The token is malformed.'],
  ])('that %s are refused', async (_, token, reason) => {
    expect(await ask(auth, { authorization: await token() })).toMatchObject({ reason });
  });

  it.each<[string, () => string | Promise<string>]>([
    ['a token of another issuer', () => sign('a', { iss: 'https://other.example' })],
    ['a token of no issuer', () => sign('a', { iss: undefined as never })],
    ['a token whose issuer is no text', () => sign('a', { iss: 7 as never })],
    ['what is no token', () => 'Basic eDp5'],
    ['a token whose claims are no JSON', () => 'e30.eDp5.e30'],
    ['a token whose claims are null', () => `e30.${Buffer.from('null').toString('base64url')}.e30`],
    ['a token with a word before it', async () => `x ${await sign('a')}`],
    ['a token with a scheme within it', async () => (await sign('a')).replace('.', 'Bearer .')],
    ['a token with a word behind it', async () => `${await sign('a')} x`],
    ['nothing', () => ''],
  ])('%s in the header is refused, also beside an API key', async (_, token) => {
    const expected = {
      reason:
        'The authorization header is of no kind that is accepted here, or its token is of an issuer that is not trusted.',
      challenge: 'Bearer',
    };
    const authorization = await token();
    expect(await ask(auth, { authorization })).toEqual(expected);
    expect(await ask(auth, { authorization, 'x-api-key': 'k' })).toEqual(expected);
  });

  it.each([
    ['access', 'id'],
    ['id', 'access'],
  ])('of a user pool are for %s where they have to be, not for %s', async (tokenUse, other) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const pool = open({
      cognito: [
        {
          ...{ userPool: 'eu-west-1_Shop', clients: ['app'], tokenUse },
          jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] },
        },
      ],
    });
    const iss = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Shop';
    const tokenFor = (use: string) =>
      sign('c', { iss, token_use: use, aud: 'app', client_id: 'app' }, {}, privateKey);
    expect(await ask(pool, { authorization: await tokenFor(tokenUse) })).toMatchObject({ issuer: iss });
    expect(await ask(pool, { authorization: await tokenFor(other) })).toMatchObject({
      reason: 'The token is for another use.',
    });
  });

  it('are asked for where there are no credentials, each way once', async () => {
    expect(await ask(auth, {})).toEqual({
      reason: 'The request has no credentials.',
      challenge: 'Bearer, ApiKey',
    });
    expect(await ask(auth, { 'x-api-key': 'k' })).toMatchObject({ mode: 'api-key', client: 'web' });
  });

  it('are verified again when they expire, and every five minutes', async () => {
    jest.useFakeTimers({ doNotFake: ['performance', 'nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const short = await sign('a', { exp: now() + 60 });
      const long = await sign('a', { exp: now() + 3600 });
      const [first, second] = [
        await ask(auth, { authorization: short }),
        await ask(auth, { authorization: long }),
      ];
      jest.setSystemTime(Date.now() + 69_000);
      expect(await ask(auth, { authorization: short })).toBe(first);
      jest.setSystemTime(Date.now() + 2_000);
      expect(await ask(auth, { authorization: short })).toMatchObject({ reason: 'The token has expired.' });
      expect(await ask(auth, { authorization: long })).toBe(second);
      jest.setSystemTime(Date.now() + 5 * 60_000);
      const again = await ask(auth, { authorization: long });
      expect(again).toEqual(second);
      expect(again).not.toBe(second);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('a request', () => {
  const auth = open({ apiKeys: [{ client: 'web', sha256: sha256('k') }] })!;

  it('is looked at once', async () => {
    const request: Asker = { id: 'r1' };
    expect(await auth.admit(request as never, received({ 'x-api-key': 'k' }))).toBe(true);
    expect(await auth.admit(request as never, received({}))).toBe(true);
    const other: Asker = { id: 'r2' };
    expect(await auth.admit(other as never, received({}))).toBe(false);
    const { refusal } = other;
    expect(await auth.admit(other as never, received({ 'x-api-key': 'k' }))).toBe(false);
    expect(other.refusal).toBe(refusal);
  });

  it('is refused by its headers where they suffice', async () => {
    expect(await auth.admitByHeaders({ id: 'r1' } as never, received({ 'x-api-key': 'k' }))).toBe(true);
    expect(await auth.admitByHeaders({ id: 'r1' } as never, received({ 'x-api-key': 'x' }))).toBe(false);
    expect(await auth.admitByHeaders({ id: 'r1' } as never, received({}))).toBe(false);
  });

  it('is let go on until its body is there, where that is needed', async () => {
    const asked = jest.fn(() => ({ isAuthorized: false }));
    const needing = open({ lambda: { module: asked } })!;
    const request: Asker = { id: 'r1' };
    expect(await needing.admitByHeaders(request as never, received({ authorization: 'x' }))).toBe(true);
    expect([request, asked.mock.calls]).toEqual([{ id: 'r1' }, []]);
    expect(await needing.admit(request as never, received({ authorization: 'x' }, '{}'))).toBe(false);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('is refused where authentication fails for a reason of its own, which is logged and not told', async () => {
    const failing = open({ apiKeys: [{ client: 'web', sha256: sha256('k') }] });
    const request: Asker = { id: 'r7', tracing: { 'x-request-id': 'r7' } };
    const broken = {
      ...received({}),
      headers: new Proxy(
        {},
        {
          get: () => {
            throw new Error('secret');
          },
        },
      ),
    };
    expect(await failing!.admit(request as never, broken)).toBe(false);
    expect(request.refusal!.message).not.toContain('secret');
    expect(request.refusal!.extensions['code']).toBe('INTERNAL_SERVER_ERROR');
    expect(failures).toEqual([{ err: new Error('secret'), requestId: 'r7' }]);
  });
});
