/** Who may ask how often. Over 300 lines: rates of requests and of cost are counted by one class. */
import { anonymous, createIdentity, type Identity } from '../../../../../gateway/auth/identity';
import { RateCounter } from '../../../../../gateway/admission/rates/rate-counter';
import type { RateOptions } from '../../../../../gateway/options/rates';
import { type RateLimitedRequest, networkOf, Rates } from '../../../../../gateway/admission/rates/rates';
import type { SharedCount } from '../../../../../gateway/admission/rates/shared-counts';
import { createMetrics, type Metrics } from '../../../../../gateway/telemetry/metrics/metrics';

let metrics: Metrics;
let clock = Date.UTC(2026, 10, 25, 12);
beforeEach(() => {
  metrics = createMetrics();
  clock = Date.UTC(2026, 10, 25, 12);
});
afterEach(() => metrics.close());

const ratesOf = (...rates: RateOptions[]): Rates =>
  new Rates({ rates, meter: metrics.meter, now: () => clock });
const request = (address: string, identity: Identity = anonymous): RateLimitedRequest => ({
  identity,
  address,
  rateRefusal: undefined,
  charge: undefined,
  rateHeaders: [],
});
const user = (subject: string, client?: string, groups: string[] = []): Identity =>
  createIdentity({ mode: 'oidc', issuer: 'https://id.example', subject, client, groups });
/** How many of so many requests are let through. */
const passed = (rates: Rates, count: number, of: () => RateLimitedRequest): number =>
  Array.from({ length: count }, () => rates.refuse(of())).filter((refusal) => refusal === undefined).length;

const perAddress: RateOptions = {
  name: 'address',
  per: 'address',
  limit: 3,
  count: 'requests',
  window: 60_000,
};

it('admits as many requests per address as the limit, and again in the next window', () => {
  const rates = ratesOf(perAddress);
  expect(passed(rates, 10, () => request('192.0.2.1'))).toBe(3);
  expect(passed(rates, 10, () => request('192.0.2.2'))).toBe(3);
  clock += 59_999;
  expect(passed(rates, 1, () => request('192.0.2.1'))).toBe(0);
  clock += 1;
  expect(passed(rates, 10, () => request('192.0.2.1'))).toBe(3);
});

it('counts a request once, however often it is asked about', () => {
  const rates = ratesOf(perAddress);
  const one = request('192.0.2.1');
  expect(Array.from({ length: 9 }, () => rates.refuse(one)).every((each) => each === undefined)).toBe(true);
  expect(passed(rates, 10, () => request('192.0.2.1'))).toBe(2);
});

it('tells the limit, the rest, and when to retry', async () => {
  const rates = ratesOf(perAddress);
  clock += 20_500;
  const first = request('192.0.2.1');
  rates.refuse(first);
  expect(first.rateHeaders).toEqual([
    'ratelimit-policy',
    '"address";q=3;w=60',
    'ratelimit',
    '"address";r=2;t=40',
  ]);
  passed(rates, 2, () => request('192.0.2.1'));
  const refused = request('192.0.2.1');
  const refusal = rates.refuse(refused)!;
  expect(refusal.message).toBe('Too many requests: "address" allows 3 in 60 s. Ask again in 40 s.');
  expect(refusal.extensions).toMatchObject({
    code: 'RATE_LIMITED',
    http: { status: 429, headers: new Map([['retry-after', '40']]) },
  });
  expect(refused.rateHeaders).toEqual([
    'ratelimit-policy',
    '"address";q=3;w=60',
    'ratelimit',
    '"address";r=0;t=40',
  ]);
  expect(metrics.text()).toMatch(/weir_requests_limited_total\{rate="address"\} 1\n/);
});

it('counts an identity over all addresses, and anonymous callers by address', () => {
  const rates = ratesOf({ ...perAddress, name: 'identity', per: 'identity' });
  let i = 0;
  expect(passed(rates, 10, () => request(`192.0.2.${i++}`, user('anna')))).toBe(3);
  expect(passed(rates, 10, () => request('192.0.2.1', user('ben')))).toBe(3);
  expect(passed(rates, 10, () => request('192.0.2.1'))).toBe(3);
  expect(passed(rates, 10, () => request('192.0.2.2'))).toBe(3);
});

it('counts a client over all its users, and does not limit requests without a client', () => {
  const rates = ratesOf({ ...perAddress, name: 'client', per: 'client' });
  let i = 0;
  expect(passed(rates, 10, () => request('192.0.2.1', user(`user${i++}`, 'mobile')))).toBe(3);
  expect(passed(rates, 10, () => request('192.0.2.1', user('anna')))).toBe(10);
});

it('limits only the requests that a rate names, and counts a refused request for no rate', () => {
  const rates = ratesOf(
    { ...perAddress, name: 'staff', per: 'identity', limit: 2, group: 'staff' },
    { ...perAddress, name: 'all', per: 'everybody', limit: 5 },
  );
  expect(passed(rates, 10, () => request('192.0.2.1', user('anna', undefined, ['staff'])))).toBe(2);
  expect(passed(rates, 10, () => request('192.0.2.1', user('ben')))).toBe(3);
});

it('limits only requests of a mode, client or group, and sends others no headers', () => {
  const anna = user('anna', 'mobile', ['staff']);
  const key = createIdentity({ mode: 'api-key', client: 'web' });
  const limitedBy = (rate: Partial<RateOptions>) =>
    [anna, key, anonymous].map((identity) => {
      const rates = ratesOf({ ...perAddress, limit: 1, ...rate });
      const last = request('192.0.2.1', identity);
      const count = passed(rates, 2, () => request('192.0.2.1', identity));
      rates.refuse(last);
      expect(last.rateHeaders).toHaveLength(count === 1 ? 4 : 0);
      return count === 1;
    });
  expect(limitedBy({})).toEqual([true, true, true]);
  expect(limitedBy({ mode: 'oidc' })).toEqual([true, false, false]);
  expect(limitedBy({ mode: 'none' })).toEqual([false, false, true]);
  expect(limitedBy({ client: 'web' })).toEqual([false, true, false]);
  expect(limitedBy({ group: 'staff' })).toEqual([true, false, false]);
  expect(limitedBy({ mode: 'oidc', client: 'web' })).toEqual([false, false, false]);
  expect(limitedBy({ per: 'client' })).toEqual([true, true, false]);
});

it('limits only requests of a protocol, also of a caller who speaks both', () => {
  const rates = ratesOf({ ...perAddress, limit: 1, protocol: 'mcp' });
  const agent = (): RateLimitedRequest => ({ ...request('192.0.2.1'), protocol: 'mcp' });
  expect(passed(rates, 3, () => request('192.0.2.1'))).toBe(3);
  expect(passed(rates, 3, agent)).toBe(1);
  expect(passed(rates, 3, () => request('192.0.2.1'))).toBe(3);
});

it.each<[string, Partial<RateOptions>]>([
  ['name', { name: 'other' }],
  ['subject', { per: 'identity' }],
  ['window', { window: 120_000 }],
  ['unit', { count: 'cost' }],
])('begins anew when the %s of a rate changes', (_, change) => {
  const before = ratesOf(perAddress);
  expect(passed(before, 3, () => request('192.0.2.1'))).toBe(3);
  const rates = [{ ...perAddress, ...change }];
  const after = new Rates({ rates, meter: metrics.meter, previous: before, now: () => clock });
  expect(after.refuse(request('192.0.2.1'))).toBeUndefined();
});

it('is undefined without rates', () => {
  expect(Rates.of({ rates: [], meter: metrics.meter })).toBeUndefined();
  expect(Rates.of({ rates: [perAddress], meter: metrics.meter })).toBeInstanceOf(Rates);
});

it('counts the operations of a batch beyond its first', () => {
  const rates = ratesOf(perAddress);
  const one = request('192.0.2.1');
  expect([rates.refuse(one), rates.refuseBatch(one, 1), rates.refuseBatch(one, 3)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(one.rateHeaders[3]).toBe('"address";r=0;t=60');
  const other = request('192.0.2.2');
  rates.refuse(other);
  expect(rates.refuseBatch(other, 4)?.extensions['code']).toBe('RATE_LIMITED');
  expect(passed(rates, 10, () => request('192.0.2.2'))).toBe(2);
});

describe('with counts that are shared', () => {
  const told: [SharedCount, number][] = [];
  const cost: RateOptions = { ...perAddress, name: 'cost', count: 'cost', limit: 10 };
  const open = (...rates: RateOptions[]) => {
    told.length = 0;
    const shared = { add: (count: SharedCount, amount: number) => void told.push([count, amount]) };
    return new Rates({ rates, meter: metrics.meter, now: () => clock, shared: shared as never });
  };

  it('share only what was counted', () => {
    const rates = open(perAddress, cost);
    const one = request('192.0.2.1');
    rates.refuse(one);
    one.charge!(0);
    one.charge!(4);
    one.charge!(7);
    const start = Date.UTC(2026, 10, 25, 12);
    expect(told.map(([{ sharedKey, end }, amount]) => [sharedKey, end, amount])).toEqual([
      [`address:address:requests:60000:${start}:192.0.2.1`, start + 60_000, 1],
      [`cost:address:cost:60000:${start}:192.0.2.1`, start + 60_000, 4],
    ]);
  });

  it('include the counts of others, except for a request that is admitted already', () => {
    const rates = open(perAddress, cost);
    const one = request('192.0.2.1');
    rates.refuse(one);
    told[0]![0].used = 100;
    expect(one.charge!(4)).toBeUndefined();
    const next = request('192.0.2.1');
    expect(rates.refuse(next)?.extensions['code']).toBe('RATE_LIMITED');
    expect(next.rateHeaders[3]).toBe('"address";r=0;t=60, "cost";r=6;t=60');
  });
});

it('goes on counting when the options change, also when the limit does', () => {
  const before = ratesOf(perAddress);
  expect(passed(before, 2, () => request('192.0.2.1'))).toBe(2);
  const rates = [
    { ...perAddress, limit: 5 },
    { ...perAddress, name: 'new', limit: 100 },
  ];
  const after = new Rates({ rates, meter: metrics.meter, previous: before, now: () => clock });
  expect(passed(after, 10, () => request('192.0.2.1'))).toBe(3);
});

describe('of cost', () => {
  const cost: RateOptions = { ...perAddress, name: 'cost', count: 'cost', limit: 10 };

  /** What becomes of a request with operations of such costs. */
  const ask = (rates: Rates, ...costs: number[]): boolean[] => askAs(request('192.0.2.1'), rates, ...costs);
  const askAs = (one: RateLimitedRequest, rates: Rates, ...costs: number[]): boolean[] => {
    const isIn = rates.refuse(one) === undefined;
    return [isIn, ...costs.map((each) => isIn && one.charge!(each) === undefined)];
  };

  it('a rate counts the cost of operations as soon as it is known, and tells the rest', () => {
    const rates = ratesOf(cost);
    const one = request('192.0.2.1');
    expect(askAs(one, rates, 4)).toEqual([true, true]);
    expect(one.rateHeaders).toEqual([
      'ratelimit-policy',
      '"cost";q=10;qu="cost";w=60',
      'ratelimit',
      '"cost";r=6;t=60',
    ]);
    expect(ask(rates, 7)).toEqual([true, false]);
    expect(ask(rates, 6, 0)).toEqual([true, true, true]);
  });

  it('a rate that is used up refuses all requests, even without cost', async () => {
    const rates = ratesOf(cost);
    expect(ask(rates, 10)).toEqual([true, true]);
    expect(ask(rates, 0)).toEqual([false, false]);
    expect(rates.refuse(request('192.0.2.1'))!.message).toBe(
      'Too great a cost: "cost" allows 10 in 60 s. Ask again in 60 s.',
    );
    clock += 60_000;
    expect(ask(rates, 10)).toEqual([true, true]);
  });

  it('a rate refuses the rest of a request after one refusal, and counts that once', async () => {
    const rates = ratesOf(cost);
    expect(ask(rates, 8, 3, 1)).toEqual([true, true, false, false]);
    expect(metrics.text()).toMatch(/weir_requests_limited_total\{rate="cost"\} 1\n/);
    expect(ask(rates, 2)).toEqual([true, true]);
  });

  it('a rate stands beside one of requests, whose last request may cost something', () => {
    const rates = ratesOf(perAddress, cost);
    const last = request('192.0.2.1');
    expect([ask(rates, 1), ask(rates, 1), ask(rates, 1), askAs(last, rates, 1)]).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [false, false],
    ]);
    expect(last.rateHeaders[3]).toBe('"address";r=0;t=60, "cost";r=7;t=60');
  });

  it('is counted only for requests that have such a rate', () => {
    const rates = ratesOf(perAddress, { ...cost, client: 'mobile' });
    const one = request('192.0.2.1');
    rates.refuse(one);
    expect(one.charge).toBeUndefined();
  });
});

it('begins a quota at midnight of UTC, or with the month', () => {
  const day = new RateCounter({ ...perAddress, window: 'day' });
  day.of('', Date.UTC(2026, 10, 25, 22));
  expect([day.length, day.left(Date.UTC(2026, 10, 25, 22))]).toEqual([86_400, 7200]);
  const month = new RateCounter({ ...perAddress, window: 'month' });
  month.of('', Date.UTC(2026, 11, 31)).used = 7;
  expect([month.length, month.left(Date.UTC(2026, 11, 31))]).toEqual([31 * 86_400, 86_400]);
  expect(month.of('', Date.UTC(2027, 0, 1)).used).toBe(0);
});

it('begins a window anew when the clock is set back to before it', () => {
  const counter = new RateCounter(perAddress);
  counter.of('a', clock).used = 3;
  expect(counter.of('a', clock - 1).used).toBe(0);
  expect(counter.left(clock - 1)).toBe(1);
});

it('remembers a limited number of keys, the most recent ones', () => {
  const counter = new RateCounter(perAddress, 100);
  for (let i = 0; i < 1000; i++) {
    counter.of('busy', clock).used++;
    counter.of(String(i), clock).used++;
  }
  expect(counter.of('busy', clock).used).toBe(1000);
  expect(counter.of('0', clock).used).toBe(0);
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['2001:db8:1::', '2001:db8:1:0'],
  ['', ''],
])('counts %s as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
