import { banner } from '../../../../cli/dev/banner';

const bannerAt = (url: string): string =>
  banner({
    url,
    adminUrl: undefined,
    adminToken: undefined,
    options: undefined,
    milliseconds: 1,
    watched: 'supergraph.yaml is',
    subgraphs: new Map([['a', 'http://127.0.0.1:4001/graphql']]),
    needsCredentials: false,
    query: '{ a }',
  });

it('prints a call that takes the certificate of development', () => {
  expect(bannerAt('https://127.0.0.1:4000/graphql')).toContain('curl -k https://127.0.0.1:4000/graphql -H');
  expect(bannerAt('http://127.0.0.1:4000/graphql')).toContain('curl http://127.0.0.1:4000/graphql -H');
});
