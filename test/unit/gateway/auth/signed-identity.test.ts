import { anonymous, createIdentity } from '../../../../gateway/auth/identity';
import { compileSignedIdentity } from '../../../../gateway/auth/signed-identity';

const keys = ['the-secret-of-gateway-and-subgraphs'];
const read = (header: string | undefined): unknown =>
  header && JSON.parse(Buffer.from(header, 'base64url').toString());

const ada = createIdentity({
  mode: 'oidc',
  subject: 'u1',
  issuer: 'https://id.example',
  client: 'web',
  groups: ['staff'],
  scopes: ['orders:read'],
  claims: { sub: 'u1', tenant: { id: 't1' }, email: 'ada@example.com', none: undefined },
});

describe('what subgraphs are told of a caller', () => {
  it('is all that is known but the claims, in base64url', () => {
    const header = compileSignedIdentity({ keys, keysFile: undefined, claims: [] })(ada);
    expect(read(header)).toEqual({
      mode: 'oidc',
      sub: 'u1',
      iss: 'https://id.example',
      client: 'web',
      groups: ['staff'],
      scopes: ['orders:read'],
    });
    expect(header).toMatch(/^[\w-]+$/);
  });

  it('leaves out what is not known', () => {
    const sign = compileSignedIdentity({ keys, keysFile: undefined, claims: ['tenant'] });
    expect(read(sign(createIdentity({ mode: 'api-key', client: 'web' })))).toEqual({
      mode: 'api-key',
      client: 'web',
    });
    expect(read(sign(createIdentity({ mode: 'lambda', subject: 'u2' })))).toEqual({
      mode: 'lambda',
      sub: 'u2',
    });
  });

  it('has the claims that the options name, as far as the caller has them', () => {
    const claims = ['tenant', 'phone', 'toString', '__proto__'];
    const sign = compileSignedIdentity({ keys, keysFile: undefined, claims });
    expect(read(sign(ada))).toMatchObject({ claims: { tenant: { id: 't1' } } });
    expect(Object.keys((read(sign(ada)) as { claims: object }).claims)).toEqual(['tenant']);
  });

  it('is nothing for nobody', () => {
    expect(compileSignedIdentity({ keys, keysFile: undefined, claims: [] })(anonymous)).toBeUndefined();
  });

  it('is nothing without private links, and needs keys or their file', () => {
    expect(compileSignedIdentity({ keys: undefined, keysFile: undefined, claims: [] })(ada)).toBeUndefined();
    const byFile = compileSignedIdentity({ keys: undefined, keysFile: 'keys', claims: [] });
    expect(read(byFile(ada))).toMatchObject({ sub: 'u1' });
  });

  it('is worked out once for each caller', () => {
    const sign = compileSignedIdentity({ keys, keysFile: undefined, claims: [] });
    const stringify = jest.spyOn(JSON, 'stringify');
    expect(sign(ada)).toBe(sign(ada));
    expect(stringify).toHaveBeenCalledTimes(1);
    stringify.mockRestore();
  });
});
