import { banner, type BannerFacts } from '../../../../cli/dev/banner';

const bannerAt = (url: string, facts: Partial<BannerFacts> = {}): string =>
  banner({
    url,
    adminUrl: undefined,
    adminToken: undefined,
    hasConsole: true,
    options: undefined,
    mocked: [],
    milliseconds: 1,
    watched: 'supergraph.yaml is',
    subgraphs: new Map([['a', 'http://127.0.0.1:4001/graphql']]),
    needsCredentials: false,
    query: '{ a }',
    ...facts,
  });

it('prints a call that takes the certificate of development', () => {
  expect(bannerAt('https://127.0.0.1:4000/graphql')).toContain('curl -k https://127.0.0.1:4000/graphql -H');
  expect(bannerAt('http://127.0.0.1:4000/graphql')).toContain('curl http://127.0.0.1:4000/graphql -H');
});

it('prints addresses of subgraphs without their credentials, and nothing that controls a terminal', () => {
  const address = 'https://user:hunter22@a.test/graphql?key=hunter23';
  const printed = bannerAt('http://127.0.0.1:4000/graphql', {
    subgraphs: new Map([['a\u001b[2J', address]]),
  });
  expect(printed).toContain('a\\u001b[2J  https://[hidden]@a.test/graphql?key=[hidden]');
});

describe('the address of the console', () => {
  const url = 'http://127.0.0.1:4000/graphql';
  const adminUrl = 'http://127.0.0.1:9464';

  it('has the token that was made for this start', () => {
    const printed = bannerAt(url, { adminUrl, adminToken: 'a1b2' });
    expect(printed).toContain('Console    http://127.0.0.1:9464/console#token=a1b2 ');
  });

  it('has no token that the options have', () => {
    expect(bannerAt(url, { adminUrl })).toContain('Console    http://127.0.0.1:9464/console ');
  });

  it('is missing where there is no console', () => {
    expect(bannerAt(url, { adminUrl, hasConsole: false })).not.toContain('/console');
    expect(bannerAt(url)).not.toContain('/console');
  });
});
