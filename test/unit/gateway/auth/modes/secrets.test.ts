/** gateway/auth/modes/oidc.ts and key-set.ts: issuers that sign with a secret, and those whose tokens have no audience. */
import { createHmac } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { createAuthentication } from '../../../../../gateway/auth/authentication';
import { UsedSignatures } from '../../../../../gateway/net/used-signatures';
import { type OptionsInput, parseOptions } from '../../../../../gateway/options';
import type { IncomingRequest } from '../../../../../gateway/request/incoming-request';

const issuer = 'https://login.example';
const secret = 'a secret of thirty-two bytes, or more: '.repeat(2);
const later = () => Math.floor(Date.now() / 1000) + 60;
const warned: unknown[] = [];
const logger = { error: () => undefined, warn: (facts: unknown) => warned.push(facts) } as never;
type Oidc = NonNullable<NonNullable<OptionsInput['auth']>['oidc']>;

function openWith(...oidc: Oidc) {
  const options = parseOptions({ supergraph: 'supergraph.graphql', auth: { oidc } }).auth;
  const auth = createAuthentication({ options, usedSignatures: new UsedSignatures(), logger })!;
  return async (token: string): Promise<string> => {
    const request = {} as { proof?: IncomingRequest['proof']; refusal?: GraphQLError };
    await auth.admit(request as unknown as IncomingRequest, {
      ...{ requestId: 'r1', method: 'POST', url: '/graphql', body: Buffer.alloc(0) },
      headers: { authorization: `Bearer ${token}` },
    });
    return request.proof?.identity.subject ?? request.refusal!.message;
  };
}

const claims = { iss: issuer, sub: 'u1', aud: 'shop' };

function hmacToken(alg: string, key: string | Buffer, more: object = {}): string {
  const encoded = [
    { alg, typ: 'JWT' },
    { ...claims, exp: later(), ...more },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const text = encoded.join('.');
  return `${text}.${createHmac(`sha${alg.slice(2)}`, key)
    .update(text)
    .digest('base64url')}`;
}

describe('an issuer with a secret', () => {
  it('signs by HS256, or by the algorithms that are listed', async () => {
    const ask = openWith({ issuer, audience: 'shop', secret });
    expect(await ask(hmacToken('HS256', secret))).toBe('u1');
    expect(await ask(hmacToken('HS512', secret))).toMatch(/algorithm that is not allowed/);
    expect(await ask(hmacToken('HS256', `${secret}.`))).toBe('The signature of the token is wrong.');
    expect(await ask(hmacToken('HS256', secret, { exp: 1 }))).toBe('The token has expired.');
    const longer = openWith({ issuer, audience: 'shop', secret, algorithms: ['HS384', 'HS512'] });
    expect(await longer(hmacToken('HS384', secret))).toBe('u1');
    expect(await longer(hmacToken('HS512', secret))).toBe('u1');
    expect(await longer(hmacToken('HS256', secret))).toMatch(/algorithm that is not allowed/);
  });

  it('has no public keys: tokens that are signed with one, or with none, are refused', async () => {
    const ask = openWith({ issuer, audience: 'shop', secret });
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const header of [{ alg: 'RS256' }, { alg: 'RS256', jwk }])
      expect(
        await ask(await new SignJWT({ ...claims, exp: later() }).setProtectedHeader(header).sign(privateKey)),
      ).toMatch(/algorithm that is not allowed/);
    const [, payload] = hmacToken('HS256', secret).split('.');
    for (const alg of ['none', 'nOnE', 'hs256']) {
      const head = Buffer.from(JSON.stringify({ alg })).toString('base64url');
      expect(await ask(`${head}.${payload}.`)).not.toBe('u1');
    }
  });
});

it('a public key is never a secret: tokens that are signed by HMAC with it are refused', async () => {
  const { publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kty: 'RSA', kid: 'k1' };
  const ask = openWith(
    { issuer, audience: 'shop', jwks: { keys: [jwk] } },
    { issuer: 'https://other.example', audience: 'shop', secret },
  );
  const pem = await exportSPKI(publicKey);
  for (const key of [pem, pem.trim(), JSON.stringify(jwk), Buffer.from(jwk.n!, 'base64url')])
    for (const alg of ['HS256', 'HS512'])
      expect(await ask(hmacToken(alg, key))).toMatch(/algorithm that is not allowed/);
  // Nor is the secret of another issuer.
  expect(await ask(hmacToken('HS256', secret))).toMatch(/algorithm that is not allowed/);
  expect(await ask(hmacToken('HS256', secret, { iss: 'https://other.example' }))).toBe('u1');
});

describe('an issuer that writes no audience', () => {
  const without = { aud: undefined };
  const other = 'The token is for another audience.';

  it('is accepted where the options say so, with a warning', async () => {
    expect(await openWith({ issuer, audience: 'shop', secret })(hmacToken('HS256', secret, without))).toBe(
      other,
    );
    expect(warned).toEqual([]);
    const ask = openWith({ issuer, withoutAudience: true, secret });
    expect(warned).toEqual([{ issuer }]);
    expect(await ask(hmacToken('HS256', secret, without))).toBe('u1');
    // A token for another application has its audience.
    for (const aud of ['shop', 'bank', [], ['bank'], ''])
      expect(await ask(hmacToken('HS256', secret, { aud }))).toBe(other);
    expect(await ask(hmacToken('HS256', secret, { aud: null }))).toBe(
      'The claim "aud" of the token is wrong.',
    );
  });

  it('may have tokens with one, and tokens of some clients only', async () => {
    const both = openWith({ issuer, audience: 'shop', withoutAudience: true, secret });
    expect(await both(hmacToken('HS256', secret))).toBe('u1');
    expect(await both(hmacToken('HS256', secret, { aud: ['bank'] }))).toBe(other);
    warned.length = 0;
    const ask = openWith({ issuer, clients: 'web', withoutAudience: true, secret });
    expect(warned).toEqual([]);
    expect(await ask(hmacToken('HS256', secret, { ...without, azp: 'web' }))).toBe('u1');
    expect(await ask(hmacToken('HS256', secret, { ...without, azp: 'app' }))).toMatch(/another client/);
    expect(await ask(hmacToken('HS256', secret, { azp: 'web' }))).toBe(other);
    const clientsAlone = openWith({ issuer, clients: 'web', secret });
    for (const more of [{}, without])
      expect(await clientsAlone(hmacToken('HS256', secret, { ...more, azp: 'web' }))).toBe('u1');
  });
});

it.each<[Partial<Oidc[number]>, string]>([
  [{ secret: 's'.repeat(31) }, '`auth.oidc.0.secret` must be a secret of at least 32 bytes.'],
  [{ secret: Buffer.alloc(32, 0xfe).toString() }, 'must be text in UTF-8, such as the secret in base64.'],
  [{ secret: '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhki' }, 'must be a secret, and no key in PEM or JSON.'],
  [
    { secret: '{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN"}' },
    'must be a secret, and no key in PEM or JSON.',
  ],
  [{ secret, jwks: 'https://login.example/keys' }, 'must have `secret` or `jwks`, not both'],
  [{ secret, algorithms: ['HS256', 'RS256'] }, 'must have HS256, HS384 or HS512 in `algorithms`'],
  [{ algorithms: ['HS256'] }, 'must have HS256, HS384 or HS512 in `algorithms`'],
  [{ secret: 's'.repeat(47), algorithms: ['HS384'] }, 'at least 48 bytes for HS384'],
  [{ secret: 's'.repeat(63), algorithms: ['HS512'] }, 'of 64 bytes for HS512'],
])('%j is refused, and no secret is in the sentence', (more, sentence) => {
  const open = () => openWith({ issuer, audience: 'shop', ...more });
  expect(open).toThrow(sentence);
  expect(open).not.toThrow(/ssss|thirty-two|MIIB|0vx7/);
});

it('an issuer with a secret that has public keys elsewhere in the list is refused', () => {
  const twice = [
    { issuer, audience: 'shop' },
    { issuer, audience: 'other', secret },
  ];
  expect(() => openWith(...twice)).toThrow('must have an issuer only once for a header');
});
