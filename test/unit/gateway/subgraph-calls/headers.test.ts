import { compileHeaderRules, scopeOf } from '../../../../gateway/subgraph-calls/headers';

describe('header rules', () => {
  it('pass on nothing by default', () => {
    expect(compileHeaderRules({})({ authorization: 'Bearer u1', cookie: 'a=1' })).toEqual({});
  });

  it('pass on what is listed, under another name where one is given', () => {
    const choose = compileHeaderRules({
      forward: ['Authorization', 'x-missing'],
      rename: { 'X-Tenant': 'X-Customer' },
    });
    expect(choose({ authorization: 'Bearer u1', 'x-tenant': 't1', 'x-other': 'a' })).toEqual({
      authorization: 'Bearer u1',
      'x-customer': 't1',
    });
  });

  it('set headers whatever the client sent', () => {
    const choose = compileHeaderRules({ forward: ['x-role'], set: { 'X-Role': 'reader' } });
    expect(choose({ 'x-role': 'admin' })).toEqual({ 'x-role': 'reader' });
    expect(choose({})).toEqual({ 'x-role': 'reader' });
  });

  it('join what occurs more than once', () => {
    const choose = compileHeaderRules({ forward: ['x-list', 'cookie'] });
    expect(choose({ 'x-list': ['a', 'b'] })).toEqual({ 'x-list': 'a, b' });
    expect(choose({ cookie: ['a=1', 'b=2'] as never })).toEqual({ cookie: 'a=1; b=2' });
  });

  it('leave out what the client names in its Connection header', () => {
    const choose = compileHeaderRules({ forward: ['authorization', 'x-trace'] });
    expect(choose({ authorization: 'a', 'x-trace': 'b', connection: 'keep-alive, X-Trace' })).toEqual({
      authorization: 'a',
    });
  });

  it.each(['a\r\nx-admin: 1', 'a\nb', 'a\0', 'Ω'])(
    'leave out a value that could not be sent: %j',
    (value) => {
      expect(compileHeaderRules({ forward: ['x-a'] })({ 'x-a': value })).toEqual({});
    },
  );

  it.each([
    'Connection',
    'host',
    'Transfer-Encoding',
    'te',
    'Upgrade',
    'content-length',
    'Content-Type',
    'Keep-Alive',
  ])('are refused for %s', (name) => {
    const refusal = `The header "${name}" must not be forwarded`;
    expect(() => compileHeaderRules({ forward: [name] })).toThrow(refusal);
    expect(() => compileHeaderRules({ rename: { [name]: 'x-a' } })).toThrow(refusal);
    expect(() => compileHeaderRules({ rename: { 'x-a': name } })).toThrow(refusal);
    expect(() => compileHeaderRules({ set: { [name]: 'a' } })).toThrow(refusal);
  });

  it.each(['', 'x y', 'x:y', 'ä', '__proto__'])('are refused for the name %j', (name) => {
    expect(() => compileHeaderRules({ forward: [name] })).toThrow(
      "A header's name must be a token, but got: ",
    );
  });

  it('are refused for a value with a line break', () => {
    expect(() => compileHeaderRules({ set: { 'x-a': 'a\r\nb: c' } })).toThrow(
      'The value of the header "x-a" must be printable, but got: "a\\r\\nb: c"',
    );
  });
});

describe('the scope of headers', () => {
  it('is equal for equal headers, whatever their order', () => {
    expect(scopeOf({ a: '1', b: '2' })).toBe(scopeOf({ b: '2', a: '1' }));
    expect(scopeOf({})).toBe('');
  });

  it('differs for headers that differ', () => {
    const scopes = [
      {},
      { a: '' },
      { a: '1' },
      { a: '1', b: '' },
      { a: 'b:1' },
      { a: '1', b: '1' },
      { 'a-b': '1' },
    ].map((headers) => scopeOf(headers));
    scopes.push(scopeOf({}, 'e30'), scopeOf({ a: '1' }, 'e30'));
    expect(new Set(scopes).size).toBe(scopes.length);
  });
});
