import {
  describeGraph,
  graphParts,
  mergeGraphs,
  type RunningService,
} from '../../../../gateway/console/graph';
import type { LiveParts } from '../../../../gateway/console/live';

const service = (name: string, more: Partial<RunningService> = {}): RunningService => ({
  ...{ name, isAppSync: false, hasPrivateLink: false, endpoints: [{ url: `http://${name}/graphql` }] },
  ...more,
});

const isOpen = () => false;
const nothing = { since: 0, at: 0, services: [] };
const noPairs = { report: nothing, recent: nothing };
const noTables = { codes: [], services: [], operations: [], clients: [] };
const live = (recent: Partial<LiveParts['recent']>): LiveParts => {
  const tables = { ...noTables, ...recent };
  return { since: 0, steps: [], tables, recent: tables, recentSeconds: 100 };
};

/** One failed call, and counts by bucket. */
const calls = (failed: number, ...buckets: number[]) => [
  failed,
  ...Array.from({ length: 15 }, (_, i) => buckets[i] ?? 0),
];

it('shows how each service is called', () => {
  const parts = graphParts({
    services: [
      service('products', { hasPrivateLink: true }),
      service('shipping', { isAppSync: true, hasPrivateLink: false }),
    ],
    isOpen,
  });
  expect(describeGraph(parts, live({ services: [['products', calls(10, 30, 10)]] }), noPairs)).toEqual({
    services: [
      {
        ...{ name: 'products', url: 'http://products/graphql', link: 'private', breaker: 'closed' },
        ...{ rate: 0.4, errors: 0.25, p50: 3.33, p99: 9.8 },
        endpoints: [{ url: 'http://products/graphql', healthy: true }],
      },
      {
        ...{ name: 'shipping', url: 'http://shipping/graphql', link: 'appsync', breaker: 'closed' },
        ...{ rate: 0, errors: 0, p50: null, p99: null },
        endpoints: [{ url: 'http://shipping/graphql', healthy: true }],
      },
    ],
    clients: [],
    edges: [
      { from: 'gateway', to: 'products', rate: 0.4 },
      { from: 'gateway', to: 'shipping', rate: 0 },
    ],
  });
});

it.each([
  ['a GraphQL API', 'type Query { user(id: ID!): User @lookup } type User { id: ID! }', 'graphql'],
  ['a REST API', 'type Query { pets: JSON @http(method: "GET", path: "/pets") } scalar JSON', 'rest'],
])('shows that a service is %s', (_, schema, source) => {
  const parts = graphParts({ services: [service('api', { source: { schema } })], isOpen });
  const { services } = describeGraph(mergeGraphs([parts, parts]), live({}), noPairs);
  expect(services).toMatchObject([{ name: 'api', source }]);
});

it('shows which calls need data of another service, and how many are made now', () => {
  const parts = graphParts({ services: ['products', 'reviews'].map((name) => service(name)), isOpen });
  const pairs = (seconds: number, ...services: [from: string, to: string, calls: number][]) => ({
    ...{ since: 0, at: seconds * 1000 },
    services: services.map(([from, to, calls]) => ({ from, to, calls, callsPerRequest: 1 })),
  });
  const { edges } = describeGraph(parts, live({}), {
    report: pairs(
      900,
      ['gateway', 'products', 900],
      ['products', 'reviews', 600],
      ['reviews', 'products', 300],
      ['products', 'products', 9],
      ['products', 'gone', 9],
    ),
    recent: pairs(100, ['products', 'reviews', 25]),
  });
  expect(edges.filter(({ from }) => from !== 'gateway')).toEqual([
    { from: 'products', to: 'reviews', rate: 0.25 },
    { from: 'reviews', to: 'products', rate: 0 },
  ]);
});

it('joins processes: a breaker that is open in one of them is open', () => {
  const services = [
    service('products', { endpoints: [{ url: 'http://a/', zone: 'one' }, { url: 'http://b/' }] }),
    service('reviews'),
  ];
  const isOpenAt = (open: string[]) => graphParts({ services, isOpen: ({ url }) => open.includes(url) });
  const parts = [isOpenAt(['http://b/']), isOpenAt(['http://reviews/graphql']), isOpenAt([])];
  // As they come from another process.
  const merged = mergeGraphs(JSON.parse(JSON.stringify(parts)) as typeof parts);
  const [products, reviews] = describeGraph(merged, live({}), noPairs).services;
  expect(products).toMatchObject({
    breaker: 'partly',
    endpoints: [
      { url: 'http://a/', zone: 'one', healthy: true },
      { url: 'http://b/', healthy: false },
    ],
  });
  expect(reviews!.breaker).toBe('open');
});

it('shows no secrets in URLs', () => {
  const endpoints = [{ url: 'https://ann:secret@example.com/graphql?key=secret#secret' }];
  const parts = graphParts({ services: [service('a', { endpoints })], isOpen });
  expect(JSON.stringify(describeGraph(parts, live({}), noPairs))).not.toContain('secret');
  expect(parts[0]!.endpoints[0]!.url).toBe('https://example.com/graphql');
});

it('shows the most frequent clients by their names, and all others together', () => {
  const clients = ['web', 'ios', 'android', 'tv', 'car', 'watch', 'fridge'].map(
    (name, i) => [`${name}\n1`, [100 - i]] as const,
  );
  const parts = graphParts({ services: [], isOpen });
  const few = describeGraph(parts, live({ clients: [...clients.slice(0, 2), ['web\n2', [100]]] }), noPairs);
  expect(few.clients).toEqual([
    { name: 'web', count: 1, rate: 2 },
    { name: 'ios', count: 1, rate: 0.99 },
  ]);
  const many = describeGraph(parts, live({ clients }), noPairs).clients;
  expect(many.map(({ name }) => name)).toEqual(['web', 'ios', 'android', 'tv', 'car', '']);
  expect(many[5]).toEqual({ name: '', count: 2, rate: 1.89 });
});
