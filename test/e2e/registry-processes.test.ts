import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from '../../schema';
import { amountOf } from '../support/amounts';
import { startProxy } from '../support/cuttable-proxy';
import { endAll, eventually, startWeir } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startSmallGraph } from '../support/small-graph';

/** Processes at once, each of which takes a second or two of a processor. */
const count = amountOf('WEIR_PUBLISHERS', 6, 20);
const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
const variant = { graph: 'shop', variant: 'prod' };

let folder: string;
let stores: TestRegistryStores;
let registry: Registry;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'weir-processes-'))));
afterEach(async () => {
  await endAll();
  await stores.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(registryStoreKinds)('a registry in %s', (kind, start) => {
  beforeEach(async () => {
    stores = await start();
    registry = new Registry({ store: await stores.open(), variant });
  });

  it(`has what each of ${count} \`weir publish\` at once published, in a linear history`, async () => {
    const names = Array.from({ length: count }, (_, index) => `team${index}`);
    const publishers = names.map((name) => {
      const schema = join(folder, `${name}.graphql`);
      writeFileSync(schema, `type Query { ${name}: Int }`);
      return startWeir(
        [
          ...['publish', name, '--schema', schema, '--routing-url', `http://${name}.test/graphql`],
          ...['--registry', stores.location, '--graph', 'shop@prod', '--author', name],
        ],
        credentials,
      );
    });
    for (const publisher of publishers) {
      expect({ exit: await publisher.exit, said: publisher.stderr.replace(/.*Warning.*/s, '') }).toEqual({
        exit: 0,
        said: '',
      });
    }
    const history = await registry.history(100);
    expect(history.map(({ number }) => number)).toEqual(names.map((_, index) => count - index));
    expect(history.map(({ by }) => by).sort()).toEqual(names.toSorted());
    expect(Object.keys(history[0]!.subgraphs).sort()).toEqual(names.toSorted());
    const supergraph = await registry.supergraph(history[0]!);
    for (const name of names) expect(supergraph).toContain(`${name}: Int`);
  });

  if (kind === 'DynamoDB') {
    it('may swallow all requests while a gateway starts: it runs what it kept, says so, and catches up', async () => {
      const graph = await startSmallGraph();
      const [table, endpoint] = stores.location.split('endpoint=');
      const proxy = await startProxy(Number(new URL(endpoint!).port));
      const kept = join(folder, 'kept.graphql');
      const config = join(folder, 'weir.yaml');
      writeFileSync(
        config,
        JSON.stringify({
          supergraph: {
            registry: `${table}endpoint=http://127.0.0.1:${proxy.port}`,
            graph: 'shop@prod',
            keep: kept,
          },
        }),
      );
      const startGateway = async () => {
        const weir = startWeir(
          ['gateway', '--config', config, '--port', '0', '--admin-port', '0', '--log-level', 'info'],
          credentials,
        );
        const [, url] = await weir.printed(/"url":"([^"]+)"/);
        const ask = async (query: string) => {
          const response = await fetch(url!, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query }),
          });
          return response.text();
        };
        return { weir, ask };
      };
      const publish = (sdl: string) =>
        registry.publish(
          [graph.accounts, graph.reviews].map(({ name, url, typeDefs }) => ({
            ...{ name, routingUrl: url, file: name, sdl: name === 'accounts' ? sdl : typeDefs },
          })),
          { by: 'ana' },
        );
      const right = '{"data":{"me":{"name":"Ada"}}}';

      await publish(graph.accounts.typeDefs);
      const first = await startGateway();
      expect(await first.ask('{ me { name } }')).toBe(right);
      await eventually(() => existsSync(kept));
      expect(await first.weir.stop()).toBe(0);

      proxy.cut();
      const second = await startGateway();
      expect(await second.ask('{ me { name } }')).toBe(right);
      expect(second.weir.stdout).toContain('the supergraph is unavailable');
      expect(second.weir.stdout).toContain('the last good supergraph runs');

      await publish(`${graph.accounts.typeDefs} extend type Query { fresh: Int }`);
      proxy.mend();
      await eventually(
        async () => !(await second.ask('{ fresh me { name } }')).includes('Cannot query'),
        90_000,
      );
      expect(await second.weir.stop()).toBe(0);
      await proxy.close();
      await graph.close();
    });
  }
});
