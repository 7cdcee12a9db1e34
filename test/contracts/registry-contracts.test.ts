import { Registry } from '../../schema';
import type { RegistryStore } from '../../schema/store/store';
import { amountOf } from '../support/amounts';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';

const author = { by: 'ana', commit: '3f9c2d1' };
const terms = { of: 'shop@prod', include: [], exclude: ['internal'] };
/** Each that is in the way of others has them compose once more. */
const publishers = amountOf('WEIR_PUBLISHERS', 4, 10);

describe.each(registryStoreKinds)('a contract in %s', (_, start) => {
  let stores: TestRegistryStores;
  let store: RegistryStore;
  let prod: Registry;
  let contract: Registry;
  beforeEach(async () => {
    stores = await start();
    store = await stores.open();
    prod = new Registry({ store, variant: { graph: 'shop', variant: 'prod' } });
    contract = new Registry({ store, variant: { graph: 'shop', variant: 'public' } });
  });
  afterEach(() => stores.close());

  const link =
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@tag", "@shareable"])';
  const publish = (name: string, fields: string, registry = prod) => {
    const change = { name, sdl: `${link} type Query { ${fields} }`, file: `${name}.graphql` };
    return registry.publish([{ ...change, routingUrl: `http://${name}.test/` }], author);
  };
  const runs = async () => contract.supergraph(await contract.newest());

  it('is a variant that shows a part of another one', async () => {
    await publish('a', 'x: Int, y: Int @tag(name: "internal")');

    expect(await contract.contract(terms, author)).toMatchObject({
      outcome: 'published',
      version: { number: 1, changes: { a: 'added' }, contract: { ...terms, version: 1 } },
    });

    expect(await runs()).toMatch(/y: Int @tag\(name: "internal"\) @inaccessible/);
  });

  it('follows what is published to the other one, removed from it and rolled back there', async () => {
    await publish('a', 'x: Int');
    await contract.contract(terms, author);

    expect(await publish('b', 'z: Int')).toMatchObject({
      outcome: 'published',
      contracts: { 'shop@public': { outcome: 'published', version: { number: 2, changes: { b: 'added' } } } },
    });
    expect(await runs()).toContain('z: Int');
    await prod.remove('b', author);
    expect(await runs()).not.toContain('z: Int');
    await prod.rollback({}, author);
    expect(await runs()).toContain('z: Int');
    expect((await contract.history(10)).map(({ number, contract }) => [number, contract?.version])).toEqual([
      [4, 4],
      [3, 3],
      [2, 2],
      [1, 1],
    ]);
  });

  it('changes nothing that runs, here or there, when it cannot be', async () => {
    await publish('a', 'x: Int');
    await contract.contract(terms, author);
    const before = await runs();

    const result = await publish('a', 'x: Int @tag(name: "internal")');

    expect(result).toMatchObject({
      outcome: 'published',
      contracts: {
        'shop@public': { outcome: 'rejected', errors: [{ code: 'QUERY_ROOT_TYPE_INACCESSIBLE' }] },
      },
    });
    expect(await runs()).toBe(before);
    expect(await contract.newest()).toMatchObject({ number: 2, kind: 'rejected', contract: terms });
    // The same is not recorded again.
    expect(await contract.contract(undefined, author)).toMatchObject({ outcome: 'unchanged' });
    expect(await publish('a', 'x: Int @tag(name: "internal"), y: Int')).toMatchObject({
      contracts: { 'shop@public': { outcome: 'published', version: { number: 3 } } },
    });
  });

  it('keeps its terms when others are rejected', async () => {
    await publish('a', 'x: Int, y: Int @tag(name: "public")');
    await contract.contract(terms, author);
    const asked = await contract.contract({ ...terms, include: ['nobody'] }, author);
    expect(asked).toMatchObject({ outcome: 'rejected', version: { contract: { include: [] } } });
    expect(await contract.contract({ ...terms, include: ['public'] }, author)).toMatchObject({
      outcome: 'published',
      version: { number: 3, contract: { include: ['public'] } },
    });
    expect(await contract.contract({ ...terms, include: ['public'] }, author)).toMatchObject({
      outcome: 'unchanged',
    });
  });

  it('is brought up to date by whoever publishes next, when a publisher died before it got there', async () => {
    await publish('a', 'x: Int');
    await contract.contract(terms, author);
    const deaf: RegistryStore = {
      ...bound(store),
      list: async (partition, options) =>
        partition.endsWith('/contracts') ? [] : store.list(partition, options),
    };
    await publish('b', 'z: Int', new Registry({ store: deaf, variant: { graph: 'shop', variant: 'prod' } }));
    expect(await runs()).not.toContain('z: Int');

    expect(await publish('b', 'z: Int')).toMatchObject({
      outcome: 'unchanged',
      contracts: { 'shop@public': { outcome: 'published' } },
    });
    expect(await runs()).toContain('z: Int');
  });

  it('follows nothing any more once it has ended, and has no supergraph then', async () => {
    await publish('a', 'x: Int');
    await contract.contract(terms, author);
    expect(await prod.contracts()).toMatchObject([{ name: 'shop@public' }]);

    expect(await contract.endContract(author)).toMatchObject({
      outcome: 'published',
      version: { number: 2, kind: 'ended', changes: { a: 'removed' }, subgraphs: {} },
    });

    expect(await prod.contracts()).toEqual([]);
    expect(await publish('b', 'z: Int')).toMatchObject({ outcome: 'published', contracts: {} });
    await expect(runs()).rejects.toThrow(
      'shop@public has no supergraph at version 2: it was a contract until then.',
    );
    await expect(contract.endContract(author)).rejects.toThrow('shop@public is no contract');
    // What was hidden would be shown.
    await expect(contract.rollback({}, author)).rejects.toThrow('was a contract of shop@prod');
    await expect(contract.rollback({ to: 1 }, author)).rejects.toThrow('was a contract of shop@prod');
    expect(await contract.contract(terms, author)).toMatchObject({ version: { number: 3 } });
    expect(await runs()).toContain('z: Int');
  });

  it('stays ended when it ends while a publisher brings it up to date', async () => {
    await publish('a', 'x: Int');
    await contract.contract(terms, author);
    const late: RegistryStore = {
      ...bound(store),
      async get(key) {
        const found = await store.get(key);
        // The publisher has seen that it is a contract.
        if (key.partition === 'shop@public' && (await contract.current())?.kind === 'published')
          await contract.endContract(author);
        return found;
      },
    };
    const variant = { graph: 'shop', variant: 'prod' };
    expect(await publish('b', 'z: Int', new Registry({ store: late, variant }))).toMatchObject({
      outcome: 'published',
      contracts: { 'shop@public': { outcome: 'unchanged', version: { kind: 'ended' } } },
    });
  });

  it(`has what all of ${publishers} publishers published at once`, async () => {
    await publish('a', 'x: Int');
    await contract.contract(terms, author);
    const names = Array.from({ length: publishers }, (_, index) => `s${index}`);
    await Promise.all(names.map((name) => publish(name, `${name}: Int`)));
    const supergraph = await runs();
    for (const name of names) expect(supergraph).toContain(`${name}: Int`);
  });

  it.each([
    [
      'another graph',
      { ...terms, of: 'library@prod' },
      'A contract is made from another variant of the graph shop',
    ],
    ['itself', { ...terms, of: 'shop@public' }, 'A contract is made from another variant of the graph shop'],
    ['no tags', { ...terms, exclude: [] }, 'A contract includes or excludes at least one tag.'],
    ['nothing', undefined, 'shop@public is no contract yet: name with --of the variant that it is made from'],
  ])('is not made from %s', async (_, asked, message) => {
    await publish('a', 'x: Int');
    await expect(contract.contract(asked, author)).rejects.toThrow(message);
  });

  it('is not published to, nor made of what was', async () => {
    await publish('a', 'x: Int');
    await expect(prod.contract({ ...terms, of: 'shop@public' }, author)).rejects.toThrow(
      'Nothing was published to shop@public yet',
    );
    await contract.contract(terms, author);
    await expect(publish('b', 'z: Int', contract)).rejects.toThrow(
      'shop@public is a contract of shop@prod: change shop@prod, and it follows.',
    );
    const other = new Registry({ store, variant: { graph: 'shop', variant: 'dev' } });
    await publish('a', 'x: Int', other);
    await expect(other.contract(terms, author)).rejects.toThrow('shop@dev has subgraphs that were published');
    await expect(other.contract({ ...terms, of: 'shop@public' }, author)).rejects.toThrow(
      'shop@public is a contract itself',
    );
  });
});

const bound = (store: RegistryStore): RegistryStore => ({
  get: (key) => store.get(key),
  list: (partition, options) => store.list(partition, options),
  put: (key, value, options) => store.put(key, value, options),
  delete: (key, options) => store.delete(key, options),
  close: () => store.close(),
});
