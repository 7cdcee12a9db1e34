import { randomBytes } from 'node:crypto';
import { Registry, type Version } from '../../schema';
import type { RegistryStore } from '../../schema/store/store';
import { amountOf } from '../support/amounts';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';

const variant = { graph: 'shop', variant: 'prod' };
const author = { by: 'ana', commit: '3f9c2d1' };
/** Each that is in the way of others has them compose once more. */
const publishers = amountOf('WEIR_PUBLISHERS', 5, 20);

describe.each(registryStoreKinds)('a registry in %s', (_, start) => {
  let stores: TestRegistryStores;
  let store: RegistryStore;
  let registry: Registry;
  beforeEach(async () => {
    stores = await start();
    store = await stores.open();
    registry = new Registry({ store, variant });
  });
  afterEach(() => stores.close());

  const publish = (name: string, sdl: string, by = registry) =>
    by.publish([{ name, sdl, file: `${name}.graphql`, routingUrl: `http://${name}.test/` }], author);
  const field = (name: string, more = '') => `type Query { ${name}: Int ${more} }`;
  const runs = async (version?: Version) => registry.supergraph(version ?? (await registry.newest()));

  it('has nothing at first, and says what would help', async () => {
    expect(await registry.current()).toBeUndefined();
    await expect(registry.history(10)).rejects.toThrow(
      'Nothing was published to shop@prod yet: `weir publish` does.',
    );
  });

  it('publishes one subgraph beside another', async () => {
    expect(await publish('a', field('x'))).toMatchObject({
      outcome: 'published',
      version: { number: 1, kind: 'published', by: 'ana', commit: '3f9c2d1', changes: { a: 'added' } },
    });
    await publish('b', field('y'));
    expect(await runs()).toMatch(/x: Int.*y: Int/s);
    expect(await runs()).toContain('@join__graph(name: "b", url: "http://b.test/")');
  });

  it('needs a routing URL once, and keeps it', async () => {
    const change = { name: 'a', sdl: field('x'), file: 'a.graphql' };
    await expect(registry.publish([change], author)).rejects.toThrow(
      'a is new in shop@prod, so its routing URL is needed: where the gateway sends its operations.',
    );
    await publish('a', field('x'));
    await registry.publish([{ ...change, sdl: field('z') }], author);
    expect(await runs()).toContain('@join__graph(name: "a", url: "http://a.test/")');
  });

  it('finds the last version that ran, which a rejected one never did', async () => {
    expect(await registry.lastRun()).toBeUndefined();
    await publish('a', 'type Query {');
    expect(await registry.lastRun()).toBeUndefined();
    await publish('a', field('x'));
    await publish('a', 'type Query {');
    await publish('b', 'type Query {');
    expect(await registry.lastRun()).toMatchObject({ number: 2, kind: 'published' });
    await publish('a', field('y'));
    expect(await registry.lastRun()).toMatchObject({ number: 5 });
    expect(await registry.lastRun(4)).toMatchObject({ number: 2 });
    expect(await registry.lastRun(1)).toBeUndefined();
  });

  it('does nothing when nothing is different', async () => {
    await publish('a', field('x'));
    expect(await publish('a', field('x'))).toMatchObject({ outcome: 'unchanged', version: { number: 1 } });
    expect(await registry.history(10)).toHaveLength(1);
  });

  it('records what does not compose, and changes nothing that runs', async () => {
    await publish('a', field('x'));
    const before = await registry.newest();

    const result = await publish('b', 'type Query {\n  y: Nowhere\n}');

    expect(result).toMatchObject({
      outcome: 'rejected',
      errors: [{ code: 'INVALID_GRAPHQL', locations: [{ file: 'b.graphql', line: 2 }] }],
    });
    const rejected = await registry.newest();
    expect(rejected).toMatchObject({ number: 2, kind: 'rejected', by: 'ana', changes: { b: 'added' } });
    expect(rejected.supergraph).toBe(before.supergraph);
    expect(rejected.subgraphs).toEqual(before.subgraphs);
    expect(await registry.errors(rejected)).toMatchObject([{ code: 'INVALID_GRAPHQL' }]);
    expect(await publish('b', field('y'))).toMatchObject({ outcome: 'published', version: { number: 3 } });
  });

  it('publishes several subgraphs that compose only together', async () => {
    const routingUrl = 'http://any.test/';
    const result = await registry.publish(
      [
        { name: 'a', sdl: 'type Product @key(fields: "upc") { upc: ID! }', file: 'a', routingUrl },
        { name: 'b', sdl: field('x'), file: 'b', routingUrl },
      ],
      author,
    );
    expect(result).toMatchObject({ outcome: 'published', version: { changes: { a: 'added', b: 'added' } } });
  });

  it('takes a subgraph out', async () => {
    await publish('a', field('x'));
    await publish('b', field('y'));
    await registry.remove('a', author);
    expect(await runs()).not.toContain('x: Int');
    await expect(registry.remove('a', author)).rejects.toThrow(
      'shop@prod has no subgraph a at version 3; it has: b.',
    );
    expect(await registry.remove('b', author)).toMatchObject({ outcome: 'rejected' });
  });

  it('tells the newest versions first, each once', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await publish(name, field(name));
    expect((await registry.history(3)).map(({ number }) => number)).toEqual([4, 3, 2]);
    expect((await registry.history(100)).map(({ number }) => number)).toEqual([4, 3, 2, 1]);
    expect(await registry.version(2)).toMatchObject({ changes: { b: 'added' } });
    await expect(registry.version(5)).rejects.toThrow('shop@prod has no version 5: it has 1 to 4.');
  });

  describe('a rollback', () => {
    it('goes back to what ran before, and can be rolled back itself', async () => {
      await publish('a', field('x'));
      await publish('a', field('y'));
      expect(await registry.rollback({}, author)).toMatchObject({
        version: { number: 3, kind: 'rolled-back', restores: 1, changes: { a: 'changed' } },
      });
      expect(await runs()).toContain('x: Int');
      await registry.rollback({}, author);
      expect(await runs()).toContain('y: Int');
      await registry.rollback({ to: 1 }, author);
      expect(await runs()).toBe(await runs(await registry.version(1)));
    });

    it('of one subgraph leaves what other teams published since', async () => {
      await publish('a', field('x'));
      await publish('b', field('y'));
      await publish('a', field('mistake'));
      await publish('b', field('y', 'z: Int'));
      await registry.rollback({ subgraph: 'a' }, author);
      expect(await runs()).toMatch(/x: Int.*y: Int.*z: Int/s);
      expect(await runs()).not.toContain('mistake');
    });

    it('passes by rejected versions', async () => {
      await publish('a', field('x'));
      await publish('a', field('y'));
      await publish('a', 'type Query { y: Nowhere }');
      expect(await registry.rollback({}, author)).toMatchObject({ version: { number: 4, restores: 1 } });
    });

    it('says when there is nothing to go back to', async () => {
      await publish('a', field('x'));
      await expect(registry.rollback({}, author)).rejects.toThrow(
        'There is nothing to go back to: shop@prod never was anything else.',
      );
      await expect(registry.rollback({ subgraph: 'a' }, author)).rejects.toThrow(
        'There is nothing to go back to: a in shop@prod never was anything else.',
      );
    });

    it('does not undo what is published at the same moment', async () => {
      await publish('a', field('x'));
      await publish('a', field('y'));
      const other = new Registry({ store: await stores.open(), variant });
      const interrupted: RegistryStore = {
        ...store,
        async put(key, value, options) {
          if (options?.expected === 2) await publish('b', field('z'), other);
          return store.put(key, value, options);
        },
      };
      await expect(new Registry({ store: interrupted, variant }).rollback({}, author)).rejects.toThrow(
        'Version 3 of shop@prod was published at the same moment: look at it, and ask again.',
      );
      expect(await runs()).toMatch(/y: Int.*z: Int/s);
    });
  });

  it('keeps variants of a graph apart', async () => {
    await publish('a', field('x'));
    const staging = new Registry({ store, variant: { graph: 'shop', variant: 'staging' } });
    expect(await staging.current()).toBeUndefined();
  });

  it('keeps which events webhooks have got, and of two processes lets one be first', async () => {
    const { webhooks } = registry;
    const cursor = { delivered: 0, attempts: 0, by: 'a', isSending: false };
    expect(await webhooks.get('deploys')).toBeUndefined();
    const first = await Promise.all(
      ['a', 'b', 'c'].map((by) => webhooks.put('deploys', { ...cursor, by }, 0)),
    );
    expect(first.filter(Boolean)).toHaveLength(1);
    const sending = {
      ...cursor,
      isSending: true,
      delivery: { version: 1, at: '2026-12-01T11:00:00Z' },
      retryAt: '2026-12-01T12:00:00Z',
    };
    expect(await webhooks.put('deploys', sending, 1)).toBe(true);
    expect(await webhooks.put('deploys', { ...sending, by: 'b' }, 1)).toBe(false);
    expect(await webhooks.get('deploys')).toEqual({ cursor: sending, revision: 2 });
    expect(await webhooks.get('chat')).toBeUndefined();
    await webhooks.put('chat', cursor, 0);
    expect(await webhooks.list()).toEqual({ chat: cursor, deploys: sending });
  });

  it('keeps a supergraph that is larger than an item can be', async () => {
    const words = Array.from({ length: 300 }, () => randomBytes(2400).toString('base64'));
    const sdl = `type Query {\n${words.map((text, index) => `"${text}" f${index}: Int`).join('\n')}\n}`;
    await publish('a', sdl);
    const elsewhere = new Registry({ store: await stores.open(), variant });
    const found = await elsewhere.supergraph(await elsewhere.newest());
    expect(found.length).toBeGreaterThan(900_000);
    expect(found).toContain(words.at(-1));
  });

  it('says so when a text is damaged', async () => {
    await publish('a', field('x'));
    const { supergraph } = await registry.newest();
    await store.put({ partition: `shop/texts/${supergraph!}`, sort: '0000' }, Buffer.from('x'));
    const elsewhere = new Registry({ store, variant });
    await expect(elsewhere.supergraph(await elsewhere.newest())).rejects.toThrow(
      `The registry is damaged: the text ${supergraph!} of shop is missing or changed.`,
    );
  });

  it(`loses none of ${publishers} publishers at once, in a linear history`, async () => {
    const names = Array.from({ length: publishers }, (_, index) => `team${index}`);
    const results = await Promise.all(
      names.map(async (name) =>
        publish(name, field(name), new Registry({ store: await stores.open(), variant })),
      ),
    );

    expect(results.map(({ outcome }) => outcome)).toEqual(names.map(() => 'published'));
    const history = await registry.history(100);
    expect(history.map(({ number }) => number)).toEqual(names.map((_, index) => publishers - index));
    // Each version is the one before it, and one subgraph more.
    for (const [index, { changes, subgraphs }] of history.entries()) {
      const before = history[index + 1]?.subgraphs ?? {};
      const [added] = Object.keys(changes);
      expect(Object.keys(subgraphs).sort()).toEqual([...Object.keys(before), added].sort());
    }
    const supergraph = await runs();
    for (const name of names) expect(supergraph).toContain(`${name}: Int`);
  });
});
