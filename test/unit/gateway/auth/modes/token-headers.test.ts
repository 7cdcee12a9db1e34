/** gateway/auth/modes/tokens.ts and gateway/auth/authentication.ts: tokens in a header of their own, and their prefix. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLError } from 'graphql';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createAuthentication } from '../../../../../gateway/auth/authentication';
import { UsedSignatures } from '../../../../../gateway/net/used-signatures';
import { type OptionsInput, parseOptions } from '../../../../../gateway/options';
import type { IncomingRequest } from '../../../../../gateway/request/incoming-request';
import { inSeconds } from '../../../../support/token-issuer';

const [shop, partner] = ['https://shop.example', 'https://partner.example'];

let jwks: { keys: { kty: string; kid: string }[] };
let tokenOf: (iss: string) => Promise<string>;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'RSA', kid: 'k1' }] };
  tokenOf = (iss) =>
    new SignJWT({ iss, aud: 'shop', sub: `user of ${iss}`, exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .sign(privateKey);
});

/** The caller, or why it is refused. */
function openWith(
  issuers: readonly { readonly issuer: string; readonly header?: string; readonly prefix?: string }[],
  more: OptionsInput['auth'] = {},
) {
  const oidc = issuers.map((each) => ({ audience: 'shop', jwks, ...each }));
  const auth = createAuthentication({
    options: parseOptions({ auth: { oidc, ...more } }).auth,
    usedSignatures: new UsedSignatures(),
    logger: { error: () => undefined } as never,
  })!;
  return async (headers: IncomingHttpHeaders) => {
    const request = {} as { proof?: IncomingRequest['proof']; refusal?: GraphQLError; refusedBy?: string };
    await auth.admit(request as unknown as IncomingRequest, {
      ...{ requestId: 'r1', method: 'POST', url: '/graphql', body: Buffer.alloc(0) },
      headers,
    });
    const { proof, refusal } = request;
    if (proof !== undefined) return proof.identity.subject ?? proof.identity.mode;
    expect([refusal!.extensions['code'], request.refusedBy]).toEqual(['UNAUTHENTICATED', 'none']);
    return refusal!.message;
  };
}

const unknown = (header: string) => `The ${header} header is of no kind that is accepted here`;

describe('a header of tokens', () => {
  it('has those of its issuers, and `authorization` has none of them', async () => {
    const ask = openWith([{ issuer: shop, header: 'X-Jwt' }, { issuer: partner }]);
    const [ours, theirs] = [await tokenOf(shop), await tokenOf(partner)];
    for (let i = 0; i < 2; i++) {
      expect(await ask({ 'x-jwt': `Bearer ${ours}` })).toBe(`user of ${shop}`);
      expect(await ask({ authorization: `Bearer ${theirs}` })).toBe(`user of ${partner}`);
      expect(await ask({ authorization: `Bearer ${ours}` })).toMatch(unknown('authorization'));
      expect(await ask({ 'x-jwt': `Bearer ${theirs}` })).toMatch(unknown('x-jwt'));
    }
    expect(await ask({})).toBe('The request has no credentials.');
  });

  it('has whatever is no token refused, and two tokens that were joined', async () => {
    const ask = openWith([{ issuer: shop, header: 'x-jwt' }], { anonymous: true });
    const token = await tokenOf(shop);
    for (const value of ['', 'Bearer', 'u1', `${token}, ${token}`, `Basic ${token}`])
      expect(await ask({ 'x-jwt': value })).toMatch(unknown('x-jwt'));
  });

  it('is not looked at beside another: a request with both is refused', async () => {
    const ask = openWith([{ issuer: shop, header: 'x-jwt' }, { issuer: partner }]);
    const both = { 'x-jwt': await tokenOf(shop), authorization: await tokenOf(partner) };
    const reason = 'The request has credentials in more than one of these headers: x-jwt, authorization.';
    expect(await ask(both)).toBe(reason);
    expect(await ask({ ...both, authorization: 'AWS4-HMAC-SHA256 a' })).toBe(reason);
  });

  it('is refused beside a signature, and decides where there is an API key, too', async () => {
    const sha256 = createHash('sha256').update('key').digest('hex');
    const keys = [{ accessKeyId: 'AKID', secretAccessKey: 'secret' }];
    const ask = openWith([{ issuer: shop, header: 'x-jwt' }], {
      iam: { keys },
      apiKeys: [{ client: 'web', sha256 }],
    });
    const token = await tokenOf(shop);
    expect(await ask({ 'x-jwt': token, authorization: 'AWS4-HMAC-SHA256 a' })).toMatch(/more than one/);
    expect(await ask({ 'x-jwt': token, 'x-api-key': 'key' })).toBe(`user of ${shop}`);
    expect(await ask({ 'x-jwt': 'u1', 'x-api-key': 'key' })).toMatch(unknown('x-jwt'));
    expect(await ask({ 'x-api-key': 'key' })).toBe('api-key');
  });

  it('leaves `authorization` alone where no mode has it', async () => {
    const ask = openWith([{ issuer: shop, header: 'x-jwt' }]);
    expect(await ask({ authorization: 'Basic YTpi', 'x-jwt': await tokenOf(shop) })).toBe(`user of ${shop}`);
    expect(await ask({ authorization: 'Basic YTpi' })).toBe('The request has no credentials.');
  });
});

describe('the prefix of a token', () => {
  it.each([
    ['Bearer', ['', 'Bearer ', 'bearer  ', 'BEARER '], ['Token ', 'Bearer Bearer ']],
    ['Token', ['', 'Token ', 'token '], ['Bearer ', 'My Token ']],
    ['', [''], ['Bearer ', 'Token ']],
  ])('is %j, or there is none', async (prefix, accepted, refused) => {
    const ask = openWith([{ issuer: shop, prefix }]);
    const token = await tokenOf(shop);
    for (const each of accepted)
      expect([each, await ask({ authorization: `${each}${token}` })]).toEqual([each, `user of ${shop}`]);
    for (const each of refused)
      expect([each, await ask({ authorization: `${each}${token}` })]).toEqual([
        each,
        expect.stringMatching(unknown('authorization')),
      ]);
  });

  it('is that of its issuer, where several have one header', async () => {
    const ask = openWith([
      { issuer: shop, header: 'x-jwt', prefix: 'Shop' },
      { issuer: partner, header: 'x-jwt', prefix: 'Partner' },
    ]);
    expect(await ask({ 'x-jwt': `Shop ${await tokenOf(shop)}` })).toBe(`user of ${shop}`);
    expect(await ask({ 'x-jwt': `Partner ${await tokenOf(partner)}` })).toBe(`user of ${partner}`);
    expect(await ask({ 'x-jwt': `Partner ${await tokenOf(shop)}` })).toMatch(unknown('x-jwt'));
  });
});
