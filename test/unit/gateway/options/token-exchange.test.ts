import { type OptionsInput, parseOptions } from '../../../../gateway/options';
import { clientKeys } from '../../../support/token-endpoint';

const exchange = {
  ...{ type: 'TOKEN_EXCHANGE', tokenUrl: 'https://login.example/token', audience: 'orders' },
  ...{ clientId: 'weir', clientSecret: 'secret' },
} as const;
const parse = (auth: object, more: object = {}) =>
  parseOptions({ subgraphs: { orders: { auth } }, ...more } as OptionsInput).subgraphs['orders']!.auth;

it('has a secret that is sent as `authorization`, and no scopes, unless others are given', () => {
  expect(parse(exchange)).toEqual({ ...exchange, clientAuthentication: 'client_secret_basic', scopes: [] });
});

it('takes a private key with its algorithm', async () => {
  const { clientKey } = await clientKeys();
  const parseKey = (clientSecret: string) =>
    parse({ ...exchange, clientAuthentication: 'private_key_jwt', clientSecret });
  expect(parseKey(clientKey)).toMatchObject({ clientSecret: clientKey });
  const { d: _private, ...publicKey } = JSON.parse(clientKey) as Record<string, string>;
  const withAlg = (alg: string) => JSON.stringify({ ...JSON.parse(clientKey), alg });
  for (const key of [JSON.stringify(publicKey), 'a secret', '{}', 'null', withAlg('none'), withAlg('HS256')])
    expect(() => parseKey(key)).toThrow(
      '`subgraphs.orders.auth` must have a private key as its `clientSecret` for `private_key_jwt`: a JSON Web Key with `alg`, such as ES256',
    );
});

it.each<[string, object, object, string]>([
  ['an audience', { ...exchange, audience: undefined }, {}, '`subgraphs.orders.auth.audience` is missing'],
  [
    'a caller: its events belong to none',
    exchange,
    { events: { sources: { stock: { type: 'subgraph', subgraph: 'orders' } } } },
    '`events.sources.stock.subgraph` must not be a subgraph with TOKEN_EXCHANGE: its events belong to no caller',
  ],
  [
    'answers that depend on the caller',
    exchange,
    { subgraphs: { orders: { auth: exchange, identity: 'independent' } } },
    '`subgraphs.orders` must not have `identity: independent` with TOKEN_EXCHANGE: its token is that of the caller',
  ],
])('is refused without %s', (_, auth, more, problem) => {
  expect(() => parse(auth, more)).toThrow(problem);
});
