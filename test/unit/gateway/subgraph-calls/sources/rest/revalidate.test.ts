import { callerOf } from '../../../../../support/caller';
import { RestApi } from '../../../../../support/rest-api';

const sdl = `type Query {
  motto(a: String): String @http(method: "GET", path: "/motto", parameters: [{ argument: "a", name: "a", in: "query" }])
}`;

/** A source that answers each user with a version. */
let api: RestApi;
let version: number;
let headers: Record<string, string>;
let dated: boolean;
/** Sent with 304 instead. */
let notModified: Record<string, string>;
beforeEach(async () => {
  [version, headers, notModified, dated] = [1, {}, {}, false];
  api = await RestApi.open(sdl, ({ headers: given }) => {
    const user = given['authorization'] ?? 'nobody';
    const language = given['accept-language'] ?? '';
    const etag = `"${user}${language}${version}"`;
    const date = new Date(Date.UTC(2026, 0, version)).toUTCString();
    const validator: Record<string, string> = dated ? { 'last-modified': date } : { etag };
    if (given['if-none-match'] === etag || given['if-modified-since'] === date)
      return { status: 304, headers: { ...validator, ...headers, ...notModified } };
    return { headers: { ...validator, ...headers }, body: JSON.stringify(`${user}${language} ${version}`) };
  });
});
afterEach(() => api.close());

const ask = async (own: Record<string, string> = {}, a = '1') => {
  const response = await api.run(`{ motto(a: "${a}") }`, {}, { caller: callerOf({ headers: own }) });
  return { ...response, motto: response.errors?.[0]?.message ?? response.data['motto'] };
};
const motto = async (...args: Parameters<typeof ask>) => (await ask(...args)).motto;
const conditions = () =>
  api.requests.map(({ headers: given }) => given['if-none-match'] ?? given['if-modified-since']);

describe('a conditional request', () => {
  it('is answered with what was kept, while that is not modified', async () => {
    expect([await motto(), await motto()]).toEqual(['nobody 1', 'nobody 1']);
    version = 2;
    expect([await motto(), await motto()]).toEqual(['nobody 2', 'nobody 2']);
    expect(conditions()).toEqual([undefined, '"nobody1"', '"nobody1"', '"nobody2"']);
  });

  it('is made by the date where there is no tag', async () => {
    dated = true;
    expect([await motto(), await motto()]).toEqual(['nobody 1', 'nobody 1']);
    expect(conditions()).toEqual([undefined, 'Thu, 01 Jan 2026 00:00:00 GMT']);
  });

  it('has the headers of the latest answer', async () => {
    headers = { 'cache-control': 'max-age=1', 'x-a': '1' };
    await ask();
    notModified = { 'cache-control': 'max-age=9', 'content-type': 'text/html' };
    const again = await ask();
    expect(again.policy).toMatchObject({ maxAge: 9 });
    expect(again.headers).toMatchObject({
      'x-a': '1',
      'cache-control': 'max-age=9',
      'content-type': 'application/json',
    });
    expect(api.requests).toHaveLength(2);
  });

  it('is about one URL', async () => {
    expect([await motto(), await motto({}, '2')]).toEqual(['nobody 1', 'nobody 1']);
    expect(conditions()).toEqual([undefined, undefined]);
  });

  it('is made for one caller, and for all of what is public', async () => {
    const [a, b] = [{ authorization: 'a' }, { authorization: 'b' }];
    expect([await motto(a), await motto(b), await motto(a), await motto()]).toEqual([
      'a 1',
      'b 1',
      'a 1',
      'nobody 1',
    ]);
    expect(conditions()).toEqual([undefined, undefined, '"a1"', undefined]);
    api.requests.length = 0;
    headers = { 'cache-control': 'public' };
    expect([await motto(a, '2'), await motto({ 'x-b': 'b' }, '2')]).toEqual(['a 1', 'nobody 1']);
    expect(conditions()).toEqual([undefined, '"a1"']);
  });

  it('is made of what is public only with the headers that the answer varies by', async () => {
    headers = { 'cache-control': 'public', vary: 'Accept-Language, Authorization' };
    const [de, fr] = [{ 'accept-language': 'de', 'x-c': '1' }, { 'accept-language': 'fr' }];
    expect([
      await motto(de),
      await motto(fr),
      await motto(fr),
      await motto({ ...fr, authorization: 'a' }),
    ]).toEqual(['nobodyde 1', 'nobodyfr 1', 'nobodyfr 1', 'afr 1']);
    expect(conditions()).toEqual([undefined, undefined, '"nobodyfr1"', undefined]);
  });

  it.each([
    ['Cache-Control: no-store', { 'cache-control': 'max-age=60, no-store' }],
    ['Vary: *', { vary: '*' }],
    ['Vary by what differs for each request', { vary: 'traceparent' }],
    ['a cookie', { 'set-cookie': 'a=b' }],
  ])('is not made of an answer with %s', async (_, own) => {
    headers = own;
    await motto();
    await motto();
    expect(conditions()).toEqual([undefined, undefined]);
  });

  it('is made anew without a condition where the answer is about another version', async () => {
    await motto();
    notModified = { etag: '"x"' };
    expect(await motto()).toBe('nobody 1');
    expect(conditions()).toEqual([undefined, '"nobody1"', undefined]);
  });

  it('forgets what was kept where an answer must not be kept any more', async () => {
    await motto();
    version = 2;
    headers = { 'cache-control': 'no-store' };
    await motto();
    await motto();
    expect(conditions()).toEqual([undefined, '"nobody1"', undefined]);
  });

  it('is made of some bytes only', async () => {
    headers = { 'x-large': 'x'.repeat(10_000) };
    for (let i = 0; i < 900; i++) await motto({}, String(i));
    api.requests.length = 0;
    await motto({}, '899');
    await motto({}, '0');
    expect(conditions()).toEqual(['"nobody1"', undefined]);
  });
});
