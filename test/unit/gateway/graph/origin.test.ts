import { originOf } from '../../../../gateway/graph/origin';

const of = (more: object) =>
  originOf({
    endpoints: [{ url: 'https://a.example/graphql' }, { url: 'https://b.example/graphql' }],
    auth: undefined,
    appsync: undefined,
    ...more,
  });
const fetched = {
  ...{ type: 'CLIENT_CREDENTIALS', tokenUrl: 'https://login.example/token', clientId: 'weir' },
  ...{ clientSecret: 'one', scopes: [] },
};

it.each<[string, object, object]>([
  [
    'the order and the zones of endpoints',
    {},
    { endpoints: [{ url: 'https://b.example/graphql', zone: 'z' }, { url: 'https://a.example/graphql' }] },
  ],
  ['a secret by which tokens are fetched', { auth: fetched }, { auth: { ...fetched, clientSecret: 'two' } }],
])('is the same for %s', (_, one, another) => {
  expect(of(one)).toBe(of(another));
});

it.each<[string, object, object]>([
  ['endpoints', {}, { endpoints: [{ url: 'https://a.example/graphql' }] }],
  [
    'targets of discovery',
    { endpoints: [{ url: 'dns://a.internal/graphql' }] },
    { endpoints: [{ url: 'dns://b.internal/graphql' }] },
  ],
  ['clients', { auth: fetched }, { auth: { ...fetched, clientId: 'other' } }],
  ['keys', { auth: { type: 'API_KEY', key: 'one' } }, { auth: { type: 'API_KEY', key: 'two' } }],
  [
    'keys of AppSync',
    { appsync: { auth: { type: 'API_KEY', apiKey: 'one' } } },
    { appsync: { auth: { type: 'API_KEY', apiKey: 'two' } } },
  ],
])('differs for other %s', (_, one, another) => {
  expect(of(one)).not.toBe(of(another));
});
