import type { ServerResponse } from 'node:http';
import { WebSocket } from 'ws';
import { createClient } from 'graphql-ws';
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

let issuer: TokenIssuer;
let subgraphs: TestSubgraph[];
let gateway: TestGateway | undefined;
let isCached = true;

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7",
  import: ["@key", "@override"])`;

beforeAll(async () => {
  const product = (own: object) => ({ __resolveReference: (it: object) => it, ...own });
  const older = await startSubgraph({
    name: 'older',
    typeDefs: `${link}
      type Query { product: Product  item: Item }
      type Subscription { changed: Product }
      interface Item { stock: String }
      type Product implements Item @key(fields: "id") { id: ID!  name: String  stock: String  price: String }`,
    resolvers: {
      Subscription: { changed: {} },
      Query: { product: () => ({ id: '1' }), item: () => ({ __typename: 'Product', id: '1' }) },
      Product: product({ name: () => 'Tea', stock: () => 'older', price: () => 'older' }),
    },
  });
  const newer = await startSubgraph({
    name: 'newer',
    typeDefs: `${link}
      type Product @key(fields: "id") {
        id: ID!
        stock: String @override(from: "older", label: "stock-v2")
        price: String @override(from: "older", label: "price-v2")
      }`,
    resolvers: { Product: product({ stock: () => 'newer', price: () => 'newer' }) },
  });
  const delivery = await startSubgraph({
    name: 'delivery',
    typeDefs: `${link}
      type Product @key(fields: "id") { id: ID!  days: String }`,
    resolvers: { Product: product({ days: ({ stock }: { stock: string }) => `after ${stock}` }) },
  });
  subgraphs = [older, newer, delivery];
  for (const each of subgraphs)
    each.headers = (): Record<string, string> =>
      isCached ? { 'cache-control': 'public, max-age=60' } : { 'cache-control': 'no-store' };
  issuer = await startTokenIssuer();
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  isCached = true;
});

afterAll(() => Promise.all([issuer.close(), ...subgraphs.map((each) => each.close())]));

/** `Product.days` requires `stock`. Composition refuses that for a progressive override; supergraphs of others may have it. */
function supergraphSdl(): string {
  const days = 'days: String @join__field(graph: DELIVERY';
  const joined = '@join__field(graph: NEWER, override: "older", overrideLabel: "stock-v2")';
  const composed = compose(subgraphs);
  expect(composed).toContain(days);
  expect(composed).toContain(joined);
  return composed
    .replace(days, `${days}, requires: "stock"`)
    .replace(joined, `${joined} @join__field(graph: DELIVERY, external: true)`);
}

const byCaller = {
  'stock-v2': { header: 'X-Weir-Override', groups: ['staff'] },
  'price-v2': { claim: 'beta' },
};

async function start(options: GatewayOptions = {}): Promise<void> {
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl()),
    overrides: byCaller,
    auth: {
      anonymous: true,
      oidc: [{ issuer: issuer.url, audience: ['shop'], groupsClaim: 'groups' }],
    },
    cache: { responses: { enabled: true } },
    ...options,
  });
}

interface Sent {
  readonly query: string;
  readonly header?: string | undefined;
  readonly claims?: Record<string, unknown> | undefined;
}

async function send({ query, header, claims }: Sent) {
  const response = await gateway!.post(
    { query },
    {
      headers: {
        ...(header !== undefined && { 'x-weir-override': header }),
        ...(claims && { authorization: `Bearer ${await issuer.token(claims)}` }),
      },
    },
  );
  const { headers } = response;
  const { data } = (await response.json()) as { data: Record<string, Record<string, string>> };
  return {
    data,
    cache: headers.get('x-cache'),
    control: headers.get('cache-control'),
    vary: headers.get('vary'),
  };
}

const staff = { sub: 'ada', groups: ['staff'] };
const stock = '{ product { stock } }';

it.each([
  ['a label in the header, from staff', { header: 'stock-v2', claims: staff }, 'newer'],
  ['a label in a list, with unknown ones', { header: 'other,  stock-v2 ', claims: staff }, 'newer'],
  ['no header', { claims: staff }, 'older'],
  ['an unknown label', { header: 'stock-v3', claims: staff }, 'older'],
  ['a label that the header has no part in', { header: 'price-v2', claims: staff }, 'older'],
  ['a caller outside the groups', { header: 'stock-v2', claims: { sub: 'bob', groups: ['sales'] } }, 'older'],
  ['an anonymous caller', { header: 'stock-v2' }, 'older'],
  ['a header that is too long', { header: `stock-v2,${'x'.repeat(1024)}`, claims: staff }, 'older'],
])('decides by a header with groups: %s', async (_, sent, expected) => {
  await start();
  expect((await send({ query: stock, ...sent })).data).toEqual({ product: { stock: expected } });
  expect((await send({ query: '{ product { days } }', ...sent })).data).toEqual({
    product: { days: `after ${expected}` },
  });
  expect((await send({ query: '{ item { stock } }', ...sent })).data).toEqual({ item: { stock: expected } });
});

it.each([
  ['true', true, 'newer'],
  ['the label', 'price-v2', 'newer'],
  ['a list with the label', ['other', 'price-v2'], 'newer'],
  ['false', false, 'older'],
  ['another text', 'true', 'older'],
  ['no value', undefined, 'older'],
  ['a map', { 'price-v2': true }, 'older'],
])('decides by a claim that is %s', async (_, beta, expected) => {
  await start();
  const claims = { sub: 'ada', ...(beta !== undefined && { beta }) };
  expect((await send({ query: '{ product { price } }', claims })).data).toEqual({
    product: { price: expected },
  });
});

it('has `Vary` and `private` in answers that callers decide, and in no others', async () => {
  await start();
  const vary = 'accept, accept-encoding';
  expect(await send({ query: '{ product { name } }', header: 'stock-v2', claims: staff })).toMatchObject({
    control: 'public, max-age=60',
    vary,
  });
  for (const cache of ['MISS', 'HIT']) {
    expect(await send({ query: stock })).toMatchObject({
      cache,
      control: 'public, max-age=60',
      vary: `${vary}, x-weir-override`,
    });
    expect(await send({ query: stock, header: 'stock-v2', claims: staff })).toMatchObject({
      cache,
      control: 'private, max-age=60',
      vary: `${vary}, authorization, x-weir-override`,
      data: { product: { stock: 'newer' } },
    });
    // Staff would get another answer to the same header.
    expect(await send({ query: stock, header: 'stock-v2' })).toMatchObject({
      cache,
      control: 'private, max-age=60',
      data: { product: { stock: 'older' } },
    });
    expect(await send({ query: '{ product { price } }' })).toMatchObject({
      cache,
      control: 'private, max-age=60',
      vary: `${vary}, authorization`,
    });
  }
});

const random = (seed: number) => (below: number) => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return (seed >>> 8) % below;
};

it.each([true, false])('mixes no callers that send at once, with answers cached: %s', async (cached) => {
  isCached = cached;
  await start();
  const pick = random(7);
  const callers = [
    undefined,
    staff,
    { sub: 'bob', groups: ['sales'] },
    { sub: 'eve', groups: ['staff'], beta: true },
    { sub: 'dan', beta: ['price-v2'] },
  ];
  const queries = [
    stock,
    '{ product { price } }',
    '{ product { name days } }',
    '{ item { stock } product { price stock days } }',
    '{ product { name } }',
  ];
  const one = async (): Promise<void> => {
    const claims = callers[pick(callers.length)];
    const header = [undefined, 'stock-v2', 'price-v2', 'stock-v2,price-v2'][pick(4)];
    const query = queries[pick(queries.length)]!;
    const isStaff = claims !== undefined && 'groups' in claims && claims.groups.includes('staff');
    const stockOf = isStaff && header?.includes('stock-v2') ? 'newer' : 'older';
    const priceOf = claims !== undefined && 'beta' in claims ? 'newer' : 'older';
    const expected = { stock: stockOf, price: priceOf, days: `after ${stockOf}`, name: 'Tea' };
    const { data } = await send({ query, header, claims });
    for (const fields of Object.values(data)) expect(expected).toMatchObject(fields);
  };
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 25 }, one));
});

/** The first answer over a WebSocket with this header and token. */
async function firstOverWebSocket(query: string, header: string, token: string): Promise<unknown> {
  class Connection extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { headers: { 'x-weir-override': header, authorization: `Bearer ${token}` } });
    }
  }
  const client = createClient({ url: gateway!.url.replace('http', 'ws'), webSocketImpl: Connection });
  const { value } = await client.iterate({ query }).next();
  await client.dispose();
  return value;
}

it('decides for the operations of a connection, and for events, by its headers and token', async () => {
  await start({ subgraphs: { older: { subscriptions: { protocol: 'sse' } } } });
  const [older] = subgraphs as [TestSubgraph];
  const token = await issuer.token(staff);
  expect(await firstOverWebSocket(stock, 'stock-v2', token)).toEqual({
    data: { product: { stock: 'newer' } },
  });
  expect(await firstOverWebSocket(stock, '', token)).toEqual({ data: { product: { stock: 'older' } } });
  const sources: ServerResponse[] = [];
  const bothOpen = new Promise<void>((open) => {
    older.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      if (sources.push(response) === 2) open();
    };
  });
  const changed = 'subscription { changed { id stock days } }';
  const answers = ['stock-v2', ''].map((header) => firstOverWebSocket(changed, header, token));
  await bothOpen;
  const event = { data: { changed: { __typename: 'Product', id: '1', stock: 'older' } } };
  for (const source of sources) source.write(`event: next\ndata: ${JSON.stringify(event)}\n\n`);
  const answerOf = (name: string) => ({ data: { changed: { id: '1', stock: name, days: `after ${name}` } } });
  expect(await Promise.all(answers)).toEqual([answerOf('newer'), answerOf('older')]);
  for (const source of sources) source.end();
  older.answer = undefined;
});

it('decides for deferred parts of an answer', async () => {
  await start();
  const token = await issuer.token(staff);
  const textWith = async (header: string): Promise<string> => {
    const headers = {
      ...{ accept: 'multipart/mixed;deferSpec=20220824', authorization: `Bearer ${token}` },
      'x-weir-override': header,
    };
    return (
      await gateway!.post({ query: '{ product { name ... @defer { stock days } } }' }, { headers })
    ).text();
  };
  expect(await textWith('stock-v2')).toContain('"stock":"newer","days":"after newer"');
  expect(await textWith('')).toContain('"stock":"older","days":"after older"');
});

it.each([
  [
    { claim: 'beta', header: 'x-label', groups: ['staff'] },
    'must have either `claim`, or `header` with `groups`',
  ],
  [{}, 'must have either `claim`, or `header` with `groups`'],
  [{ header: 'x-label' }, 'must have either `claim`, or `header` with `groups`'],
  [{ claim: 'beta', groups: ['staff'] }, 'must have either `claim`, or `header` with `groups`'],
  [{ header: 'x-label', groups: [] }, 'must be a list of groups'],
  [{ header: 'x label', groups: ['staff'] }, 'header'],
  [{ claim: '' }, 'must be the name of a claim'],
  [101, 'must be a number from 0 to 100'],
  ['beta', 'must be a number from 0 to 100, or a map with `claim` or `header`'],
])('refuses %j', async (wrong, sentence) => {
  const options = { 'stock-v2': wrong } as unknown as GatewayOptions['overrides'];
  await expect(start({ overrides: options })).rejects.toThrow(sentence);
});
