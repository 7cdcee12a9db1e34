/** The console of gateways that share a Redis and a registry, one of them with workers: processes, as operators run them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CachesView } from '../../gateway/console/caches-api';
import type { ErrorsReport, OperationsReport } from '../../gateway/console/api';
import type { VersionsView } from '../../gateway/console/versions-api';
import { freePort } from '../support/free-port';
import { childrenOf, endAll, eventually, startWeir, type WeirProcess } from '../support/process';
import { redisProgram, type RedisServer, sayWithoutRedis, startRedis } from '../support/redis-server';

sayWithoutRedis();
const describeWithRedis = redisProgram === undefined ? describe.skip : describe;
const folder = mkdtempSync(join(tmpdir(), 'weir-console-gateways-'));
const graph = ['--registry', join(folder, 'registry'), '--graph', 'shop@prod'];
const schema = (more = ''): string =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { user: User failing: Int } type User @key(fields: "id") { id: ID! name: String ${more}}`;
let redis: RedisServer;
let subgraph: Server;

async function publish(author: string, sdl: string): Promise<void> {
  writeFileSync(join(folder, 'users.graphql'), sdl);
  const { port } = subgraph.address() as AddressInfo;
  const flags = ['--schema', join(folder, 'users.graphql'), '--routing-url', `http://127.0.0.1:${port}/`];
  expect(await startWeir(['publish', 'users', ...flags, ...graph, '--author', author]).exit).toBe(0);
}

interface Gateway {
  readonly weir: WeirProcess;
  send(name: string, query: string, times: number): Promise<void>;
  read<View>(path: string): Promise<View>;
}

async function startGateway(name: string, workers: number): Promise<Gateway> {
  const config = join(folder, `${name}.yaml`);
  const [port, admin] = [await freePort(), await freePort()];
  writeFileSync(
    config,
    `mode: development
supergraph: 'registry:${join(folder, 'registry')}#shop@prod'
cache: { store: '${redis.url}' }
port: ${port}
admin: { port: ${admin} }
shutdown: { delay: 0 }
`,
  );
  const weir = startWeir(['gateway', '--config', config, '--workers', `${workers}`]);
  await weir.printed(/answers? at/);
  return {
    weir,
    async send(client, query, times) {
      for (let i = 0; i < times; i++) {
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          // Each connection may be another worker's.
          headers: {
            ...{ 'content-type': 'application/json', connection: 'close' },
            'apollographql-client-name': client,
          },
          body: JSON.stringify({ query }),
        });
        expect(response.status).toBe(200);
      }
    },
    read: async (path) =>
      (await (await fetch(`http://127.0.0.1:${admin}/console/api/${path}`)).json()) as never,
  };
}

describeWithRedis('gateways that share a store', () => {
  let one: Gateway;
  let two: Gateway;
  beforeAll(async () => {
    redis = await startRedis();
    subgraph = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        response.setHeader('content-type', 'application/json');
        if (body.includes('failing'))
          response.end(
            '{"data":{"failing":null},"errors":[{"message":"No.","path":["failing"],"extensions":{"code":"BROKEN"}}]}',
          );
        else
          response
            .setHeader('cache-control', 'public, max-age=600')
            .end('{"data":{"user":{"id":"1","name":"Ana"}}}');
      });
    });
    await new Promise<void>((listening) => subgraph.listen(0, '127.0.0.1', listening));
    await publish('ana', schema());
    one = await startGateway('one', 1);
    two = await startGateway('two', 2);
  }, 120_000);
  afterAll(async () => {
    await endAll();
    subgraph.close();
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  const operations = async (of: Gateway): Promise<Record<string, number>> => {
    const { operations: all } = await of.read<OperationsReport>('operations?range=hour');
    return Object.fromEntries(all.map(({ name, requests }) => [name, requests]));
  };

  it('count the requests of all processes once, for each console', async () => {
    await one.send('web', 'query Users { user { id name } }', 5);
    await two.send('web', 'query Users { user { id name } }', 8);
    await two.send('app', 'query Failing { failing }', 6);
    for (const each of [one, two])
      await eventually(async () => {
        const { Users, Failing } = await operations(each);
        return Users === 13 && Failing === 6;
      });
    const { errors } = await one.read<ErrorsReport>('errors');
    expect(errors).toMatchObject([{ code: 'BROKEN', service: 'users', requests: 6 }]);
    const caches = await one.read<CachesView>('caches');
    expect(caches).toMatchObject({ store: 'redis', processes: 3 });
    const { hit, stale, coalesced, miss, pass } = caches.responses;
    expect(hit + stale + coalesced + miss + pass).toBe(19);
    // The first answer is stored for both.
    expect(hit).toBeGreaterThanOrEqual(10);
  });

  it('show which process runs which version, by whom it was published', async () => {
    await publish('ben', schema('email: String '));
    await eventually(async () => {
      const { gateways } = await one.read<VersionsView>('versions');
      return gateways.length === 3 && gateways.every(({ version }) => version === 2);
    });
    const { registry } = await two.read<VersionsView>('versions');
    expect(registry!.versions.map(({ number, by }) => [number, by])).toEqual([
      [2, 'ben'],
      [1, 'ana'],
    ]);
  });

  it('go on where a worker is killed: only what it counted is gone', async () => {
    const [worker] = childrenOf(two.weir.pid);
    process.kill(worker!.pid, 'SIGKILL');
    await eventually(() => Promise.resolve(childrenOf(two.weir.pid).every(({ pid }) => pid !== worker!.pid)));
    await eventually(() => Promise.resolve(childrenOf(two.weir.pid).length === 2));
    const before = (await operations(one))['Later'] ?? 0;
    await two.send('web', 'query Later { user { id } }', 4);
    await eventually(async () => (await operations(one))['Later'] === before + 4);
    const { Users } = await operations(one);
    expect(Users).toBeLessThanOrEqual(13);
    expect(Users).toBeGreaterThanOrEqual(5);
  });
});
