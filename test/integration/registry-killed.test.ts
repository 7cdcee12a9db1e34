import { join } from 'node:path';
import { Registry } from '../../schema';
import { amountOf } from '../support/amounts';
import { bundle } from '../support/bundled';
import { endAll, startProcess } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { temporaryFolder } from '../support/subgraph-kit';

const folder = temporaryFolder();
const publisher = join(folder.path, 'killed-publisher.js');
const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

/** Of so many writes, one is the last. */
const step = amountOf('WEIR_WRITE_STEP', 2, 1);

beforeAll(() => {
  bundle(publisher, { entryPoints: [join(__dirname, '../support/killed-publisher.ts')] });
  // Loaded when something is composed.
  bundle(join(folder.path, 'compose.js'), {
    entryPoints: [join(__dirname, '../../schema/composition/compose.ts')],
  });
});
afterAll(async () => {
  await endAll();
  folder.remove();
});

describe.each(registryStoreKinds)('a registry in %s whose publisher is killed', (_, start) => {
  let stores: TestRegistryStores;
  beforeEach(async () => (stores = await start()));
  afterEach(() => stores.close());

  it('stays usable, whichever write was the last', async () => {
    const registry = new Registry({
      store: await stores.open(),
      variant: { graph: 'shop', variant: 'prod' },
    });
    const publish = (name: string) =>
      registry.publish(
        [{ name, sdl: `type Query { ${name}: Int }`, file: name, routingUrl: 'http://any.test/' }],
        { by: 'test' },
      );
    // The file system is changed differently the first few times.
    for (const name of ['first', 'second', 'third']) await publish(name);

    for (let write = 1; ; write += step) {
      const name = `team${write}`;
      const before = await registry.newest();
      const child = startProcess([publisher, stores.location, name, String(write)], credentials);
      const exitCode = await child.exit;
      expect(child.stderr.replace(/.*Warning.*/s, '')).toBe('');

      // What runs is the state before or the state after, whole.
      const after = await registry.newest();
      const supergraph = await registry.supergraph(after);
      expect(supergraph.includes(`${name}: Int`)).toBe(after.number > before.number);
      expect(after.number - before.number).toBeLessThanOrEqual(1);
      // The next publisher is not in its way, and publishing again what was killed is safe.
      expect(await publish(`after${write}`)).toMatchObject({ outcome: 'published' });
      expect(['published', 'unchanged']).toContain((await publish(name)).outcome);
      const numbers = (await registry.history(1000)).map(({ number }) => number);
      expect(numbers).toEqual(numbers.map((_number, index) => numbers.length - index));
      if (exitCode === 0) break;
      expect(exitCode).toBeNull();
    }
    const { number } = await registry.newest();
    expect(number).toBeGreaterThan(10 / step);
  });
});
