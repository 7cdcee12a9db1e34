import fc from 'fast-check';
import {
  AnswerProvenance,
  isStorable,
  noStore,
  type Policy,
  policyReader,
  strictest,
} from '../../../../gateway/cache/policy';
import { policyReaderFor } from '../../../../gateway/cache/responses/caching';
import { parseOptions } from '../../../../gateway/options';

const read = (headers: Record<string, string>, status = 200, unsaid = {}): Policy =>
  policyReader(unsaid)({ status, headers });
const policy = (maxAge: number, more: Partial<Policy> = {}): Policy => ({
  scope: 'public',
  maxAge,
  staleWhileRevalidate: 0,
  staleIfError: 0,
  ...more,
});

describe('reads of a response that it', () => {
  it.each<[string, string, Policy]>([
    ['lives for all clients', 'public, max-age=60', policy(60)],
    ['lives for one client', 'max-age=60, private', policy(60, { scope: 'private' })],
    ['lives for one client unless it says public', 'max-age=60', policy(60, { scope: 'private' })],
    ['lives longer in shared caches', 'max-age=5, s-maxage=60', policy(60)],
    [
      'lives for one client whatever shared caches may',
      'private, max-age=5, s-maxage=60',
      policy(5, { scope: 'private' }),
    ],
    ['is not kept', 'public, max-age=60, no-store', noStore],
    ['is not served unasked', 'public, max-age=60, no-cache', noStore],
    ['is not served unasked for a field', 'public, max-age=60, no-cache="set-cookie, x"', noStore],
    ['is private for a field', 'public, private="x", max-age=60', policy(60, { scope: 'private' })],
    [
      'may be stale',
      'public, max-age=1, stale-while-revalidate=2, stale-if-error=3',
      policy(1, { staleWhileRevalidate: 2, staleIfError: 3 }),
    ],
    ['must not be stale', 'public, max-age=1, stale-while-revalidate=2, must-revalidate', policy(1)],
    [
      'is stale at once',
      'public, max-age=0, stale-while-revalidate=2',
      policy(0, { staleWhileRevalidate: 2 }),
    ],
    ['says it in another way', 'PUBLIC ,, Max-Age="60",', policy(60)],
    ['says it with spaces', 'public, max-age = 60', policy(60)],
    ['says it twice', 'public, max-age=1, max-age=60', policy(1)],
    ['says what is no number', 'public, max-age=soon', policy(0)],
    ['says what only begins as a number', 'public, max-age=60s', policy(0)],
    ['says what is less than nothing', 'public, max-age=-1', policy(0)],
    ['hides it in a text', 'x="a, max-age=60, \\"public", max-age=2', policy(2, { scope: 'private' })],
    ['lives for ever', 'public, max-age=99999999999999999999', policy(2 ** 31)],
  ])('%s', (_, header, expected) => {
    expect(read({ 'cache-control': header })).toEqual(expected);
  });

  it('is not cached without Cache-Control, or if it is no success', () => {
    expect(read({})).toEqual(noStore);
    expect(read({ 'cache-control': 'public, max-age=60' }, 404)).toEqual(noStore);
  });

  it('was in a cache before', () => {
    const headers = { 'cache-control': 'public, max-age=60, stale-while-revalidate=10, stale-if-error=20' };
    expect(read({ ...headers, age: '20' })).toEqual(
      policy(40, { staleWhileRevalidate: 10, staleIfError: 20 }),
    );
    expect(read({ ...headers, age: '65' })).toEqual(policy(0, { staleWhileRevalidate: 5, staleIfError: 15 }));
    expect(read({ ...headers, age: '999' })).toEqual(policy(0));
    expect(read({ ...headers, age: '5, 700' })).toEqual(
      policy(55, { staleWhileRevalidate: 10, staleIfError: 20 }),
    );
    expect(read({ ...headers, age: ' 5 ,x' })).toEqual(
      policy(55, { staleWhileRevalidate: 10, staleIfError: 20 }),
    );
  });

  it.each(['', 'soon', '-5', '5.5', '1e1', '5 700', 'x, 5', ',5', '5;x', '0x5'])(
    'is stale if its age is not a number: "%s"',
    (age) => {
      expect(
        read({ 'cache-control': 'public, max-age=60, stale-while-revalidate=10, stale-if-error=9', age }),
      ).toEqual(policy(0));
    },
  );

  it.each(['x-request-id', 'Accept, TraceParent', 'tracestate', 'x-request-timeout', 'origin, *'])(
    'is not cached if it varies by a header that is in no key: %s',
    (vary) => {
      expect(read({ 'cache-control': 'public, max-age=60', vary })).toEqual(noStore);
      expect(read({ 'cache-control': 'private, max-age=60', vary })).toEqual(noStore);
    },
  );

  it('is not cached if it sets a cookie', () => {
    const headers = { 'cache-control': 'public, max-age=60', 'set-cookie': ['a=1'] };
    expect(policyReader()({ status: 200, headers })).toEqual(noStore);
    expect(policyReader()({ status: 200, headers: { ...headers, 'set-cookie': 'a=1' } })).toEqual(noStore);
  });

  it('is private if it varies by the identity that the gateway sends', () => {
    const options = parseOptions({ supergraph: 'supergraph.graphql' });
    const headers = { 'cache-control': 'public, max-age=60', vary: 'Weir-Identity' };
    expect(policyReaderFor(options)({ status: 200, headers })).toMatchObject({
      scope: 'private',
      maxAge: 60,
    });
  });

  it('varies', () => {
    const headers = { 'cache-control': 'public, max-age=60' };
    const unsaid = { identityHeaders: ['authorization'] };
    expect(read({ ...headers, vary: 'Accept-Language' }, 200, unsaid)).toEqual(policy(60));
    expect(read({ ...headers, vary: 'Origin, Authorization' }, 200, unsaid)).toEqual(
      policy(60, { scope: 'private' }),
    );
    expect(read({ ...headers, vary: '*' }, 200, unsaid)).toEqual(noStore);
  });
});

it('reads a frequent header once, and remembers a thousand headers', () => {
  const reader = policyReader();
  const readAge = (seconds: number) =>
    reader({ status: 200, headers: { 'cache-control': `public, max-age=${seconds}` } });
  const first = readAge(0);
  for (let seconds = 1; seconds < 1_000; seconds++) readAge(seconds);
  expect(readAge(0)).toBe(first);
  expect(readAge(1_000)).toEqual(policy(1_000));
  expect(readAge(0)).toEqual(first);
  expect(readAge(0)).not.toBe(first);
});

it.each<[boolean, Policy]>([
  [false, noStore],
  [true, policy(1)],
  [true, policy(0, { staleWhileRevalidate: 1 })],
  [true, policy(0, { staleIfError: 1 })],
])('can be used at any time: %s, by %j', (expected, given) => {
  expect(isStorable(given)).toBe(expected);
});

describe('a directive that is missing', () => {
  const unsaid = { staleWhileRevalidate: 5, staleIfError: 9 };

  it('is taken from the options', () => {
    expect(read({ 'cache-control': 'public, max-age=1' }, 200, unsaid)).toEqual(
      policy(1, { staleWhileRevalidate: 5, staleIfError: 9 }),
    );
  });

  it('is not taken from them if `s-maxage` forbids stale answers', () => {
    expect(read({ 'cache-control': 'public, s-maxage=60' }, 200, unsaid)).toEqual(policy(60));
  });

  it.each(['public, max-age=0', 'public, s-maxage=0', 'public, max-age=0, must-revalidate', 'no-store'])(
    'does not cache a response with %s',
    (header) => {
      const { maxAge, staleWhileRevalidate, staleIfError } = read({ 'cache-control': header }, 200, unsaid);
      expect([maxAge, staleWhileRevalidate, staleIfError]).toEqual([0, 0, 0]);
    },
  );
});

describe('the strictest of policies', () => {
  const times = fc.nat(100);
  const policies = fc.record<Policy>({
    scope: fc.constantFrom('public', 'private'),
    maxAge: times,
    staleWhileRevalidate: times,
    staleIfError: times,
  });

  it('allows at each moment what all of them allow', () => {
    fc.assert(
      fc.property(policies, policies, fc.nat(250), (one, other, at) => {
        const both = strictest(one, other);
        for (const stale of ['staleWhileRevalidate', 'staleIfError'] as const) {
          const allows = (each: Policy) => at < each.maxAge + each[stale];
          expect(allows(both)).toBe(allows(one) && allows(other));
        }
        expect(at < both.maxAge).toBe(at < one.maxAge && at < other.maxAge);
        expect(both.scope === 'public').toBe(one.scope === 'public' && other.scope === 'public');
        expect(strictest(other, one)).toEqual(both);
      }),
    );
  });

  it('is that of the provenance', () => {
    const provenance = new AnswerProvenance();
    expect(provenance.policy).toBeUndefined();
    provenance.add(policy(60), ['a']);
    provenance.add(policy(10, { scope: 'private' }), ['a', 'b']);
    expect(provenance.policy).toEqual(policy(10, { scope: 'private' }));
    expect([...provenance.tags]).toEqual(['a', 'b']);
    provenance.add(policy(99), ['c']);
    expect(provenance.policy).toEqual(policy(10, { scope: 'private' }));
  });
});

describe('provenance', () => {
  it('begin without calls, caches and mutations', () => {
    expect(new AnswerProvenance()).toMatchObject({ hasMutated: false, oldest: Infinity, isNear: false });
  });

  it('are as old as the oldest call', () => {
    const provenance = new AnswerProvenance();
    for (const sentAt of [undefined, 7, 5, undefined, 9]) provenance.date({ sentAt });
    expect(provenance).toMatchObject({ oldest: 5, isNear: false });
  });

  it('are near if one response is', () => {
    const provenance = new AnswerProvenance();
    provenance.date({ isNear: false });
    expect(provenance.isNear).toBe(false);
    provenance.date({ isNear: true });
    provenance.date({ isNear: false });
    expect(provenance).toMatchObject({ oldest: Infinity, isNear: true });
  });

  it('have the tags of all responses, until one of them is not cached', () => {
    const provenance = new AnswerProvenance();
    provenance.tag(['a']);
    provenance.add(policy(60), ['b']);
    provenance.tag(['c']);
    expect([...provenance.tags]).toEqual(['a', 'b', 'c']);
    provenance.add(noStore, ['d']);
    provenance.tag(['e']);
    expect([...provenance.tags]).toEqual([]);
  });
});
