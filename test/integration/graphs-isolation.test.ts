/** Two graphs with equal schemas and other subgraphs, and two callers: nobody gets an answer of another graph or caller. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from '../../schema';
import { keeps, keptByGraphs } from '../support/kept-by-graphs';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])';
const typeDefs = {
  /** Answers for everybody. */
  open: `${link} type Query { who(n: Int): String! item(id: ID!): Item! }
    type Mutation { change(n: Int!): String! }
    type Item @key(fields: "id") { id: ID! of: String! }`,
  /** Entities for everybody. */
  stock: `${link} type Item @key(fields: "id") { id: ID! stock: String! }`,
  /** Answers for one caller. */
  own: `${link} type Query { mine(n: Int): String! }`,
};
type Name = keyof typeof typeDefs;
const variants = ['prod', 'pr-1'] as const;
type Variant = (typeof variants)[number];
const users = ['ana', 'bob'] as const;
type User = (typeof users)[number];
const controls = { open: 'public, max-age=1', stock: 'public, max-age=1', own: 'private, max-age=1' };

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const subgraphs = {} as Record<Variant, Record<Name, TestSubgraph>>;
/** The mutations that came to the subgraphs of each graph. */
const changes: Record<Variant, string[]> = { prod: [], 'pr-1': [] };
let stores: TestRegistryStores;
let gateway: TestGateway;

beforeAll(async () => {
  stores = await registryStoreKinds[0]![1]();
  for (const variant of variants) {
    const item = (id: string) => ({ id, of: variant, stock: `${variant} ${id}` });
    const resolvers = {
      open: {
        Query: {
          who: (_: unknown, { n }: Json) => `${variant} ${n}`,
          item: (_: unknown, { id }: Json) => item(id),
        },
        Mutation: {
          change: (_: unknown, { n }: Json, headers: Json) => {
            changes[variant].push(`${headers['x-user']} ${n}`);
            return `${variant} ${headers['x-user']} ${n}`;
          },
        },
        Item: { __resolveReference: ({ id }: Json) => item(id) },
      },
      stock: { Item: { __resolveReference: ({ id }: Json) => item(id) } },
      own: {
        Query: { mine: (_: unknown, { n }: Json, headers: Json) => `${variant} ${headers['x-user']} ${n}` },
      },
    };
    subgraphs[variant] = {} as Record<Name, TestSubgraph>;
    for (const name of Object.keys(typeDefs) as Name[]) {
      const started = await startSubgraph({ name, typeDefs: typeDefs[name], resolvers: resolvers[name] });
      started.headers = { 'cache-control': controls[name] };
      subgraphs[variant][name] = started;
    }
    const registry = new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } });
    const published = Object.values(subgraphs[variant]).map(({ name, url, typeDefs: sdl }) => ({
      ...{ name, routingUrl: url, file: `${name}.graphql`, sdl },
    }));
    expect((await registry.publish(published, { by: 'ana' })).outcome).toBe('published');
  }
  gateway = await startTestGateway({
    supergraph: { registry: stores.location, pollInterval: 1000, keep: `${stores.location}-kept.graphql` },
    auth: { apiKeys: users.map((client) => ({ client, groups: ['staff'], sha256: sha256(client) })) },
    headers: { forward: ['x-user'] },
    cache: { identityHeaders: ['x-user'], entities: { enabled: true } },
    limits: { batch: 5 },
    graphs: {
      default: 'shop@prod',
      choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
      allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all(
    variants.flatMap((variant) => Object.values(subgraphs[variant]).map((each) => each.close())),
  );
  await stores.close();
});

interface Sender {
  readonly variant: Variant;
  readonly user: User;
  /** One of few, so that requests meet. */
  readonly n: number;
}
const headersOf = ({ variant, user }: Sender) => ({
  ...{ 'x-api-key': user, 'x-user': user },
  ...(variant !== 'prod' && { 'x-weir-graph': variant }),
});
const send = async (body: unknown, sender: Sender): Promise<Json> =>
  (await gateway.post(body, { headers: headersOf(sender) })).json();
const get = async (query: string, sender: Sender): Promise<Json> => {
  const headers = { ...headersOf(sender), 'apollo-require-preflight': '1' };
  return (await fetch(`${gateway.url}?${new URLSearchParams({ query }).toString()}`, { headers })).json();
};

/** The hashes of operations that each graph knows. */
const registered: Record<Variant, Set<string>> = { prod: new Set(), 'pr-1': new Set() };

const features: Record<string, (sender: Sender) => Promise<void>> = {
  async 'cached answers for everybody'(sender) {
    const { data } = await send({ query: `{ who(n: ${sender.n}) }` }, sender);
    expect(data).toEqual({ who: `${sender.variant} ${sender.n}` });
  },
  async 'cached answers of a GET'(sender) {
    const { data } = await get(`{ who(n: ${sender.n}) }`, sender);
    expect(data).toEqual({ who: `${sender.variant} ${sender.n}` });
  },
  async 'cached answers for one caller'(sender) {
    const { data } = await send({ query: `{ mine(n: ${sender.n}) }` }, sender);
    expect(data).toEqual({ mine: `${sender.variant} ${sender.user} ${sender.n}` });
  },
  async 'cached entities'(sender) {
    const id = String(sender.n);
    const { data } = await send({ query: `{ item(id: "${id}") { of stock } mine(n: 0) }` }, sender);
    expect(data).toEqual({
      item: { of: sender.variant, stock: `${sender.variant} ${id}` },
      mine: `${sender.variant} ${sender.user} 0`,
    });
  },
  async mutations(sender) {
    const { variant, user, n } = sender;
    const before = changes[variant].length;
    const { data } = await send({ query: `mutation { change(n: ${n}) }` }, sender);
    expect(data).toEqual({ change: `${variant} ${user} ${n}` });
    expect(changes[variant].slice(before)).toContain(`${user} ${n}`);
  },
  async batches(sender) {
    const { variant, user, n } = sender;
    const answers = await send([{ query: `{ who(n: ${n}) }` }, { query: `{ mine(n: ${n}) }` }], sender);
    expect(answers).toEqual([
      { data: { who: `${variant} ${n}` } },
      { data: { mine: `${variant} ${user} ${n}` } },
    ]);
  },
  async 'persisted operations'(sender) {
    const query = `query P${sender.n} { who(n: ${sender.n}) }`;
    const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(query) } };
    const wasKnown = registered[sender.variant].has(query);
    const { data, errors } = await send({ extensions }, sender);
    if (wasKnown || errors === undefined) {
      expect(registered[sender.variant]).toContain(query);
      expect(data).toEqual({ who: `${sender.variant} ${sender.n}` });
      return;
    }
    expect(errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
    registered[sender.variant].add(query);
    expect((await send({ query, extensions }, sender)).data).toEqual({
      who: `${sender.variant} ${sender.n}`,
    });
  },
  async invalidations(sender) {
    await gateway.invalidate({ types: ['Item'] }, '127.0.0.1');
    await features['cached entities']!(sender);
  },
};

const requests = Number(process.env['WEIR_ROUNDS'] ?? 1) * 1000;
const atOnce = 20;

it(
  'gives no answer and no effect of one graph, or caller, to another one',
  async () => {
    const names = Object.keys(features);
    const pick = <Value>(values: readonly Value[]): Value =>
      values[Math.floor(Math.random() * values.length)]!;
    for (let sent = 0; sent < requests; sent += atOnce)
      await Promise.all(
        Array.from({ length: atOnce }, () =>
          features[pick(names)]!({
            variant: pick(variants),
            user: pick(users),
            n: Math.floor(Math.random() * 4) + 4 * Math.floor(sent / 1000),
          }),
        ),
      );
    const { prod, 'pr-1': preview } = changes;
    expect(prod.length).toBeGreaterThan(0);
    expect(preview.length).toBeGreaterThan(0);
  },
  60_000 + requests * 10,
);

it('has in its list each module that keeps or shares something', () => {
  const folder = join(__dirname, '../../gateway');
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && keeps.test(readFileSync(join(folder, file), 'utf8')))
    .sort();
  expect(found).toEqual(Object.keys(keptByGraphs).sort());
});
