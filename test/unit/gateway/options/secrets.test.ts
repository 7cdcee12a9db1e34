/** The secrets in options, which go by the mark of an option (`writeOnly`) and by what URLs hold. */
import { parseOptions } from '../../../../gateway/options';
import { optionsJsonSchema } from '../../../support/reference/json-schema';
import type { JsonSchema } from '../../../../gateway/options/problem';
import { secretsOf } from '../../../../gateway/options/secrets';
import {
  isMarked,
  type OptionPlace,
  optionPlaces,
  secretFor,
  secretsAmong,
  takesText,
} from '../../../support/options-schema';

const places = optionPlaces(optionsJsonSchema());

it.each(secretsAmong(places).map((place) => [place.name, place] as const))(
  'are found at %s, which is marked as one',
  (_, place: OptionPlace) => {
    const secret = secretFor(place);
    expect(secretsOf(parseOptions(place.with(secret)))).toContain(secret);
  },
);

it('are marked wherever a name or a description speaks of one', () => {
  const speaksOfOne = ({ name, node }: OptionPlace): boolean =>
    /secret|token$|password|^key$|apikey/i.test(name.split('.').at(-1)!) ||
    /\b(secret|password|credential|token)s?\b/i.test(node.description ?? '');
  const isFile = ({ title }: JsonSchema): boolean => title === 'file';
  const unmarked = places
    .filter((place) => takesText(place.node) && speaksOfOne(place))
    .filter(({ node }) => !isMarked(node) && !isFile(node));
  expect([...new Set(unmarked.map(({ name }) => name))]).toEqual(notSecret);
});

/** They say where, whose or how many secrets are. What is in their URLs is found in any case. */
const notSecret: readonly string[] = [
  'supergraph.url',
  'subgraphs.NAME.auth.tokenUrl',
  'subgraphs.NAME.appsync.auth.jwtToken.tokenUrl',
  'subgraphs.NAME.appsync.auth.token.tokenUrl',
  'limits.tokens',
  'limits.classes[].client',
  'limits.classes[].tokens',
  'limits.classes[].off.client',
  'rates[].per',
  'rates[].client',
  'subscriptions.perIdentity',
  'subscriptions.expired',
  'cache.store',
  'auth.anonymous',
  'auth.oidc[].jwks',
  'auth.oidc[].withoutAudience',
  'auth.oidc[].header',
  'auth.oidc[].prefix',
  'auth.cognito[].clients',
  'auth.cognito[].tokenUse',
  'auth.lambda.ttl',
  'mcp.resource',
  'mcp.scopes',
  'admin.host',
  'logging.fields.NAME.claim',
];

it('are what stands in a token without its scheme, too', () => {
  expect(secretsOf(parseOptions({ headers: { set: { authorization: 'Bearer 0123456789' } } }))).toEqual([
    'Bearer 0123456789',
    '0123456789',
  ]);
});

it.each([
  ['redis://weir:p%40ssword@cache:6379', ['p%40ssword', 'p@ssword']],
  ['redis://a-token-alone@cache:6379', ['a-token-alone']],
  ['redis://:100%@cache:6379', ['100%']],
])('are credentials in %s', (store, secrets) => {
  expect(secretsOf(parseOptions({ cache: { store } }))).toEqual(secrets);
});

it('are values in the query of a URL, but for what says where something is', () => {
  const url = 'https://schemas.example/shop.graphql?token=a%2Flong%2Ftoken&v=1';
  expect(secretsOf(parseOptions({ supergraph: url }))).toEqual(['a%2Flong%2Ftoken', 'a/long/token']);
  const s3 = 's3://schemas/shop.graphql?region=eu-west-1&endpoint=http://localhost:9000';
  expect(secretsOf(parseOptions({ supergraph: s3 }))).toEqual([]);
});

it('are no short words, which would be missing in every line', () => {
  expect(secretsOf(parseOptions({ headers: { set: { 'x-region': 'eu' } } }))).toEqual([]);
});
