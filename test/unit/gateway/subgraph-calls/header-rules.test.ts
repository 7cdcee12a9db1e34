import {
  addedHeader,
  compileHeaderRules,
  flattenHeaderRules,
  scopeOf,
} from '../../../../gateway/subgraph-calls/header-rules';

describe('header rules', () => {
  it('forward nothing by default', () => {
    expect(compileHeaderRules({})({ authorization: 'Bearer u1', cookie: 'a=1' })).toEqual({});
  });

  it('forward listed headers, renamed if a name is given', () => {
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

  it('join the values of repeated headers', () => {
    const choose = compileHeaderRules({ forward: ['x-list', 'cookie'] });
    expect(choose({ 'x-list': ['a', 'b'] })).toEqual({ 'x-list': 'a, b' });
    expect(choose({ cookie: ['a=1', 'b=2'] as never })).toEqual({ cookie: 'a=1; b=2' });
  });

  it('drop headers that the client names in Connection', () => {
    const choose = compileHeaderRules({ forward: ['authorization', 'x-trace'] });
    expect(choose({ authorization: 'a', 'x-trace': 'b', connection: 'keep-alive, X-Trace' })).toEqual({
      authorization: 'a',
    });
  });

  it('forward headers that match a pattern, except those of connection, body and gateway', () => {
    const choose = compileHeaderRules({ forward: ['X-*', '*-language'] });
    const own = { 'x-request-id': '1', 'x-request-timeout': '1', ':x-path': '/', 'content-language': 'de' };
    expect(choose({ 'x-a': '1', 'x-b-c': ['2', '3'], 'accept-language': 'de', other: '4', ...own })).toEqual({
      'x-a': '1',
      'x-b-c': '2, 3',
      'accept-language': 'de',
    });
    const all = compileHeaderRules({ forward: ['*'] });
    const never = ['host', 'te', 'expect', 'content-digest', 'weir-identity', 'signature', 'traceparent'];
    expect(
      all({ ...Object.fromEntries(never.map((name) => [name, 'a'])), ':path': '/', cookie: 'b' }),
    ).toEqual({
      cookie: 'b',
    });
  });

  it('forward the request id of the client by its name alone', () => {
    const sent = { 'x-request-id': 'r1', traceparent: '1' };
    expect(compileHeaderRules({ forward: ['X-Request-Id'] })(sent)).toEqual({ 'x-request-id': 'r1' });
    const renamed = compileHeaderRules({ rename: { 'x-request-id': 'x-client-id' } });
    expect(renamed(sent)).toEqual({ 'x-client-id': 'r1' });
  });

  it('drop excluded headers, by name or by pattern', () => {
    const choose = compileHeaderRules({
      forward: ['x-*', 'cookie'],
      rename: { 'x-old': 'x-new', 'x-id': 'x-key' },
      exclude: ['x-internal-*', 'Cookie', 'x-old'],
    });
    expect(choose({ 'x-a': '1', 'x-internal-b': '2', cookie: '3', 'x-old': '4', 'x-id': '5' })).toEqual({
      'x-a': '1',
      'x-id': '5',
      'x-key': '5',
    });
  });

  it('forward headers of tokens by their whole name only', () => {
    const unmatched = ['x-jwt'];
    const sent = { 'x-jwt': '1', 'x-jwt-id': '2' };
    expect(compileHeaderRules({ forward: ['*', 'x-*', 'x-jw*'], unmatched })(sent)).toEqual({
      'x-jwt-id': '2',
    });
    expect(compileHeaderRules({ unmatched }, { forward: ['x-*'] })(sent)).toEqual({ 'x-jwt-id': '2' });
    expect(compileHeaderRules({ unmatched }, { forward: ['X-Jwt'] })(sent)).toEqual({ 'x-jwt': '1' });
    const renamed = compileHeaderRules({ unmatched, rename: { 'x-jwt': 'authorization' } });
    expect(renamed(sent)).toEqual({ authorization: '1' });
  });

  it('set headers from claims, never from the client', () => {
    const choose = compileHeaderRules({
      forward: ['x-*'],
      rename: { 'x-mine': 'x-tenant' },
      claims: { 'X-Tenant': 'tenant', 'x-roles': 'realm.roles', 'x-urn': 'https://a.example/b' },
    });
    const forged = { 'x-tenant': 'forged', 'x-mine': 'forged', 'x-roles': 'admin', 'x-urn': 'forged' };
    expect(choose(forged, {})).toEqual({ 'x-mine': 'forged' });
    const claims = { tenant: 't1', realm: { roles: ['a,b', 'ö'] }, 'https://a.example/b': 7 };
    expect(choose(forged, claims)).toEqual({
      'x-mine': 'forged',
      'x-tenant': 't1',
      'x-roles': '["a,b","\\u00f6"]',
      'x-urn': '7',
    });
  });

  it.each(['a\r\nx-admin: 1', 'Ω', null, undefined])(
    'drop a claim that is not a valid value: %j',
    (tenant) => {
      expect(compileHeaderRules({ claims: { 'x-tenant': 'tenant' } })({}, { tenant })).toEqual({});
    },
  );

  it('give a value to headers that would be missing', () => {
    const choose = compileHeaderRules({
      forward: ['x-tenant', 'x-*-id'],
      rename: { 'x-client': 'x-app' },
      claims: { 'x-user': 'sub' },
      set: { 'x-from': 'weir' },
      defaults: {
        ...{ 'X-Tenant': 'public', 'x-shop-id': '0', 'x-app': 'web', 'x-user': 'nobody', 'x-from': 'a' },
        constructor: 'b',
      },
    });
    const defaults = { 'x-tenant': 'public', 'x-shop-id': '0', 'x-app': 'web', 'x-user': 'nobody' };
    const always = { 'x-from': 'weir', constructor: 'b' };
    expect(choose({ 'x-user': 'forged' })).toEqual({ ...defaults, ...always });
    const sent = { 'x-tenant': '', 'x-shop-id': '7', 'x-client': 'app' };
    expect(choose(sent, { sub: 'u1' })).toEqual({
      ...{ 'x-tenant': '', 'x-shop-id': '7', 'x-app': 'app', 'x-user': 'u1' },
      ...always,
    });
    // Nobody hides a header by another one.
    expect(choose({ 'x-tenant': 'a', connection: 'x-tenant' })).toEqual({ ...defaults, ...always });
  });

  it('give no value to headers that are excluded there or later, nor in place of those that are set later', () => {
    const all = { forward: ['x-*'], defaults: { 'x-a': '1', 'x-b': '2', 'x-c': '3', 'x-d': '4' } };
    const own = { exclude: ['x-a', 'x-e'], set: { 'x-b': 'set' }, defaults: { 'x-c': 'own', 'x-e': '5' } };
    expect(compileHeaderRules(all, own)({ 'x-a': 'sent', 'x-b': 'sent' })).toEqual({
      ...{ 'x-b': 'set', 'x-c': 'own', 'x-d': '4' },
    });
  });

  it('have one value for a header: that of the last rule', () => {
    const all = { forward: ['x-*'], operationName: 'X-Op' };
    expect(flattenHeaderRules([all, { set: { 'x-op': 'a' } }])).toMatchObject({
      ...{ operationName: undefined, set: new Map([['x-op', 'a']]) },
    });
    expect(flattenHeaderRules([all, { claims: { 'x-op': 'sub' } }]).operationName).toBeUndefined();
    const named = flattenHeaderRules([{ set: { 'x-op': 'a' }, claims: { 'x-by': 'sub' } }, all]);
    expect(named).toMatchObject({ operationName: 'x-op', set: new Map() });
    // The name of a header that one subgraph has another one for is not the client's either.
    const renamed = [all, { operationName: 'x-query' }];
    expect(flattenHeaderRules(renamed).operationName).toBe('x-query');
    expect(compileHeaderRules(...renamed)({ 'x-op': 'forged', 'x-query': 'forged', 'x-a': '1' })).toEqual({
      'x-a': '1',
    });
  });

  it('of one subgraph take precedence over those of all', () => {
    const all = {
      forward: ['authorization', 'x-*'],
      exclude: ['x-secret'],
      set: { 'x-set': 'all', 'x-both': 'set' },
      claims: { 'x-claim': 'a', 'x-other': 'a' },
    };
    const own = {
      forward: ['cookie', 'x-secret'],
      exclude: ['authorization'],
      set: { 'x-set': 'own', 'x-claim': 'set' },
      claims: { 'x-both': 'b' },
    };
    const sent = {
      authorization: '1',
      cookie: '2',
      'x-secret': '3',
      'x-set': '4',
      'x-claim': '5',
      'x-a': '6',
    };
    expect(compileHeaderRules(all, own)(sent, { a: 'A', b: 'B' })).toEqual({
      ...{ cookie: '2', 'x-secret': '3', 'x-a': '6' },
      ...{ 'x-set': 'own', 'x-claim': 'set', 'x-both': 'B', 'x-other': 'A' },
    });
  });

  it.each(['a\r\nx-admin: 1', 'a\nb', 'a\0', 'Ω'])('drop a value that is not valid: %j', (value) => {
    expect(compileHeaderRules({ forward: ['x-a'] })({ 'x-a': value })).toEqual({});
  });
});

describe('a header that a hook adds', () => {
  it.each([
    'Connection',
    'host',
    'Transfer-Encoding',
    'te',
    'Upgrade',
    'content-length',
    'Content-Type',
    'Keep-Alive',
    'Content-Language',
    'X-Request-Id',
    'Signature',
    'weir-identity',
    '__proto__',
  ])('is refused for %s', (name) => {
    expect(() => addedHeader(name, 'a')).toThrow(`The header "${name}" must not be forwarded`);
  });

  it.each(['', 'x y', 'x:y', 'ä'])('is refused for the name %j', (name) => {
    expect(() => addedHeader(name, 'a')).toThrow("A header's name must be a token, but got: ");
  });

  it('is refused for a value with a line break', () => {
    expect(() => addedHeader('x-a', 'a\r\nb: c')).toThrow(
      'The value of the header "x-a" must be printable, on one line',
    );
    expect(addedHeader('X-A', 'a')).toEqual(['x-a', 'a']);
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
