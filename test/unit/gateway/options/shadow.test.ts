import { type OptionsInput, parseOptions } from '../../../../gateway/options';
import { secretsOf } from '../../../../gateway/options/secrets';

const url = 'https://router.test/graphql';
const parse = (shadow: object) => parseOptions({ shadow } as OptionsInput);

it('is a hundredth of the queries, ten a second at most, without headers of clients, if nothing else is said', () => {
  expect(parse({ url }).shadow).toEqual({
    ...{ url, share: 0.01, perSecond: 10, timeout: 10_000, longest: 262_144 },
    ...{ headers: { forward: [], set: {} }, ignore: [], unordered: [] },
  });
});

it.each<[string, object, string]>([
  ['no address', {}, '`shadow.url` is missing'],
  ['an address that is no http(s) URL', { url: 'ftp://a' }, 'must be an http or https URL'],
  ['credentials in the address', { url: 'http://ana:secret@a/' }, 'must hold no name and no password'],
  ['a share above 1', { url, share: 1.5 }, 'must be a share from 0 to 1'],
  ['no query in a second', { url, perSecond: 0 }, 'must be a whole number from 1 to 1000'],
  ['a timeout of nothing', { url, timeout: 0 }, 'must be longer than 0'],
  ['a pattern of headers', { url, headers: { forward: ['x-*'] } }, 'must be the name of a header'],
  [
    'a header of the gateway itself',
    { url, headers: { set: { host: 'a' } } },
    'that the gateway itself writes',
  ],
  ['a path that cannot be read', { url, ignore: ['a..b'] }, 'must be names of the answer with dots'],
  ['a path that is no text', { url, unordered: [1] }, 'must be text'],
])('refuses %s', (_, shadow, rule) => {
  expect(() => parse(shadow)).toThrow(rule);
});

it('hides the headers that are set', () => {
  expect(secretsOf(parse({ url, headers: { set: { authorization: 'Bearer of-the-shadow' } } }))).toEqual([
    'Bearer of-the-shadow',
    'of-the-shadow',
  ]);
});
