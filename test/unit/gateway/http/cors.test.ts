import { compileCorsHeaders, compileHeadersOfPage, compilePreflight } from '../../../../gateway/http/cors';
import { type OptionsInput, parseOptions } from '../../../../gateway/options';

const shop = 'https://shop.example';

const headersFor = (mode: 'development' | 'production', origins?: string[]) =>
  compileCorsHeaders(
    parseOptions({ supergraph: 'supergraph.graphql', mode, ...(origins && { cors: { origins } }) }),
  );

describe('the headers for pages of other origins', () => {
  it('are one array for a listed origin, by which a prepared answer is found again', () => {
    const headers = headersFor('production', [shop, 'https://staff.example']);
    expect(headers(shop)).toEqual(expect.arrayContaining(['access-control-allow-origin', shop]));
    expect(headers(shop)).toBe(headers(shop));
    expect(headers('https://staff.example')).not.toBe(headers(shop));
  });

  it('allow no origin that is not listed', () => {
    const headers = headersFor('production', [shop]);
    for (const origin of ['https://shop.example.evil', 'http://localhost:3000', undefined]) {
      expect(headers(origin)).not.toContain('access-control-allow-origin');
      expect(headers(origin)).toContain('vary');
    }
  });

  it('allow one label in place of *, and nothing else', () => {
    const headers = headersFor('production', ['https://*.shop.example', 'https://*.staff.example:8443']);
    for (const origin of [
      'https://a.shop.example',
      'https://b-2.shop.example',
      'https://a.staff.example:8443',
    ])
      expect(headers(origin)).toEqual(expect.arrayContaining(['access-control-allow-origin', origin]));
    for (const origin of [
      ...['https://evil-shop.example', 'https://a.shop.example.evil.com', 'null', 'https://shop.example'],
      ...[
        'https://a.b.shop.example',
        'https://.shop.example',
        'http://a.shop.example',
        'https://*.shop.example',
      ],
      ...[
        'https://a.shop.example:8443',
        'https://a.staff.example',
        'https://A.SHOP.EXAMPLE',
        'HTTPS://a.shop.example',
      ],
      ...['https://evil.com/.shop.example', 'https://evil.com#.shop.example', 'https://u@a.shop.example'],
      'https://evil.com:1.shop.example',
    ])
      expect([origin, headers(origin).includes('access-control-allow-origin')]).toEqual([origin, false]);
  });

  it.each([
    ...[
      'https://*',
      'https://*:443',
      'https://*shop.example',
      'https://a*.shop.example',
      'https://*.*.example',
    ],
    ...[
      '*.shop.example',
      'https://shop.*',
      'https://shop.example:*',
      '*://shop.example',
      'https://*.Shop.example',
    ],
    ...['https://*.shop.example/', 'https://**.shop.example', 'https://*.', 'https://u:*.shop.example'],
  ])('refuse a * that is not one label: %s', (pattern) => {
    expect(() => headersFor('production', [pattern])).toThrow('* may stand for one label of the host');
  });

  it('allow Apollo Sandbox in development, also beside origins that are listed', () => {
    const sandbox = 'https://studio.apollographql.com';
    expect(headersFor('development', [shop])(sandbox)).toContain(sandbox);
    expect(headersFor('development', [shop])('http://localhost:3000')).not.toContain('http://localhost:3000');
    expect(headersFor('production', [shop])(sandbox)).not.toContain(sandbox);
  });

  it('allow pages of the own machine in development', () => {
    expect(headersFor('development')('http://localhost:3000')).toContain('http://localhost:3000');
  });
});

describe('pages of origins with a policy of their own', () => {
  const partner = 'https://a.partner.example';
  const staff = 'https://staff.example';
  const optionsWith = (cors: OptionsInput['cors'], more: OptionsInput = {}) =>
    parseOptions({ supergraph: 'supergraph.graphql', cors, ...more });
  const options = optionsWith({
    origins: [shop, staff],
    credentials: true,
    exposeHeaders: ['X-Trail', 'retry-after'],
    maxAge: '10m',
    policies: [
      {
        ...{ origins: ['https://*.partner.example'], credentials: false, maxAge: '1.5s' },
        ...{ allowHeaders: ['Authorization', 'content-type'], exposeHeaders: [] },
      },
      { origins: [staff, 'https://b.partner.example'], allowHeaders: [] },
    ],
  });
  const valuesOf = (list: readonly string[]) => {
    const values: Record<string, string> = {};
    for (let i = 0; i < list.length; i += 2)
      values[list[i]!] = [values[list[i]!], list[i + 1]!].filter((each) => each !== undefined).join(', ');
    return values;
  };
  const headers = compileCorsHeaders(options);
  const preflight = compilePreflight(options)!;
  const requested = 'content-type,x-anything';
  const asked = (origin?: string) =>
    valuesOf(preflight({ origin, 'access-control-request-headers': requested }));

  it('read what it exposes, and send credentials where it lets them', () => {
    const own = 'x-request-id, ratelimit, ratelimit-policy, retry-after';
    expect(valuesOf(headers(shop))).toMatchObject({
      ...{ 'access-control-allow-origin': shop, 'access-control-allow-credentials': 'true', vary: 'Origin' },
      'access-control-expose-headers': `${own}, x-trail`,
    });
    expect(valuesOf(headers(partner))).toEqual({
      ...{ 'access-control-allow-origin': partner, vary: 'Origin', 'x-content-type-options': 'nosniff' },
      'access-control-expose-headers': own,
    });
    expect(valuesOf(headers(staff))).toEqual({
      ...valuesOf(headers(shop)),
      'access-control-allow-origin': staff,
    });
    expect(headers(staff)).toBe(headers(staff));
  });

  it('send what it allows, for as long as it says', () => {
    expect(asked(shop)).toMatchObject({
      ...{ 'access-control-allow-headers': requested, 'access-control-max-age': '600' },
    });
    expect(asked(partner)).toMatchObject({
      ...{ 'access-control-allow-headers': 'content-type, authorization', 'access-control-max-age': '1' },
    });
    expect(asked(staff)).toMatchObject({
      ...{ 'access-control-allow-headers': 'content-type', 'access-control-max-age': '600' },
    });
    expect(asked()).toEqual(asked(shop));
  });

  it('have the first policy that lists them', () => {
    const both = 'https://b.partner.example';
    expect(asked(both)['access-control-allow-headers']).toBe('content-type, authorization');
    expect(headers(both)).not.toContain('access-control-allow-credentials');
  });

  it('of WebSockets have cookies only where it lets them', () => {
    const ofPage = compileHeadersOfPage(options);
    const sent = (origin: string) => ({ origin, host: 'api.example', cookie: 'a=1' });
    expect(ofPage(sent(shop))).toEqual(sent(shop));
    expect(ofPage(sent(partner))).toEqual({ origin: partner, host: 'api.example' });
    expect(ofPage(sent('https://evil.example'))).toBeUndefined();
  });

  it('of WebSockets have tokens only where it lets them, in whatever header these come', () => {
    const oidc = [{ issuer: 'https://issuer.example', audience: 'shop', header: 'x-jwt' }];
    const ofPage = compileHeadersOfPage({ ...options, auth: parseOptions({ auth: { oidc } }).auth });
    const sent = (origin: string) => ({ origin, host: 'api.example', 'x-jwt': 'a', authorization: 'b' });
    expect(ofPage(sent(shop))).toEqual(sent(shop));
    expect(ofPage(sent(partner))).toEqual({ origin: partner, host: 'api.example' });
  });

  it('may call where no other page may, or beside all others', () => {
    const policies = [{ origins: [partner], credentials: true }];
    const alone = compileCorsHeaders(optionsWith({ policies }));
    expect(valuesOf(alone(partner))).toMatchObject({ 'access-control-allow-origin': partner });
    expect(alone(shop)).not.toContain('access-control-allow-origin');
    expect(compilePreflight(optionsWith({ policies }))).toBeDefined();
    const all = compileCorsHeaders(optionsWith({ origins: '*', policies }));
    expect(valuesOf(all(partner))).toMatchObject({ 'access-control-allow-origin': partner });
    expect(all(partner)).toContain('access-control-allow-credentials');
    for (const origin of [shop, undefined]) {
      expect(valuesOf(all(origin))).toMatchObject({ 'access-control-allow-origin': '*', vary: 'Origin' });
      expect(all(origin)).not.toContain('access-control-allow-credentials');
    }
  });

  it.each<[NonNullable<OptionsInput['cors']>, string]>([
    [{ policies: [{ origins: [] }] }, '`cors.policies.0.origins` must be a list of at least one origin.'],
    [{ policies: [{ origins: ['*'] }] }, '`cors.policies.0.origins.0` must be an origin'],
    [{ allowHeaders: ['*'] }, '`cors.allowHeaders.0` must be the name of a header'],
    [{ exposeHeaders: ['x y'] }, '`cors.exposeHeaders.0` must be the name of a header'],
    [{ maxAge: -1 }, '`cors.maxAge` must be milliseconds'],
  ])('are refused: %j', (cors, sentence) => {
    expect(() => optionsWith(cors)).toThrow(sentence);
  });
});
