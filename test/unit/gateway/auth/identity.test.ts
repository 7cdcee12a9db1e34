import { anonymous, createIdentity, type IdentityFacts, isSignedIn } from '../../../../gateway/auth/identity';

const facts: IdentityFacts = {
  mode: 'oidc',
  issuer: 'https://issuer.example',
  subject: 'u1',
  client: 'web',
  groups: ['staff', 'readers'],
  scopes: ['orders:read'],
  claims: { sub: 'u1', tenant: { id: 't1' }, iat: 1, exp: 2, jti: 'a' },
};

it('cannot be changed, in no part', () => {
  'use strict';
  const identity = createIdentity(facts) as unknown as { groups: string[]; claims: { tenant: object } };
  expect(() => identity.groups.push('admins')).toThrow(TypeError);
  expect(() => Object.assign(identity.claims.tenant, { id: 't2' })).toThrow(TypeError);
  expect(() => Object.assign(identity, { mode: 'iam' })).toThrow(TypeError);
});

it('keeps its scope when a token is renewed, and when groups come in another order', () => {
  const renewed = { ...facts, claims: { exp: 9, sub: 'u1', tenant: { id: 't1' }, iat: 8, jti: 'b' } };
  const reordered = { ...facts, groups: ['readers', 'staff'] };
  expect(createIdentity(renewed).scope).toBe(createIdentity(facts).scope);
  expect(createIdentity(reordered).scope).toBe(createIdentity(facts).scope);
});

it.each<[string, Partial<IdentityFacts>, 'same principal' | 'another principal']>([
  ['the subject', { subject: 'u2' }, 'another principal'],
  ['the issuer', { issuer: 'https://other.example' }, 'another principal'],
  ['the mode', { mode: 'cognito' }, 'another principal'],
  ['the client', { client: 'mobile' }, 'same principal'],
  ['a group', { groups: ['staff'] }, 'same principal'],
  ['a scope', { scopes: [] }, 'same principal'],
  ['a scope that is named as a group is', { groups: ['readers'], scopes: ['staff'] }, 'same principal'],
  ['a claim', { claims: { tenant: { id: 't2' } } }, 'same principal'],
  ['a denied field', { deniedFields: ['User.email'] }, 'same principal'],
])('has another scope where %s differs', (_, other, expected) => {
  const one = createIdentity(facts);
  const two = createIdentity({ ...facts, ...other });
  expect(two.scope).not.toBe(one.scope);
  expect(two.principal === one.principal ? 'same principal' : 'another principal').toBe(expected);
});

it('tells callers apart of whom nothing is known but that they differ', () => {
  const [one, two] = ['a', 'b'].map((distinction) => createIdentity({ mode: 'lambda', distinction }));
  expect(one!.scope).not.toBe(two!.scope);
  expect(one!.principal).not.toBe(two!.principal);
});

it('is nobody without a scope', () => {
  expect(anonymous).toEqual({
    ...{ mode: 'none', scope: '', principal: '', subject: undefined, issuer: undefined, client: undefined },
    ...{ groups: [], scopes: [], claims: {}, deniedFields: [] },
  });
  expect(Object.isFrozen(anonymous.claims)).toBe(true);
});

it.each([
  ['none', false],
  ['api-key', false],
  ['iam', true],
  ['oidc', true],
  ['cognito', true],
  ['lambda', true],
] as const)('of mode %s is of somebody who is signed in: %s', (mode, expected) => {
  expect(isSignedIn({ mode })).toBe(expected);
});

it('keeps its scope when claims come in another order', () => {
  const claims = { sub: 'u1', tenant: { id: 't1' }, aud: 'shop', zone: 1 };
  const scopes = [Object.entries(claims), Object.entries(claims).reverse()].map(
    (entries) => createIdentity({ ...facts, claims: Object.fromEntries(entries) }).scope,
  );
  expect(scopes[0]).toBe(scopes[1]);
});

it('has nothing that is not said of it', () => {
  expect(createIdentity({ mode: 'iam' })).toMatchObject({
    ...{ groups: [], scopes: [], claims: {}, deniedFields: [] },
    ...{ subject: undefined, issuer: undefined, client: undefined },
  });
});
