import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiSchemaOf, readUsage, Registry } from '../../schema';
import { amountOf } from '../support/amounts';
import { askPipelined, requestBytes } from '../support/pipelined';
import { registryStoreKinds } from '../support/registry-stores';
import { startTestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

/** A multiple of a hundred. */
const count = amountOf('WEIR_USED', 500, 10_000);

let graph: SmallGraph;
let folder: string;
beforeAll(async () => {
  graph = await startSmallGraph();
  folder = mkdtempSync(join(tmpdir(), 'weir-usage-'));
});
afterAll(async () => {
  await graph.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(registryStoreKinds)('the use of a graph in %s', (_, start) => {
  it(`is exact after ${count} requests to two gateways and a graceful stop`, async () => {
    const stores = await start();
    const registry = new Registry({
      store: await stores.open(),
      variant: { graph: 'shop', variant: 'prod' },
    });
    const changes = [graph.accounts, graph.reviews].map(({ name, url, typeDefs }) => ({
      name,
      routingUrl: url,
      sdl: typeDefs,
      file: name,
    }));
    await registry.publish(changes, { by: 'ana' });
    const gateways = await Promise.all(
      ['a', 'b'].map((name) =>
        startTestGateway({
          logging: { level: 'warn' },
          supergraph: { registry: stores.location, graph: 'shop@prod', keep: join(folder, name) },
          usage: { interval: 300 },
        }),
      ),
    );
    const operations = [
      'query Me { me { name } }',
      'query User($id: ID!) { user(id: $id) { name reviews { rating } } }',
      '{ latestReviews { rating } }',
    ];
    const request = (index: number) =>
      requestBytes(
        'POST /graphql',
        [
          ['content-type', 'application/json'],
          ['apollographql-client-name', index % 5 === 0 ? 'ios' : 'web'],
          ['apollographql-client-version', '1.2'],
        ],
        JSON.stringify({ query: operations[index % 3], variables: { id: 'u1' } }),
      );
    for (let sent = 0; sent < count; sent += 100) {
      const batch = Array.from({ length: 100 }, (_unused, index) => sent + index);
      const answers = await Promise.all(
        gateways.map(({ url }, which) =>
          askPipelined(url, batch.filter((index) => index % 2 === which).map(request)),
        ),
      );
      expect(answers.flat().filter(({ status }) => status === 200)).toHaveLength(100);
    }
    await Promise.all(gateways.map((gateway) => gateway.stop()));

    const schema = apiSchemaOf(await registry.supergraph(await registry.newest()));
    const usage = await readUsage(registry.usage, { since: new Date(Date.now() - 86_400_000), schema });
    expect(usage.requests).toBe(count);
    const numbers = Array.from({ length: count }, (_unused, index) => index);
    const expected = (operation: number, ios: boolean) =>
      numbers.filter((index) => index % 3 === operation && (index % 5 === 0) === ios).length;
    expect(usage.using(['Query.user(id:)'])).toMatchObject([
      {
        name: 'User',
        clients: [
          { client: 'web', version: '1.2', requests: expected(1, false) },
          { client: 'ios', version: '1.2', requests: expected(1, true) },
        ],
      },
    ]);
    expect(usage.using(['Review.rating']).reduce((sum, { requests }) => sum + requests, 0)).toBe(
      numbers.filter((index) => index % 3 !== 0).length,
    );
    expect(
      usage
        .using(['User.name'])
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Me', 'User']);
    const webOnly = await readUsage(registry.usage, {
      since: new Date(0),
      schema,
      excludedClients: ['ios@1.2'],
    });
    expect(webOnly.requests).toBe((count * 4) / 5);
    await stores.close();
  });
});
