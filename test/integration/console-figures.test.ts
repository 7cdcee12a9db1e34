/** The pages *Live* and *Graph* of the console, from real requests to real subgraphs. */
import { z } from 'zod';
import type { ServiceGraph, LiveReport, RefusalReasons, SchemaView } from '../../gateway/console/api';
import { Registry } from '../../schema';
import {
  defineConsumer,
  defineSubgraph,
  startSubgraph,
  SubgraphError,
  UnprocessableEvent,
  type RequestScope,
  type RunningSubgraph,
} from '../../kit';
import { startFakePublisher } from '../support/fake-publisher';
import { freePort } from '../support/free-port';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, type SmallGraph, startSmallGraph } from '../support/small-graph';
import { temporaryFolder } from '../support/subgraph-kit';

const key = 'a-key-of-the-private-link-for-tests';
const folder = temporaryFolder();
const boatsSchema = 'type Query { boats: Int } type Mutation { rentBoat(id: String!): String }';

const definition = {
  Comment: 'Rents a boat.',
  StartAt: 'Reserve',
  States: {
    Reserve: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
      Parameters: {
        QueueUrl: '${TaskQueueUrl}',
        MessageBody: {
          ...{ task: 'reserveBoat', input: {}, 'token.$': '$$.Task.Token' },
          ...{ 'execution.$': '$$.Execution.Name', 'state.$': '$$.State.Name' },
          ...{ 'retries.$': '$$.State.RetryCount', 'trace.$': '$$.Execution.Input.trace' },
        },
      },
      TimeoutSeconds: 5,
      End: true,
    },
  },
};
/** A subgraph of the kit, one of whose events cannot be handled, and whose workflow fails. */
const boats = defineSubgraph({
  name: 'boats',
  schema: folder.write('boats.graphql', boatsSchema),
  consumers: [
    defineConsumer({
      name: 'thank-buyer',
      from: { orders: { OrderPlaced: { 1: z.object({ at: z.string() }) } } },
      async handle() {
        await Promise.resolve();
        throw new UnprocessableEvent('The buyer has no address.');
      },
    }),
  ],
  workflows: [
    {
      definition: folder.write('rent-boat.asl.json', JSON.stringify(definition)),
      tasks: {
        reserveBoat() {
          throw new SubgraphError('CONFLICT', 'There is no boat.');
        },
      },
    },
  ],
  options: { ordersUrl: { description: 'orders', default: '' } },
  context: (scope) => scope,
  resolvers: {
    Mutation: {
      async rentBoat(_: unknown, { id }: { id: string }, { workflows }: RequestScope) {
        await workflows.start('rent-boat', id, {});
        return (await workflows.wait('rent-boat', id, { milliseconds: 10_000 }))?.status;
      },
    },
  },
});

let graph: SmallGraph;
let publisher: Awaited<ReturnType<typeof startFakePublisher>>;
let kit: RunningSubgraph;
let deadUrl: string;
let stores: TestRegistryStores;
let registry: Registry;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  publisher = await startFakePublisher();
  kit = await startSubgraph(boats, {
    ...{ port: 0, logLevel: 'silent', link: { keys: [key] } },
    options: { ordersUrl: new URL('graphql', publisher.url).href },
  });
  deadUrl = `http://127.0.0.1:${await freePort()}/graphql`;

  stores = await registryStoreKinds[0]![1]();
  registry = new Registry({ store: await stores.open(), variant: { graph: 'shop', variant: 'prod' } });
  const publish = async (reviews: string) => {
    const all = [
      { name: 'accounts', url: graph.accounts.url, typeDefs: graph.accounts.typeDefs },
      { name: 'reviews', url: graph.reviews.url, typeDefs: reviews },
      { name: 'boats', url: kit.url, typeDefs: boatsSchema },
      { name: 'down', url: deadUrl, typeDefs: 'type Query { down: Int }' },
    ];
    const changes = all.map(({ name, url, typeDefs }) => ({
      name,
      routingUrl: url,
      sdl: typeDefs,
      file: name,
    }));
    await registry.publish(changes, { by: 'ana' });
  };
  await publish(graph.reviews.typeDefs.replace('rating: Int', 'rating: Int  stars: Int'));
  // The console names no version that was rejected: none of them ran.
  await publish('type Query {');
  await publish(graph.reviews.typeDefs);
  await publish('type Query {');
  gateway = await startTestGateway({
    supergraph: { registry: stores.location, graph: 'shop@prod', keep: folder.write('kept', '') },
    usage: { interval: 100, minimumDays: 2 },
    privateLinks: { keys: [key] },
    breaker: { atLeast: 2 },
    retries: { max: 0 },
  });
});
afterAll(async () => {
  await gateway.stop();
  await kit.stop();
  await publisher.stop();
  await graph.close();
  await stores.close();
  folder.remove();
});

async function ask<Answer>(what: 'live' | 'graph' | 'schema' | 'refusals'): Promise<Answer> {
  const response = await fetch(`${gateway.adminUrl}/console/api/${what}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const client = { 'apollographql-client-name': 'web', 'apollographql-client-version': '1.2' };
const send = async (query: string) => (await gateway.post({ query }, { headers: client })).json();

it('shows requests, errors and calls by operation, client and service', async () => {
  for (let i = 0; i < 3; i++)
    await send(
      'query Page($never: Boolean = false) { me { name reviews { rating } } down @include(if: $never) }',
    );
  expect(await send('query Down { down }')).toMatchObject({ data: { down: null } });

  const live = await ask<LiveReport>('live');

  expect(live.operations).toMatchObject([
    { type: 'query', name: 'Page', requests: 3 },
    { type: 'query', name: 'Down', requests: 1 },
  ]);
  expect(live.clients).toEqual([{ name: 'web', version: '1.2', requests: 4 }]);
  expect(live.codes).toMatchObject([{ service: 'down', count: 1 }]);
  expect(live.services).toMatchObject([
    { name: 'accounts', calls: 3, errors: 0 },
    { name: 'reviews', calls: 3, errors: 0 },
    { name: 'down', calls: 1, errors: 1 },
  ]);
  expect(live.operations[0]!.p99).toBeGreaterThan(0);
});

it('lists failed events and executions of subgraphs of the kit, and names those that are down', async () => {
  expect(await send('mutation { rentBoat(id: "r1") }')).toEqual({ data: { rentBoat: 'FAILED' } });
  publisher.push({
    ...{ specversion: '1.0', id: 'e1', source: 'orders', type: 'OrderPlaced', dataversion: 1 },
    ...{ subject: 'o1', sequence: 1, time: '2026-01-01T08:00:00.000Z' },
    ...{ data: { at: '2026-01-01T08:00:00.000Z' }, correlationid: 'c1' },
  });
  await eventually(async () => {
    const { operators } = await ask<LiveReport>('live');
    return (operators?.queues[0]?.failures ?? 0) > 0 && (operators?.workflows.length ?? 0) > 0;
  });

  const { operators } = await ask<LiveReport>('live');

  expect(operators).toEqual({
    queues: [{ subgraph: 'boats', consumer: 'thank-buyer', failures: 1, hasMore: false }],
    workflows: [{ subgraph: 'boats', workflow: 'rent-boat', running: 0, failed: 1 }],
    troubles: ['down does not answer (refused).'],
  });
  expect(JSON.stringify(operators)).not.toContain('address');
});

it('shows who calls whom, and an open breaker', async () => {
  for (let i = 0; i < 12; i++) await send('query Down { down }');

  const { services, edges, clients } = await ask<ServiceGraph>('graph');

  expect(services.map(({ name, breaker, link }) => [name, breaker, link])).toEqual([
    ['accounts', 'closed', 'private'],
    ['boats', 'closed', 'private'],
    ['down', 'open', 'private'],
    ['reviews', 'closed', 'private'],
  ]);
  expect(services.find(({ name }) => name === 'down')).toMatchObject({
    errors: 1,
    endpoints: [{ url: deadUrl, healthy: false }],
  });
  expect(edges.filter(({ from }) => from !== 'gateway')).toEqual([
    { from: 'accounts', to: 'reviews', rate: expect.any(Number) },
  ]);
  expect(edges.at(-1)!.rate).toBeGreaterThan(0);
  expect(clients).toMatchObject([{ name: 'web', count: 1 }]);
});

it('shows who uses the schema, the version that runs and what it has changed', async () => {
  await eventually(async () => (await registry.usage.read(new Date())).segments.length > 0);

  const { types, version, usageFrom, usageDays, neededDays, troubles } = await ask<SchemaView>('schema');

  expect(troubles).toEqual([]);
  const today = new Date().toISOString().slice(0, 10);
  expect({ usageFrom, usageDays, neededDays }).toEqual({ usageFrom: today, usageDays: 1, neededDays: 2 });
  expect(version).toEqual({
    ...{ id: '3', before: '1', source: 'the registry, shop@prod', at: expect.any(Number) },
    changes: [{ severity: 'breaking', message: 'Field `stars` was removed from object type `Review`' }],
  });
  const user = types.find(({ name }) => name === 'User')!;
  expect(user.fields.find(({ name }) => name === 'name')).toMatchObject({
    owners: ['accounts'],
    usage: {
      clients: [{ name: 'web', version: '1.2', lastSeen: today }],
      operations: [{ name: 'Page', requests: 3 }],
    },
    mayBeDeleted: { yes: false },
  });
  const review = types.find(({ name }) => name === 'Review')!;
  expect(review.fields.find(({ name }) => name === 'author')).toMatchObject({
    owners: ['reviews'],
    mayBeDeleted: { yes: false, why: expect.stringContaining('on one day only: 2 are needed') },
  });
});

it('says which version has removed what clients request', async () => {
  const headers = { 'apollographql-client-name': 'web', 'apollographql-client-version': '1.4.0' };
  for (const field of ['stars', 'never'])
    await (await gateway.post({ query: `{ latestReviews { ${field} } }` }, { headers })).text();
  const { groups } = await ask<RefusalReasons>('refusals');
  expect(groups.map(({ message, removedIn }) => [message, removedIn])).toEqual([
    ['`Review.never` does not exist.', undefined],
    ['`Review.stars` does not exist.', 3],
  ]);
});

it('shows the schema without its use where no registry counts it', async () => {
  const small = await startTestGateway({
    supergraph: { file: folder.write('s.graphql', compose([graph.accounts])) },
  });
  try {
    const response = await fetch(`${small.adminUrl}/console/api/schema`);
    const { types, version, ...rest } = (await response.json()) as SchemaView;
    expect(types.map(({ name }) => name)).toEqual(['Mutation', 'Query', 'User']);
    expect(version).toEqual({
      id: expect.stringMatching(/^[\da-f]{12}$/),
      source: expect.stringMatching(/s\.graphql$/),
    });
    expect(rest).toEqual({ troubles: [] });
  } finally {
    await small.stop();
  }
});
