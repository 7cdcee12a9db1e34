import {
  developmentAuthenticate,
  hasScope,
  linkAuthenticate,
  requireIdentity,
  type SignedCaller,
} from '../../../../kit';

const signed: SignedCaller = { mode: 'oidc', sub: 'u1', groups: ['shop'], scopes: ['orders:read'] };
const told = (authorization?: string) => ({ ...(authorization !== undefined && { authorization }) });

describe('whoever believes the private link', () => {
  it('knows the user that the gateway has signed, with groups and scopes', () => {
    expect(linkAuthenticate({}, signed)).toEqual({ id: 'u1', groups: ['shop'], scopes: ['orders:read'] });
    expect(linkAuthenticate({}, { mode: 'oidc', sub: 'u2' })).toEqual({ id: 'u2', groups: [], scopes: [] });
  });

  it('knows nobody where there is no user, whatever the request says', () => {
    expect(linkAuthenticate(told('Bearer u1'), null)).toBeNull();
    expect(linkAuthenticate(told('Bearer u1'), { mode: 'api-key', client: 'web' })).toBeNull();
  });
});

describe('the stand-in for development', () => {
  it.each(['Bearer u1', 'bearer u1'])('believes %s', (authorization) => {
    expect(developmentAuthenticate(told(authorization), null)).toEqual({ id: 'u1' });
  });

  it.each([
    undefined,
    '',
    'u1',
    'Basic u1',
    'Bearer ',
    'Bearer u 1',
    'Bearer é',
    ' Bearer u1',
    'Bearer u1 ',
    `Bearer ${'x'.repeat(65)}`,
  ])('knows nobody by %j', (authorization) => {
    expect(developmentAuthenticate(told(authorization), null)).toBeNull();
  });

  it('believes the gateway rather than the request', () => {
    expect(developmentAuthenticate(told('Bearer u2'), signed)).toMatchObject({ id: 'u1' });
    expect(developmentAuthenticate(told('Bearer u2'), { mode: 'api-key', client: 'web' })).toBeNull();
  });
});

describe('a scope', () => {
  it('is had by those who have it, and nobody has one that is not named', () => {
    const identity = { id: 'u1', scopes: ['a'] };
    expect(hasScope(identity, 'a')).toBe(true);
    expect(hasScope(identity, 'b')).toBe(false);
    expect(hasScope(identity, undefined)).toBe(false);
    expect(hasScope({ id: 'u1' }, 'a')).toBe(false);
    expect(hasScope(null, 'a')).toBe(false);
  });
});

describe('an identity that is required', () => {
  it('is the caller, or the error that tells them to sign in', () => {
    const identity = { id: 'u1' };
    expect(requireIdentity(identity)).toBe(identity);
    expect(() => requireIdentity(null)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
  });
});
