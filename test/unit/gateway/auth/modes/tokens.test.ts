/** Claims of other types than their specifications say. Which values are believed: authentication.test.ts. */
import fc from 'fast-check';
import type { GraphQLError } from 'graphql';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createAuthentication } from '../../../../../gateway/auth/authentication';
import { UsedSignatures } from '../../../../../gateway/net/used-signatures';
import type { IncomingRequest } from '../../../../../gateway/request/incoming-request';
import { parseOptions } from '../../../../../gateway/options';

const oidc = 'https://login.example';
const pool = 'https://pool.example';
const later = Math.floor(Date.now() / 1000) + 3600;
const logged: unknown[] = [];

let tokenOf: (claims: object) => Promise<string>;
let auth: NonNullable<ReturnType<typeof createAuthentication>>;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] };
  tokenOf = (claims) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(privateKey);
  const modes: object = {
    oidc: [{ issuer: oidc, jwks, audience: 'shop', clients: ['web'] }],
    cognito: [{ userPool: 'eu-west-1_Shop', issuer: pool, jwks, clients: ['web'], tokenUse: 'any' }],
  };
  auth = createAuthentication({
    options: parseOptions({ auth: modes }).auth,
    usedSignatures: new UsedSignatures(),
    logger: { error: (facts: unknown) => logged.push(facts) } as never,
  })!;
});

const goodClaims = {
  oidc: { iss: oidc, aud: 'shop', azp: 'web', sub: 'u1', exp: later },
  access: { iss: pool, token_use: 'access', client_id: 'web', sub: 'u1', exp: later },
  id: { iss: pool, token_use: 'id', aud: 'web', sub: 'u1', exp: later },
};
type Kind = keyof typeof goodClaims;

/** What becomes of a request with a token: its caller, or the code of its refusal and why. */
async function ask(kind: Kind, claims: object) {
  const authorization = await tokenOf({ ...goodClaims[kind], ...claims });
  const request = {} as { proof?: IncomingRequest['proof']; refusal?: GraphQLError };
  await auth.admit(request as unknown as IncomingRequest, {
    ...{ requestId: 'r1', method: 'POST', url: '/graphql', body: Buffer.alloc(0) },
    headers: { authorization },
  });
  const { proof, refusal } = request;
  return { identity: proof?.identity, code: refusal?.extensions['code'], reason: refusal?.message };
}

const wrong = { oidc: [7, null, { a: 1 }, ['u1'], true], aud: [7, null, { a: 1 }, ['shop', 7], [['shop']]] };

it.each<[Kind, string, readonly unknown[]]>([
  ['oidc', 'aud', wrong.aud],
  ['oidc', 'sub', wrong.oidc],
  ['oidc', 'jti', wrong.oidc],
  ['oidc', 'iat', ['soon', null, {}, []]],
  ['oidc', 'nbf', ['soon', null, {}, []]],
  ['oidc', 'exp', ['soon', null, {}, []]],
  ['oidc', 'azp', wrong.oidc],
  ['oidc', 'client_id', wrong.oidc],
  ['access', 'sub', wrong.oidc],
  ['access', 'client_id', wrong.oidc],
  ['access', 'aud', wrong.aud],
  ['id', 'sub', wrong.oidc],
  ['id', 'aud', wrong.aud],
])('a token (%s) whose "%s" has another type is refused', async (kind, claim, values) => {
  for (const value of values) {
    const { code, reason } = await ask(kind, { [claim]: value });
    expect([value, code, reason]).toEqual([
      value,
      'UNAUTHENTICATED',
      `The claim "${claim}" of the token is wrong.`,
    ]);
  }
  expect(logged).toEqual([]);
});

it('whatever JSON a claim is, its token is refused with 401, or its caller has text where text belongs', async () => {
  const claims = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'azp', 'client_id', 'cid', 'scope', 'scp'];
  claims.push('token_use', 'cognito:groups', 'cognito:username', 'groups');
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Kind>('oidc', 'access', 'id'),
      fc.dictionary(fc.constantFrom(...claims), fc.jsonValue(), { minKeys: 1, maxKeys: 3 }),
      async (kind, changed) => {
        const { identity, code } = await ask(kind, changed);
        if (identity === undefined) return code === 'UNAUTHENTICATED';
        const { subject, client, groups, scopes } = identity;
        return [subject, client, ...groups, ...scopes].every(isText);
      },
    ),
    { numRuns: 150 },
  );
  expect(logged).toEqual([]);
});
