/**
 * What running subscriptions share with one another, and what a new supergraph does to them. Over 300 lines: each thing that
 * is shared, moved or kept apart.
 */
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { GraphQLError } from 'graphql';
import type { HookOperation } from '../../gateway';
import { amountOf } from '../support/amounts';
import { eventOf, gapEvent, type HeldUpstream, upstreams } from '../support/held-upstreams';
import type { InProcessClient, InProcessOptions } from '../support/in-process-client';
import { eventually } from '../support/process';
import { type InProcessGateway, inProcessSubgraph, openInProcess } from '../support/in-process-gateway';
import type { Json } from '../support/running-gateway';
import { compose } from '../support/small-graph';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
const products = inProcessSubgraph({
  name: 'products',
  typeDefs: `${link}
    type Query { product: Product }
    type Subscription { repriced(upc: ID!): Product  moved: Product }
    type Product @key(fields: "upc") { upc: ID!  price: Int }`,
  resolvers: {},
});
let stars = 0;
const reviews = inProcessSubgraph({
  name: 'reviews',
  typeDefs: `${link}
    type Query { stars: Int }
    type Product @key(fields: "upc") { upc: ID!  stars: Int  words: Int }`,
  resolvers: { Product: { stars: () => ++stars, words: () => 1 } },
});
const other = inProcessSubgraph({
  name: 'reviews',
  typeDefs: `${link}
    type Query { stars: Int }
    type Product @key(fields: "upc") { upc: ID!  stars: Int }
    type More { a: Int }`,
  resolvers: { Product: { stars: () => ++stars } },
});

const query = 'subscription ($upc: ID!) { repriced(upc: $upc) { price stars } }';
let gateway: InProcessGateway;

beforeAll(async () => {
  gateway = await openInProcess([products, reviews], {
    transport: upstreams,
    headers: { forward: ['x-user', 'user-agent'] },
    calls: { sharedHeaders: ['user-agent'] },
    subscriptions: { perIdentity: 1200, unread: '1KiB' },
  });
});
afterAll(() => gateway.stop());
afterEach(async () => {
  for (const client of clients.splice(0)) client.leave();
  upstreams.reset();
  await gateway.report(compose([products, reviews]));
});

const clients: InProcessClient[] = [];

async function subscribe(body: Json = {}, how: InProcessOptions = {}): Promise<InProcessClient> {
  const client = gateway.ask({ query, variables: { upc: '1' }, ...body }, how);
  clients.push(client);
  expect((await client.head).status).toBe(200);
  return client;
}
const by = (user: string): InProcessOptions => ({ headers: { 'x-user': user } });
const repriced = (price: number): Json => ({ repriced: { __typename: 'Product', upc: '1', price } });
const withoutGap = (price: number): Json => ({
  data: { repriced: { price, stars: expect.any(Number) } },
  bytes: expect.anything(),
});
const partOf = async (client: InProcessClient): Promise<Json> => {
  const part = await client.rawPart();
  return part === undefined ? undefined : { ...JSON.parse(part.body.toString()), bytes: part.body };
};
const count = (name: string): number => gateway.count(`weir_subscriptions_${name}`);

describe('equal subscriptions', () => {
  it('share a source, and one execution for each event, whose bytes all of them get', async () => {
    const many = await Promise.all(Array.from({ length: 1000 }, () => subscribe()));
    expect([upstreams.opened.length, count('active'), count('upstreams')]).toEqual([1, 1000, 1]);
    const before = count('executions_total');
    const asked = reviews.requests.length;
    for (const price of [5, 6]) {
      upstreams.give(repriced(price));
      const parts = await Promise.all(many.map(partOf));
      expect(parts[0].data.repriced.price).toBe(price);
      for (const { bytes } of parts) expect(bytes).toBe(parts[0].bytes);
    }
    expect([count('executions_total') - before, reviews.requests.length - asked]).toEqual([2, 2]);
    for (const client of many.slice(1)) client.leave();
    expect([upstreams.open.length, count('active')]).toEqual([1, 1]);
    many[0]!.leave();
    expect([upstreams.open.length, count('active'), count('upstreams')]).toEqual([0, 0, 0]);
  });

  it('share a source whatever the headers of `calls.sharedHeaders` are, which the first client names', async () => {
    for (const agent of ['a', 'b']) await subscribe({}, { headers: { 'user-agent': agent } });
    expect(upstreams.opened).toHaveLength(1);
    const { caller } = upstreams.opened[0]!.request;
    expect(caller.headers).toEqual({});
    expect(caller.tracing).toMatchObject({ 'user-agent': 'a' });
  });

  it('share them where an event needs three subgraphs, each called once for it', async () => {
    const stock = inProcessSubgraph({
      name: 'stock',
      typeDefs: `${link} type Product @key(fields: "upc") { upc: ID!  left: Int }`,
      resolvers: { Product: { left: () => 3 } },
    });
    const larger = await openInProcess([products, reviews, stock], {
      transport: upstreams,
      subscriptions: { perIdentity: 1200 },
    });
    const body = {
      query: 'subscription ($upc: ID!) { repriced(upc: $upc) { price words left } }',
      variables: { upc: '1' },
    };
    const many = Array.from({ length: 1000 }, () => larger.ask(body));
    for (const client of many) expect((await client.head).status).toBe(200);
    const asked = reviews.requests.length;
    upstreams.give(repriced(5));
    const parts = await Promise.all(many.map((client) => client.rawPart()));
    expect(JSON.parse(parts[0]!.body.toString())).toEqual({
      data: { repriced: { price: 5, words: 1, left: 3 } },
    });
    for (const part of parts) expect(part!.body).toBe(parts[0]!.body);
    expect([upstreams.opened.length, larger.count('weir_subscriptions_executions_total')]).toEqual([1, 1]);
    expect([reviews.requests.length - asked, stock.requests.length]).toEqual([1, 1]);
    for (const client of many) client.leave();
    await larger.stop();
  });

  it.each([
    ['other variables', { variables: { upc: '2' } }, {}],
    ['other forwarded headers', {}, by('u2')],
  ])('share nothing with %s', async (_, body, how) => {
    await subscribe({}, by('u1'));
    await subscribe(body, how);
    expect(upstreams.open.length).toBe(2);
  });

  it('share the source alone where they select other fields of other subgraphs', async () => {
    const one = await subscribe();
    const two = await subscribe({
      query: 'subscription ($upc: ID!) { repriced(upc: $upc) { price words } }',
    });
    expect(upstreams.open.length).toBe(1);
    upstreams.give(repriced(5));
    expect((await partOf(one)).data).toEqual({ repriced: { price: 5, stars } });
    expect((await partOf(two)).data).toEqual({ repriced: { price: 5, words: 1 } });
  });

  it('all end with the source', async () => {
    const [one, two] = [await subscribe(), await subscribe()];
    upstreams.opened[0]!.events.end();
    expect([await one.part(), await two.part()]).toEqual([undefined, undefined]);
    expect(count('active')).toBe(0);
  });

  it('that come while the source is opened wait for it, and outlive the one that began it', async () => {
    let accept!: () => void;
    upstreams.accept = () => new Promise((resolve) => (accept = resolve));
    const first = gateway.ask({ query, variables: { upc: '1' } });
    while (upstreams.opened.length === 0) await wait(1);
    const second = gateway.ask({ query, variables: { upc: '1' } });
    clients.push(second);
    await wait(10);
    first.leave();
    expect(upstreams.opened[0]!.request.caller.isGone).toBe(false);
    accept();
    expect((await second.head).status).toBe(200);
    upstreams.give(repriced(5));
    expect((await partOf(second)).data.repriced.price).toBe(5);
    expect(upstreams.opened.length).toBe(1);
  });
});

describe('while the source is opened', () => {
  const asked = { query, variables: { upc: '1' } };
  let accept: () => void;
  beforeEach(() => {
    upstreams.accept = () => new Promise((resolve) => (accept = resolve));
  });

  it('a client that leaves is not counted any more, and leaves no source open', async () => {
    const client = gateway.ask(asked);
    while (upstreams.opened.length === 0) await wait(1);
    client.leave();
    expect([count('active'), count('upstreams')]).toEqual([0, 0]);
    const [{ request, events }] = upstreams.opened as [HeldUpstream];
    expect(request.caller.isGone).toBe(true);
    accept();
    while (!events.isClosed) await wait(1);
  });

  it('it outlives a client that has begun it, for another operation', async () => {
    const first = gateway.ask(asked);
    while (upstreams.opened.length === 0) await wait(1);
    const other = { ...asked, query: 'subscription ($upc: ID!) { repriced(upc: $upc) { price words } }' };
    const second = gateway.ask(other);
    clients.push(second);
    while (count('active') < 2) await wait(1);
    first.leave();
    expect(upstreams.opened[0]!.request.caller.isGone).toBe(false);
    accept();
    expect((await second.head).status).toBe(200);
    upstreams.give(repriced(5));
    expect((await partOf(second)).data).toEqual({ repriced: { price: 5, words: 1 } });
  });
});

it('never gives an identity what another one is answered, whatever the order', async () => {
  const users = ['u1', 'u2', 'u3'];
  const step = fc.oneof(
    fc.record({ is: fc.constant('come' as const), user: fc.constantFrom(...users) }),
    fc.record({ is: fc.constant('leave' as const), nth: fc.nat(20) }),
    fc.record({ is: fc.constant('event' as const) }),
  );
  let price = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      let left = count('deliveries_total');
      const open: { user: string; client: InProcessClient; due: number[] }[] = [];
      for (const each of steps) {
        if (each.is === 'come')
          open.push({ user: each.user, client: await subscribe({}, by(each.user)), due: [] });
        if (each.is === 'leave') {
          for (const { client, due } of open.splice(each.nth, 1)) {
            left += due.length;
            client.leave();
          }
        }
        if (each.is !== 'event') continue;
        for (const { request, events } of upstreams.open) {
          const user = request.caller.headers['x-user']!;
          price += 10;
          const own = price + users.indexOf(user) * 1_000_000;
          events.give({
            status: 200,
            headers: {},
            body: Buffer.from(JSON.stringify({ data: repriced(own) })),
          });
          for (const one of open) if (one.user === user) one.due.push(own);
        }
        const due = open.reduce((sum, one) => sum + one.due.length, left);
        while (count('deliveries_total') < due) await wait(1);
      }
      for (const { client, due } of open) {
        for (const expected of due) expect((await partOf(client)).data.repriced.price).toBe(expected);
        client.leave();
      }
      expect([count('active'), upstreams.open.length]).toEqual([0, 0]);
      upstreams.reset();
    }),
    { numRuns: amountOf('WEIR_ROUNDS', 6, 100) },
  );
});

describe('a slow client', () => {
  it('gets the newest answer, told that there was a gap, and harms nobody', async () => {
    const [slow, fast] = [await subscribe(), await subscribe()];
    for (let price = 1; price <= 50; price++) {
      upstreams.give(repriced(price));
      expect((await partOf(fast)).data.repriced.price).toBe(price);
    }
    const got: Json[] = [];
    for (let last = 0; last < 50; last = got.at(-1).data.repriced.price) got.push(await partOf(slow));
    expect(got.length).toBeLessThan(40);
    expect(got.filter(({ extensions }) => extensions?.weir.gap === true).length).toBeGreaterThan(0);
    expect(count('dropped_total')).toBeGreaterThan(0);
  });
});

const gap = { data: null, extensions: { weir: { gap: true } } };

it('tells of a gap at a subgraph at once, and once', async () => {
  const client = await subscribe();
  upstreams.opened[0]!.events.give(gapEvent);
  expect(await partOf(client)).toMatchObject(gap);
  upstreams.give(repriced(1));
  expect(await partOf(client)).toEqual(withoutGap(1));
});

describe('positions', () => {
  it('are cursors, with which a client comes back', async () => {
    const client = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    const { extensions } = await partOf(client);
    const { cursor } = extensions.weir;
    expect(cursor).not.toContain('p1');
    client.leave();
    await subscribe({ extensions: { after: cursor } });
    expect(upstreams.opened[1]!.request.after).toBe('p1');
  });

  it('of more than 1 KB are no cursors', async () => {
    const client = await subscribe();
    upstreams.give(repriced(1), { position: 'p'.repeat(1025) });
    expect(await partOf(client)).toEqual(withoutGap(1));
  });

  it.each([
    ['a little later', () => wait(5)],
    ['after a new supergraph', () => gateway.report(`${compose([products, reviews])}\n# new`)],
  ])('are replayed to nobody else: not to who comes %s', async (_, pass) => {
    const before = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    const { cursor } = (await partOf(before)).extensions.weir;
    before.leave();
    const resumed = await subscribe({ extensions: { after: cursor } });
    await pass();
    const others = [
      await subscribe(),
      await subscribe({ query: 'subscription ($upc: ID!) { repriced(upc: $upc) { price words } }' }),
    ];
    const [replaying, fresh] = upstreams.open as [HeldUpstream, HeldUpstream];
    expect(upstreams.open.length).toBe(2);
    replaying.events.give(eventOf(repriced(2)));
    fresh.events.give(eventOf(repriced(3)));
    expect((await partOf(resumed)).data.repriced.price).toBe(2);
    for (const other of others) expect((await partOf(other)).data.repriced.price).toBe(3);
  });

  it('that are the same share the source that is opened from there', async () => {
    const before = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    const { cursor } = (await partOf(before)).extensions.weir;
    before.leave();
    let accept!: () => void;
    const accepted = new Promise<void>((resolve) => (accept = resolve));
    upstreams.accept = () => accepted;
    const resuming = [1, 2].map(() => subscribe({ extensions: { after: cursor } }));
    while (count('active') < 2) await wait(1);
    accept();
    const resumed = await Promise.all(resuming);
    expect(upstreams.open.length).toBe(1);
    upstreams.give(repriced(2));
    for (const client of resumed) expect((await partOf(client)).data.repriced.price).toBe(2);
    expect(count('upstreams')).toBe(1);
  });

  it.each([
    ['one that has subscribed anew', [undefined, 1, 2, 2]],
    ['each other', [1, 2, 3]],
  ])('are followed by one execution, once those who come back have caught up with %s', async (_, from) => {
    const before = await subscribe();
    const cursors = new Map<number, string>();
    for (const n of [1, 2, 3]) {
      upstreams.give(repriced(n), { position: `p${n}` });
      cursors.set(n, (await partOf(before)).extensions.weir.cursor);
    }
    before.leave();
    upstreams.reset();
    const all = await Promise.all(
      from.map((n) => subscribe(n === undefined ? {} : { extensions: { after: cursors.get(n) } })),
    );
    const give = (n: number): void => {
      for (const { request, events } of upstreams.open)
        if (request.after === undefined ? n > 3 : n > Number(request.after.slice(1)))
          events.give(eventOf(repriced(n), { position: `p${n}` }));
    };
    for (const n of [2, 3, 4]) give(n);
    for (const [i, client] of all.entries())
      for (let n = (from[i] ?? 3) + 1; n <= 4; n++)
        expect((await partOf(client)).data.repriced.price).toBe(n);
    while (upstreams.open.length > 1) await wait(1);
    expect([count('upstreams'), count('active')]).toEqual([1, from.length]);
    const executions = count('executions_total');
    give(5);
    for (const client of all) expect((await partOf(client)).data.repriced.price).toBe(5);
    expect(count('executions_total') - executions).toBe(1);
    for (const client of all) client.leave();
    expect([count('upstreams'), count('active')]).toEqual([0, 0]);
  });

  describe('of many clients that come back at once', () => {
    const events = 60;
    const cursors: string[] = [];
    beforeEach(async () => {
      cursors.length = 0;
      const before = await subscribe();
      for (let n = 0; n < 10; n++) {
        upstreams.give(repriced(n), { position: `${n}` });
        cursors.push((await partOf(before)).extensions.weir.cursor);
      }
      before.leave();
      upstreams.reset();
      // As a subgraph that replays.
      upstreams.accept = async ({ after }) => {
        if (after === undefined) return;
        for (let n = Number(after) + 1; n < events; n++)
          upstreams.opened.at(-1)!.events.give(eventOf(repriced(n), { position: `${n}` }));
      };
    });
    /** Resolves when a client has all events after its cursor, each once. */
    async function comesBack(from: number, onPart = (): void => undefined): Promise<void> {
      const client = await subscribe({ extensions: { after: cursors[from] } });
      for (let n = from + 1; n < events; n++) {
        const { data, extensions } = await partOf(client);
        expect([data.repriced.price, extensions.weir.gap]).toEqual([n, undefined]);
        onPart();
      }
    }

    it.each([
      ['the first one', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
      ['the last one', [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]],
      ['any one', [4, 9, 2, 7, 0, 5, 3, 8, 1, 6]],
    ])('have events executed once, few of them twice, where %s comes first', async (_, order) => {
      const executions = count('executions_total');
      const some = [...order, ...order].map((from) => comesBack(from));
      await some[0];
      await Promise.all([...some, ...order.map((from) => comesBack(from))]);
      // Each client alone would have about 55 executed, 1,635 in all. A replay that has waited for its turn begins beside the
      // first one on a busy machine, and ends where it meets it.
      expect(count('executions_total') - executions).toBeLessThanOrEqual(2 * events);
      await eventually(() => count('upstreams') === 1);
      upstreams.give(repriced(events), { position: `${events}` });
      for (const client of clients.slice(1)) expect((await partOf(client)).data.repriced.price).toBe(events);
    });

    it('are given their events by turns with others', async () => {
      const other = await subscribe({ query: 'subscription { moved { price } }' });
      await comesBack(0);
      let parts = 0;
      const some = cursors.map((_, from) => comesBack(from, () => parts++));
      upstreams.opened[0]!.events.give(eventOf({ moved: repriced(1).repriced }));
      await partOf(other);
      const before = parts;
      await Promise.all(some);
      expect(before).toBeLessThan(parts / 4);
    });

    it('are told of a gap where there was one meanwhile', async () => {
      await comesBack(0);
      upstreams.opened[0]!.events.give(gapEvent);
      await partOf(clients.at(-1)!);
      const late = await subscribe({ extensions: { after: cursors[3] } });
      expect((await partOf(late)).data.repriced.price).toBe(4);
      expect(upstreams.opened[1]!.request.after).toBe('3');
    });
  });

  /** The cursor of another position, as far as a client can make it. */
  const forged = (cursor: string): string => {
    const bytes = Buffer.from(cursor, 'base64url');
    expect(bytes.toString()).toMatch(/p1$/);
    return Buffer.concat([bytes.subarray(0, -1), Buffer.from('9')]).toString('base64url');
  };
  it.each<[string, (cursor: string) => [Json, InProcessOptions?]]>([
    ['are none', () => [{ extensions: { after: 'nothing' } }]],
    ['are forged', (cursor) => [{ extensions: { after: forged(cursor) } }]],
    ['are forged, in a header,', (cursor) => [{}, { headers: { 'last-event-id': forged(cursor) } }]],
    ['have 10 KB', (cursor) => [{ extensions: { after: cursor + 'A'.repeat(10_000) } }]],
  ])('that %s begin with a gap, and no subgraph gets them', async (_, forge) => {
    const before = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    const { cursor } = (await partOf(before)).extensions.weir;
    before.leave();
    upstreams.reset();
    const client = await subscribe(...forge(cursor));
    expect(upstreams.opened[0]!.request.after).toBeUndefined();
    expect(await partOf(client)).toMatchObject(gap);
    upstreams.give(repriced(1));
    expect(await partOf(client)).toEqual(withoutGap(1));
  });

  it('hold at all gateways that have the link key with which they are signed', async () => {
    const [one, two] = ['1'.repeat(40), '2'.repeat(40)];
    const gateways: InProcessGateway[] = [];
    const subscribeAt = async (keys: string[], after?: string): Promise<InProcessClient> => {
      const at = await openInProcess([products], { transport: upstreams, privateLinks: { keys } });
      gateways.push(at);
      const document = 'subscription { moved { price } }';
      const client = at.ask({ query: document, ...(after !== undefined && { extensions: { after } }) });
      expect((await client.head).status).toBe(200);
      return client;
    };
    const first = await subscribeAt([one]);
    upstreams.give({ moved: null }, { position: 'p1' });
    const { cursor } = (await partOf(first)).extensions.weir;
    for (const keys of [[one], [two, one], [two]]) await subscribeAt(keys, cursor);
    expect(upstreams.opened.map(({ request }) => request.after)).toEqual([undefined, 'p1', 'p1', undefined]);
    await Promise.all(gateways.map((each) => each.stop()));
  });

  const other = 'subscription ($upc: ID!) { again: repriced(upc: $upc) { price words } }';
  it.each<[string, Json, InProcessOptions, string | undefined]>([
    ['of the same field and arguments hold for another selection', { query: other }, by('u1'), 'p1'],
    ['of another field begin with a gap', { query: 'subscription { moved { price } }' }, by('u1'), undefined],
    ['of other arguments begin with a gap', { variables: { upc: '2' } }, by('u1'), undefined],
    ['of another caller begin with a gap', {}, by('u2'), undefined],
  ])('%s', async (_, body, how, after) => {
    const before = await subscribe({}, by('u1'));
    upstreams.give(repriced(1), { position: 'p1' });
    const { cursor } = (await partOf(before)).extensions.weir;
    before.leave();
    const client = await subscribe({ ...body, extensions: { after: cursor } }, how);
    expect(upstreams.open.map(({ request }) => request.after)).toEqual([after]);
    if (after === undefined) expect(await partOf(client)).toMatchObject(gap);
  });
});

describe('a new supergraph', () => {
  it('keeps the source where its operation is the same', async () => {
    const client = await subscribe();
    for (let i = 1; i <= Number(process.env['WEIR_ROUNDS'] ?? 3); i++) {
      upstreams.give(repriced(i));
      await gateway.report(`${compose([products, reviews])}\n# ${i}`);
      upstreams.give(repriced(-i));
      expect(await partOf(client)).toMatchObject({ data: { repriced: { price: i } } });
      const after = await partOf(client);
      expect([after.data.repriced.price, after.extensions]).toEqual([-i, undefined]);
    }
    expect(upstreams.opened.length).toBe(1);
    expect(count('upstreams')).toBe(1);
  });

  it('answers by the new one', async () => {
    const client = await subscribe();
    await gateway.report(compose([products, other]));
    upstreams.give(repriced(1));
    expect((await partOf(client)).data).toEqual({ repriced: { price: 1, stars } });
  });

  it('ends, with the reason, those alone that are not valid any more', async () => {
    const gone = await subscribe({ query: 'subscription ($upc: ID!) { repriced(upc: $upc) { words } }' });
    const valid = await subscribe();
    await gateway.report(compose([products, other]));
    const { errors } = await partOf(gone);
    expect(errors).toEqual([
      {
        message: expect.stringMatching(
          /^The graph has changed, and the subscription is not valid any more: Cannot query field "words" on type "Product"/,
        ),
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ]);
    expect(await gone.part()).toBeUndefined();
    upstreams.give(repriced(1));
    expect((await partOf(valid)).data.repriced.price).toBe(1);
  });

  it('asks the hook again for each client, and ends those alone that it refuses', async () => {
    const seen: [string, HookOperation][] = [];
    const hooked = await openInProcess([products, reviews], {
      transport: upstreams,
      headers: { forward: ['x-tenant'] },
      hooks: {
        onOperation({ headers }, operation) {
          seen.push([String(headers['x-user']), operation]);
          if (headers['x-user'] !== blocked) return;
          throw new GraphQLError('This user is blocked.', { extensions: { code: 'BLOCKED' } });
        },
      },
    });
    let blocked = '';
    const [one, two] = ['u1', 'u2'].map((user) => hooked.ask({ query, variables: { upc: '1' } }, by(user)));
    for (const client of [one!, two!]) expect((await client.head).status).toBe(200);
    expect(upstreams.open.length).toBe(1);
    blocked = 'u2';
    seen.length = 0;
    await hooked.report(`${compose([products, reviews])}\n# new`);
    const operation = { name: null, type: 'subscription', variables: { upc: '1' } };
    expect(seen).toEqual([
      ['u1', operation],
      ['u2', operation],
    ]);
    expect((await partOf(two!)).errors).toEqual([
      { message: 'This user is blocked.', extensions: { code: 'BLOCKED' } },
    ]);
    expect(await two!.part()).toBeUndefined();
    upstreams.give(repriced(1));
    expect((await partOf(one!)).data.repriced.price).toBe(1);
    one!.leave();
    await hooked.stop();
  });

  const elsewhere = (): string => compose([{ ...products, url: 'http://elsewhere.test/graphql' }, reviews]);

  it('opens another source before it closes the old one, and tells of the gap once', async () => {
    const client = await subscribe();
    let accept!: () => void;
    upstreams.accept = () => new Promise((resolve) => (accept = resolve));
    await gateway.report(elsewhere(), { settled: false });
    while (upstreams.opened.length < 2) await wait(1);
    const [old, next] = upstreams.opened as [HeldUpstream, HeldUpstream];
    expect(old.events.isClosed).toBe(false);
    old.events.give({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ data: repriced(1) })) });
    expect((await partOf(client)).extensions).toBeUndefined();
    accept();
    while (!old.events.isClosed) await wait(1);
    expect(next.events.isClosed).toBe(false);
    expect(await partOf(client)).toMatchObject(gap);
    upstreams.give(repriced(2));
    expect(await partOf(client)).toEqual(withoutGap(2));
  });

  it('opens a source at another subgraph without a position, which is none there, and closes the old one when it has given what the new one has', async () => {
    const client = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    await partOf(client);
    await gateway.report(compose([{ ...products, name: 'prices' }, reviews]));
    const [old, next] = upstreams.opened as [HeldUpstream, HeldUpstream];
    expect([old.events.isClosed, next.request.after]).toEqual([false, undefined]);
    // It was on its way when the other source was opened.
    old.events.give(eventAt(2));
    expect((await partOf(client)).data.repriced.price).toBe(2);
    next.events.give(eventAt(3), eventAt(4));
    await wait(5);
    old.events.give(eventAt(3));
    expect((await partOf(client)).data.repriced.price).toBe(3);
    expect(await partOf(client)).toMatchObject(gap);
    expect((await partOf(client)).data.repriced.price).toBe(4);
    expect(old.events.isClosed).toBe(true);
    await gateway.report(elsewhere());
    expect(upstreams.opened[2]!.request.after).toBeUndefined();
  });

  it('goes on from the position of the last event, without a gap and nothing twice', async () => {
    const client = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    expect((await partOf(client)).data.repriced.price).toBe(1);
    let accept!: () => void;
    upstreams.accept = () => new Promise((resolve) => (accept = resolve));
    await gateway.report(elsewhere(), { settled: false });
    while (upstreams.opened.length < 2) await wait(1);
    const [old, next] = upstreams.opened as [HeldUpstream, HeldUpstream];
    expect(next.request.after).toBe('p1');
    old.events.give(eventAt(2), eventAt(3));
    accept();
    while (!old.events.isClosed) await wait(1);
    next.events.give(eventAt(2), eventAt(3), eventAt(4));
    for (const price of [2, 3, 4]) {
      const part = await partOf(client);
      expect([part.data.repriced.price, part.extensions.weir.gap]).toEqual([price, undefined]);
    }
  });

  it('that comes while a source of the one before is opened leaves one source open', async () => {
    const client = await subscribe();
    const accepted: (() => void)[] = [];
    upstreams.accept = () => new Promise((resolve) => accepted.push(resolve));
    await gateway.report(elsewhere(), { settled: false });
    while (accepted.length < 1) await wait(1);
    const third = compose([{ ...products, url: 'http://third.test/graphql' }, reviews]);
    await gateway.report(third, { settled: false });
    await wait(20);
    upstreams.accept = () => Promise.resolve();
    for (const accept of accepted) accept();
    while (upstreams.opened.length < 3 || upstreams.open.length > 1) await wait(1);
    expect(upstreams.opened[2]!.events.isClosed).toBe(false);
    expect(await partOf(client)).toMatchObject(gap);
    upstreams.give(repriced(1));
    upstreams.give(repriced(2));
    for (const price of [1, 2]) expect((await partOf(client)).data.repriced.price).toBe(price);
  });

  it('bounds what a source sends while another one is opened, and replays it', async () => {
    const client = await subscribe();
    upstreams.give(repriced(1), { position: 'p1' });
    expect((await partOf(client)).data.repriced.price).toBe(1);
    let accept!: () => void;
    upstreams.accept = () => new Promise((resolve) => (accept = resolve));
    await gateway.report(elsewhere(), { settled: false });
    while (upstreams.opened.length < 2) await wait(1);
    const [old, next] = upstreams.opened as [HeldUpstream, HeldUpstream];
    const before = gateway.count('weir_subgraph_events_dropped_total');
    for (let i = 2; i <= 200; i++) old.events.give(eventAt(i));
    while (gateway.count('weir_subgraph_events_dropped_total') === before) await wait(1);
    accept();
    while (!old.events.isClosed) await wait(1);
    next.events.give(eventAt(2));
    const part = await partOf(client);
    expect([part.data.repriced.price, part.extensions.weir.gap]).toEqual([2, undefined]);
  });

  const eventAt = (price: number) => ({
    status: 200,
    headers: {},
    body: Buffer.from(JSON.stringify({ data: repriced(price) })),
    position: `p${price}`,
  });
});

it('refuses more subscriptions than one caller may have', async () => {
  const small = await openInProcess([products, reviews], {
    transport: upstreams,
    subscriptions: { perIdentity: 2, total: 10 },
  });
  const asked = Array.from({ length: 3 }, () => small.ask({ query, variables: { upc: '1' } }));
  const statuses = await Promise.all(asked.map(async ({ head }) => (await head).status));
  expect(statuses.sort()).toEqual([200, 200, 429]);
  for (const client of asked) client.leave();
  expect((await small.ask({ query, variables: { upc: '1' } }).head).status).toBe(200);
  await small.stop();
});

it('counts a subscription with a long request as several, as it is kept', async () => {
  const small = await openInProcess([products, reviews], {
    transport: upstreams,
    subscriptions: { perIdentity: 3 },
  });
  const ask = (upc: string) => small.ask({ query, variables: { upc } });
  const long = ask('1'.repeat(8000));
  expect((await long.head).status).toBe(200);
  const [short, refused] = [ask('1'), ask('2')];
  const statuses = [(await short.head).status, (await refused.head).status];
  expect(statuses.sort()).toEqual([200, 429]);
  for (const client of [long, short, refused]) client.leave();
  expect((await ask('3').head).status).toBe(200);
  await small.stop();
});
