import { type OptionsInput, parseOptions } from '../../../../gateway/options';

const oidc = (more: object) => ({ issuer: 'https://a.example', audience: 'shop', ...more });
const withTokensIn = (header: string, more: OptionsInput = {}) =>
  parseOptions({ auth: { oidc: [oidc({ header })] }, ...more }).auth.oidc[0];

it('is `authorization` with the prefix Bearer, unless it is given', () => {
  expect(parseOptions({ auth: { oidc: [oidc({})] } }).auth.oidc[0]).toMatchObject({
    header: 'authorization',
    prefix: 'Bearer',
  });
  const given = oidc({ header: 'X-JWT', prefix: '' });
  expect(parseOptions({ auth: { oidc: [given] } }).auth.oidc[0]).toMatchObject({
    header: 'x-jwt',
    prefix: '',
  });
});

it.each([
  ...['cookie', 'set-cookie', 'x-api-key', 'x-amz-date', 'x-amz-security-token', 'x-amzn-trace-id'],
  ...['user-agent', 'accept-language', 'x-forwarded-for', 'origin', 'referer', 'sec-websocket-protocol'],
  ...['if-none-match', 'cache-control', 'last-event-id', 'apollographql-client-name'],
  ...['idempotency-key', 'x-datadog-tags', 'baggage', 'apollo-require-preflight', 'x-apollo-operation-name'],
])('is not %s', (header) => {
  expect(() => withTokensIn(header)).toThrow(
    '`auth.oidc.0.header` must be a header that has nothing but tokens, such as x-jwt',
  );
});

it.each(['host', 'content-type', 'connection', 'transfer-encoding', 'proxy-authorization', 'x-request-id'])(
  'is not %s, which the gateway writes',
  (header) => {
    expect(() => withTokensIn(header)).toThrow('must not be a header that the gateway itself writes');
  },
);

it.each(['x jwt', '', 'x-jwt:', 'constructor'])('is the name of a header, and not %j', (header) => {
  expect(() => withTokensIn(header)).toThrow('`auth.oidc.0.header` must be the name of a header');
});

it.each(['Bearer ', 'a b', 'é'])('has a prefix of one word, and not %j', (prefix) => {
  expect(() => parseOptions({ auth: { oidc: [oidc({ prefix })] } })).toThrow(
    "`auth.oidc.0.prefix` must be one word, such as Bearer, or '' for none",
  );
});

it.each<[string, OptionsInput]>([
  ['calls.sharedHeaders.1', { calls: { sharedHeaders: ['user-agent', 'x-jwt'] } }],
  ['csrf.headers.0', { csrf: { headers: ['x-jwt'] } }],
  ['logging.fields.caller.header', { logging: { fields: { caller: { header: 'x-jwt' } } } }],
  ['headers.operationName', { headers: { operationName: 'x-jwt' } }],
  ['subgraphs.a.headers.operationName', { subgraphs: { a: { headers: { operationName: 'x-jwt' } } } }],
  [
    'graphs.choose.0.header',
    {
      supergraph: { registry: 'folder' },
      graphs: { default: 'a@b', choose: [{ header: 'x-jwt', groups: ['staff'], graph: 'a@{value}' }] },
    },
  ],
])('is refused as `%s`, as credentials are', (option, more) => {
  expect(() => withTokensIn('x-jwt', more)).toThrow(
    `\`${option}\` must not be a header of \`auth.oidc[].header\`, but got: "x-jwt".`,
  );
  expect(() => withTokensIn('x-token-of-another', more)).not.toThrow();
});

it('may have tokens of an issuer that has others elsewhere, also where it has a secret', () => {
  const secret = 's'.repeat(32);
  const listed = (...headers: string[]) =>
    parseOptions({ auth: { oidc: headers.map((header) => oidc({ header, secret })) } }).auth.oidc.length;
  expect(listed('authorization', 'x-jwt')).toBe(2);
  expect(() => listed('x-jwt', 'X-Jwt')).toThrow('only once for a header');
  const twice = ['shop', 'other'].map((audience) => oidc({ audience }));
  expect(() => parseOptions({ auth: { oidc: twice } })).toThrow('only once for a header');
});

it('is allowed where it is forwarded, and where it is a member of `connectionParams`', () => {
  const more = { headers: { forward: ['x-jwt'] }, subscriptions: { connectionParams: ['x-jwt'] } };
  expect(() => withTokensIn('x-jwt', more)).not.toThrow();
});

it('says how a prefix is none, where it is null', () => {
  const given = oidc({ prefix: null as unknown as string });
  expect(() => parseOptions({ auth: { oidc: [given] } })).toThrow(
    "`auth.oidc.0.prefix` must be one word, such as Bearer, or '' for none, but got: null.",
  );
});

describe('another header that is renamed to it', () => {
  const rename = { 'x-other': 'x-jwt' };

  it.each<[string, OptionsInput]>([
    ['headers.rename.x-other', { headers: { rename } }],
    ['subgraphs.a.headers.rename.x-other', { subgraphs: { a: { headers: { rename } } } }],
  ])('is refused at %s, as nobody has verified it', (option, more) => {
    expect(() => withTokensIn('x-jwt', more)).toThrow(
      `\`${option}\` must not be a header of \`auth.oidc[].header\`, whose tokens are verified, but got: "x-jwt".`,
    );
    expect(() => withTokensIn('x-token-of-another', more)).not.toThrow();
  });

  it('is accepted where it has tokens itself', () => {
    const both = [oidc({ header: 'x-jwt' }), oidc({ header: 'x-other' })];
    expect(() => parseOptions({ auth: { oidc: both }, headers: { rename } })).not.toThrow();
  });
});

it.each(['authorization', 'Cookie', 'x-api-key'])(
  'refuses %s as the header of the operation, without issuers',
  (name) => {
    expect(() => parseOptions({ headers: { operationName: name } })).toThrow(
      '`headers.operationName` must not be a header of credentials, such as x-operation-name',
    );
  },
);

it('refuses a header that every map has', () => {
  for (const headers of [
    { forward: ['constructor'] },
    { exclude: ['constructor'] },
    { set: { constructor: 'a' } },
  ])
    expect(() => parseOptions({ headers })).toThrow('must be the name of a header');
});

describe('keys of an issuer', () => {
  const jwksOf = (jwks: string): unknown =>
    parseOptions({ auth: { oidc: [oidc({ jwks })] } }).auth.oidc[0]!.jwks;

  it('may be the text of a file', () => {
    expect(jwksOf(' {"keys": [{"kty": "RSA", "n": "1"}]}\n')).toEqual({ keys: [{ kty: 'RSA', n: '1' }] });
  });

  it.each(['{"keys": [', '{}', '[]', 'keys.json'])('are refused as %j', (text) => {
    expect(() => jwksOf(text)).toThrow('`auth.oidc.0.jwks` must be an http or https URL');
  });
});
