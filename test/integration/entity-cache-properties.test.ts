/**
 * A store never changes an answer: random operations of random users, mutations, changes behind the gateway's back with
 * an invalidation, and steps of the clock, with caches and without.
 */
import {
  getNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isCompositeType,
  isNonNullType,
  isObjectType,
  buildClientSchema,
  getIntrospectionQuery,
} from 'graphql';
import { developmentCredentials } from '../../cli/dev/credentials';
import type { GatewayOptions } from '../../gateway';
import { startDynamo } from '../support/cache-stores';
import { RandomSource } from '../support/random-source';
import { redisProgram, sayWithoutRedis, startRedis } from '../support/redis-server';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type Shop, startShop } from '../support/shop';
import { amountOf, timeFor, whole } from '../support/amounts';

/** Steps of one run. */
const steps = amountOf('WEIR_STEPS', 30, 80);

jest.setTimeout(timeFor(steps, 80));
sayWithoutRedis();

let shop: Shop;
let plain: TestGateway;
let auth: GatewayOptions['auth'];
let schema: GraphQLSchema;
let offset = 0;
const realNow = Date.now.bind(Date);
const invalidationToken = 'invalidation-token';

beforeAll(async () => {
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + offset);
  process.env['AWS_ACCESS_KEY_ID'] = process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  shop = await startShop();
  ({ auth } = await developmentCredentials());
  plain = await start({ cache: { entities: { enabled: false }, responses: { enabled: false } } });
  schema = buildClientSchema((await plain.query(getIntrospectionQuery())).data);
});

afterAll(async () => {
  await plain.stop();
  await shop.stop();
});

const start = (options: Omit<GatewayOptions, 'supergraph'>): Promise<TestGateway> =>
  startTestGateway({
    ...options,
    introspection: true,
    auth,
    admin: { port: 0, token: invalidationToken },
    supergraph: sourceOf(shop.supergraphSdl),
  });

interface Place {
  readonly store: string;
  close(): Promise<void>;
}

const memory = async (): Promise<Place> => ({ store: 'memory:', close: async () => undefined });
const redis = async (): Promise<Place> => {
  const server = await startRedis();
  return { store: server.url, close: () => server.stop() };
};

type Case = [string, number, boolean, () => Promise<Place>];
const ofRedis: Case[] = [
  ['memory before Redis', 1, true, redis],
  ...whole<Case>(['Redis, shared by two gateways', 2, false, redis]),
];

it.each<Case>([
  ['memory', 1, false, memory],
  ...(redisProgram === undefined ? [] : ofRedis),
  ...whole<Case>(['DynamoDB, shared by two gateways', 2, false, startDynamo]),
])('caches in %s never change an answer', async (_, gateways, tiered, open) => {
  const place = await open();
  const cached: TestGateway[] = [];
  for (let i = 0; i < gateways; i++) {
    cached.push(await start({ cache: { store: place.store, tiered, timeout: '5s' } }));
  }
  const seed = Number(process.env['WEIR_SEED'] ?? 1);
  const random = new RandomSource(seed);
  // What is asked again and again is what a cache is for.
  const operations = [...pages, ...Array.from({ length: 10 }, () => randomOperation(random))];
  try {
    for (let step = 0; step < steps; step++) {
      const gateway = random.pick(cached);
      if (random.chance(0.12)) await change(random, gateway);
      else if (random.chance(0.1)) offset += random.between(1, 40_000);
      else {
        const query = random.chance(0.1) ? randomOperation(random) : random.pick(operations);
        await compare(query, random, gateway, { seed, step });
      }
    }
    const metrics = (await Promise.all(cached.map((gateway) => gateway.metrics()))).join('\n');
    const hits = [
      ...metrics.matchAll(
        /(?:weir_cache_entities|weir_response_cache_requests)_total\{.*result="hit".*\} (\d+)/g,
      ),
    ];
    // A cache that is never used passes, too.
    expect(hits.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(steps / 4);
  } finally {
    await Promise.all(cached.map((gateway) => gateway.stop()));
    await place.close();
  }
});

/** Operations over several subgraphs. */
const pages = [
  '{ products(first: 4) { edges { node { name ratingSummary { count average } inStock availability } } } }',
  '{ product(upc: "p1") { name ratingSummary { count } reviews(first: 3) { edges { node { body author { name bio } } } } } }',
  '{ viewer { name email orders(first: 2) { edges { node { status lines { product { name inStock } } } } } } }',
  '{ user(id: "u1") { name reviews(first: 3) { edges { node { rating product { name price } } } } } }',
  '{ a: user(id: "u2") { id orders(first: 1) { edges { node { id } } } cart { itemCount } } }',
  '{ product(upc: "p2") { shippingEstimate media { url reviews(first: 1) { edges { node { body } } } } } }',
  '{ warehouses { city stock(first: 3) { edges { node { available product { name availability } } } } } }',
];

async function compare(query: string, random: RandomSource, gateway: TestGateway, at: object): Promise<void> {
  const init = { headers: headersOf(random.pick(users)) };
  const expected = await (await plain.post({ query }, init)).json();
  const actual = await (await gateway.post({ query }, init)).json();
  expect({ ...at, query, ...init, answer: actual }).toEqual({ ...at, query, ...init, answer: expected });
}

const users = [undefined, 'u1', 'u2', 'u3'];
const upcs = ['p1', 'p2', 'p3', 'p4', 'p5', 'none'];
const headersOf = (user: string | undefined): Record<string, string> =>
  user === undefined ? {} : { authorization: `Bearer ${user}` };

/** Changes something: through a gateway, or behind its back and with an invalidation. */
async function change(random: RandomSource, gateway: TestGateway): Promise<void> {
  const user = random.pick(['u1', 'u2', 'u3']);
  const upc = random.pick(upcs.slice(0, 5));
  const key = `k${realNow()}-${random.between(0, 1e9)}`;
  const review = `mutation { writeReview(input: { upc: "${upc}", rating: ${random.between(1, 5)}, body: "${key}" }, idempotencyKey: "${key}") { rating } }`;
  const profile = `mutation { updateProfile(input: { name: "Name ${key}" }) { name } }`;
  const order = `mutation { placeOrder(input: { lines: [{ upc: "${upc}", quantity: 1 }], deliveryAddress: { street: "S 1", city: "C", postalCode: "1", country: "NL" }, paymentToken: "tok_ok" }, idempotencyKey: "${key}") { status } }`;
  const through = async (query: string): Promise<void> => {
    const answer: Json = await (await gateway.post({ query }, { headers: headersOf(user) })).json();
    expect(answer.data).toBeDefined();
  };
  const behind = async (
    subgraph: 'reviews' | 'accounts',
    query: string,
    invalidation: object,
  ): Promise<void> => {
    expect((await shop.send(subgraph, { query, as: user })).errors).toBeUndefined();
    const response = await fetch(`${gateway.adminUrl}/cache/invalidate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${invalidationToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(invalidation),
    });
    expect(response.status).toBe(200);
  };
  await random.pick([
    () => through(review),
    () => through(profile),
    () => through(order),
    () => behind('reviews', review, { tags: [`reviews-of-product-${upc}`, `reviews-of-user-${user}`] }),
    () => behind('reviews', review, { subgraphs: ['reviews'] }),
    () => behind('accounts', profile, { entities: [{ type: 'User', key: { id: user } }] }),
    () => behind('accounts', profile, { types: ['User'] }),
  ])();
}

function randomOperation(random: RandomSource): string {
  let budget = random.between(4, 14);

  const selectionSet = (type: GraphQLObjectType, depth: number): string => {
    const fields = random.shuffled(Object.values(type.getFields()));
    const selected = fields.slice(0, random.between(1, 4)).map(({ name, args, type: fieldType }, i) => {
      const named = getNamedType(fieldType);
      // Otherwise there are two ways to say what is needed of one field.
      const alias = random.chance(0.2) ? `a${depth}${i}: ` : '';
      const given = args.flatMap((argument) => {
        const value = valueFor(argument.name, name, random);
        if (value === undefined && isNonNullType(argument.type))
          throw new Error(`No value for ${argument.name}`);
        return value === undefined ? [] : [`${argument.name}: ${JSON.stringify(value)}`];
      });
      const text = `${alias || (given.length > 0 ? `b${depth}${i}: ` : '')}${name}${given.length > 0 ? `(${given.join(', ')})` : ''}`;
      if (!isCompositeType(named)) return text;
      budget--;
      if (depth > 6 || budget < 0) return `c${depth}${i}: __typename`;
      if (isObjectType(named)) return `${text} ${selectionSet(named, depth + 1)}`;
      const objects = schema.getPossibleTypes(named);
      const fragments = objects.map(
        (object) => `... on ${object.name} { d${object.name}: ${leafOf(object)} }`,
      );
      return `${text} { __typename ${fragments.join(' ')} }`;
    });
    return `{ ${selected.join(' ')} }`;
  };
  return `query ${selectionSet(schema.getQueryType()!, 0)}`;
}

const leafOf = (type: GraphQLObjectType): string =>
  Object.values(type.getFields()).find(({ type: field }) => !isCompositeType(getNamedType(field)))!.name;

function valueFor(name: string, field: string, random: RandomSource): unknown {
  if (name === 'first') return random.between(1, 3);
  if (name === 'upc') return random.pick(upcs);
  if (name === 'prefix') return 'ca';
  if (name === 'code') return random.pick(['RTM', 'none']);
  if (name === 'id' && field === 'user') return random.pick(['u1', 'u2', 'u3', 'none']);
  if (name === 'id' && field === 'category') return random.pick(['cookware', 'none']);
  return name === 'id' ? random.pick(['r1', 'none']) : undefined;
}
