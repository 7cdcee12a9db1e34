/** `weir explain`: what it says of operations, and how. Over 300 lines: a case for each kind of operation and form of the answer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph, Registry } from '../../../../schema';
import { registryStoreKinds, type TestRegistryStores } from '../../../support/registry-stores';
import { startCli } from '../../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@authenticated", "@override"])';
const subgraph = (name: string, sdl: string) => ({
  name,
  routingUrl: `http://${name}.test/graphql`,
  sdl: `${link} ${sdl}`,
  file: `${name}.graphql`,
});
const supergraph = file('supergraph.graphql', composed());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('weir explain', () => {
  describe('without --supergraph', () => {
    const query = file('named.graphql', '{ me { name } }');
    const withoutFlag = (...args: string[]) =>
      startCli(['explain', '--query', query, '--config', file('options.yaml', args.join('\n'))]).result;

    it('takes the file that the options name', async () => {
      const { exitCode, stdout } = await withoutFlag(`supergraph: ${supergraph}`);

      expect(exitCode).toBe(0);
      expect(stdout).toContain('Fetch(service: "accounts")');
    });

    it('requires one if the options name none', async () => {
      expect(await withoutFlag('port: 1')).toEqual({
        ...{ exitCode: 2, stdout: '' },
        stderr:
          'weir: which supergraph? Name it with --supergraph SOURCE (a file, a URL or a registry), or as `supergraph` in the file of --config.\n',
      });
    });
  });

  describe.each(registryStoreKinds)('with the supergraph in a registry in %s', (_, start) => {
    const query = file('registry.graphql', '{ me { name } }');
    let stores: TestRegistryStores;
    let source: string;
    beforeAll(async () => {
      stores = await start();
      source = `registry:${stores.location}#shop@prod`;
      const registry = new Registry({
        store: await stores.open(),
        variant: { graph: 'shop', variant: 'prod' },
      });
      await registry.publish([subgraph('people', 'type Query { me: User } type User { name: String }')], {
        by: 'ana',
      });
    });
    afterAll(() => stores.close());

    it('takes it from a flag, and from the options, and reports nothing to the registry', async () => {
      const config = file('registry.yaml', `supergraph: "${source}"`);
      for (const flags of [
        ['--supergraph', source],
        ['--config', config],
      ]) {
        const { exitCode, stdout, stderr } = await startCli(['explain', '--query', query, ...flags]).result;
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
        expect(stdout).toContain('Fetch(service: "people")');
      }
      const reader = new Registry({
        store: await stores.open(),
        variant: { graph: 'shop', variant: 'prod' },
      });
      expect(await reader.gateways.running()).toEqual([]);
    });

    it('says why there is none', async () => {
      const other = source.replace('shop@prod', 'shop@dev');
      const { exitCode, stderr } = await startCli(['explain', '--query', query, '--supergraph', other])
        .result;
      expect(exitCode).toBe(2);
      expect(stderr).toContain('Nothing was published to shop@dev yet: `weir publish` does.');
    });
  });

  it('prints the query plan of an operation', async () => {
    const query = file('query.graphql', '{ me { name karma } }');

    const { exitCode, stdout, stderr } = await explain('--query', query);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(
      /^QueryPlan \{\n {2}Sequence \{\n {4}Fetch\(service: "accounts"\)[^]*service: "reviews"/,
    );
  });

  it('says why the plan has each fetch, with --why', async () => {
    const query = file('query.graphql', '{ me { name karma } }');

    const { stdout } = await explain('--query', query, '--why');
    expect(stdout).toMatch(
      /Fetch\(service: "reviews"\) \{\n +# Fetches User by id\.\n +# No other subgraph resolves User\.karma\.\n/,
    );
    const { reasons } = JSON.parse((await explain('--query', query, '--why', '--format', 'json')).stdout);
    expect(reasons).toMatchObject([
      { subgraph: 'accounts', neededBy: [{ subgraph: 'reviews', fields: ['id'] }] },
      { subgraph: 'reviews', path: 'me', keys: ['User by id'], nextBest: 'none' },
    ]);
  });

  it('says which calls would be merged, shared and cached, by the options', async () => {
    const query = file('page.graphql', 'query Page { me { name karma friend { karma } } }');
    const config = file(
      'weir.yaml',
      `
        calls: { dedupe: false }
        subgraphs:
          reviews: { identity: independent, cache: { maxAge: 1m, scope: public, types: { User: { maxAge: 5m } } } }
        cache: { responses: { types: { User: { maxAge: 30s } } } }
      `,
    );

    const { stdout } = await explain('--query', query, '--config', config);

    expect(stdout.slice(stdout.indexOf('Calls:'))).toBe(
      [
        'Calls: 2, for 3 fetches of the plan',
        '  step 1  accounts  me',
        '  step 2  reviews   User at me + User at me.friend',
        '',
        'Shared with other requests',
        '  accounts  nothing (`calls`)',
        '  reviews   between all clients: entity fetches of the same fields go in one call',
        '',
        'Cached',
        '  accounts    for as long as its `Cache-Control` says',
        '  reviews     60 s, public (`subgraphs.reviews.cache`), User 300 s, private (`subgraphs.reviews.cache`); each entity separately',
        '  the answer  at most 30 s, public; shorter where a `Cache-Control` says so',
        '',
      ].join('\n'),
    );
  });

  it('leaves out the fields that `@skip` and `@include` exclude', async () => {
    const query = file(
      'maybe.graphql',
      'query ($more: Boolean = true) { me { name karma @include(if: $more) } }',
    );
    const variables = file('less.json', '{ "more": false }');

    expect((await explain('--query', query)).stdout).toContain('Calls: 2\n');
    expect((await explain('--query', query, '--variables', variables)).stdout).toContain('Calls: 1\n');
  });

  it('says the fewest calls if their number depends on which answers come first', async () => {
    const graph = join(__dirname, '../../../../bench/fixture/supergraph.graphql');
    const query = file(
      'nested.graphql',
      `{
        users { ...P reviews { ...R product { ...G reviews { ...R author { ...P reviews { ...R product { ...G } } } } } } }
        topProducts { ...G reviews { ...R author { ...P reviews { ...R product { ...G } } } } }
      }
      fragment P on User { id username name }
      fragment R on Review { id title }
      fragment G on Product { inStock name price shippingEstimate upc weight }`,
    );

    const { stdout } = await explain('--query', query, '--supergraph', graph);

    expect(stdout).toContain(
      'Calls: 7 to 9, for 13 fetches of the plan; calls of one step and subgraph are merged if they are ready at the same time',
    );
  });

  it.each([
    [
      'mutation { rename { name } }',
      {},
      'not cached; it invalidates the entities that it returns in all caches',
    ],
    ['{ __typename }', {}, 'not cached: it needs no subgraph'],
    [
      '{ me { name } }',
      {},
      'for as long as the strictest `Cache-Control` of its calls says; not if one has none',
    ],
    ['{ me { name } }', { responses: { enabled: false } }, 'not cached (`cache.responses.enabled`)'],
    ['query Me { me { name } }', { responses: { operations: { Me: { maxAge: '9s' } } } }, '9 s'],
  ])('says whether the answer to %s with %j is cached', async (text, cache, sentence) => {
    const query = file('answer.graphql', text);
    const config = file('answer.yaml', JSON.stringify({ cache }));

    const { stdout } = await explain('--query', query, '--config', config);

    expect(stdout).toContain(`\n  the answer  ${sentence}`);
  });

  it('plans one operation of several, with its variables', async () => {
    const query = file(
      'two.graphql',
      'query A { me { name } } query B($more: Boolean!) { me { karma @include(if: $more) } }',
    );
    const variables = file('variables.json', '{ "more": true }');

    const { stdout } = await explain('--query', query, '--operation', 'B', '--variables', variables);

    expect(stdout).toContain('service: "reviews"');
  });

  it('exits 1 with line and column of everything that is not valid', async () => {
    const query = file('invalid.graphql', '{\n  me { nam }\n  you\n}');

    const { exitCode, stdout, stderr } = await explain('--query', query);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('error: Cannot query field "nam" on type "User". Did you mean "name"?');
    expect(stderr).toContain(`${query}:2:8\n`);
    expect(stderr).toContain(`${query}:3:3\n`);
  });

  describe('for a subscription', () => {
    const subgraphs = [
      subgraph(
        'products',
        `type Query { a: Int } type Subscription { moved: Product }
         type Product @key(fields: "upc") { upc: ID! price: Int }`,
      ),
      subgraph('reviews', 'type Product @key(fields: "upc") { upc: ID! stars: Int own: Int @authenticated }'),
    ];
    const shared = file('subscribed.graphql', composeSupergraph({ subgraphs }).supergraphSdl!);
    const independent = (...names: readonly string[]): string =>
      `{ subgraphs: { ${names.map((name) => `${name}: { identity: independent }`).join(', ')} } }`;

    it.each([
      [
        'to whom, where no subgraph sees who asks',
        ['stars', independent('products', 'reviews')],
        [
          'one at products for all clients with the same variables of it',
          'one for each event, for all clients with the same operation and variables',
        ],
      ],
      [
        'and why not with everybody, where a subgraph does',
        ['stars', independent('products')],
        [
          'one at products for all clients with the same variables of it',
          'one for each event, for clients with the same operation, variables, identity and forwarded headers, as reviews is not `identity: independent`',
        ],
      ],
      [
        'and why not with everybody, where a field is protected',
        ['own', independent('reviews')],
        [
          'one at products for clients with the same variables of it and the same forwarded headers, and with private links the same identity, as products is not `identity: independent`',
          'one for each event, for clients with the same operation, variables, identity and forwarded headers, as fields of it are protected by directives, and products is not `identity: independent`',
        ],
      ],
      [
        'where events feed it',
        [
          'stars',
          "{ subgraphs: { products: { identity: independent }, reviews: { identity: independent } }, events: { subscriptions: { moved: { types: [Moved], key: { upc: subject }, only: { data.owner: { eq: '{$claims.sub}' } } } } } }",
        ],
        [
          'events of Moved, and no subscription at a subgraph: one for all clients with the same variables of it and the same values in its filter',
          'one for each event, for all clients with the same operation and variables and the same values in its filter',
        ],
      ],
    ])('says what is shared, %s', async (_, [field, options], [source, executions]) => {
      const query = file('moved.graphql', `subscription { moved { price ${field!} } }`);
      const args = ['explain', '--query', query, '--supergraph', shared];
      const { stdout } = await startCli([...args, '--config', file('shared.yaml', options!)]).result;
      expect(stdout).toContain(
        `Shared with other subscriptions\n  source      ${source!}\n  executions  ${executions!}\n`,
      );
      expect(stdout).toContain('not cached: each event has an answer of its own');
    });
  });

  it('exits 1 for a subscription on a graph without any', async () => {
    const query = file('subscription.graphql', 'subscription { __typename }');

    const { exitCode, stderr } = await explain('--query', query);

    expect(exitCode).toBe(1);
    expect(stderr).toContain('The subscription operation is not supported by the schema.');
  });

  it('exits 2 for variables that are no JSON object, and for a supergraph that is none', async () => {
    const query = file('query.graphql', '{ me { name } }');
    const list = file('list.json', '[]');

    expect(await explain('--query', query, '--variables', list)).toMatchObject({
      exitCode: 2,
      stderr: `weir: ${list} must hold a JSON object, one member for each variable.\n`,
    });
    expect(await explain('--query', query, '--supergraph', query)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^weir: .*query\.graphql cannot be planned for: [^\n]+\n$/),
    });
  });

  it('gives all reasons why a supergraph cannot be run', async () => {
    const unserved = composed().replace(
      '@link(url: "https://specs.apollo.dev/join',
      '@link(url: "https://specs.apollo.dev/connect/v0.3", for: EXECUTION)\n  @link(url: "https://specs.apollo.dev/join',
    );
    const query = file('query.graphql', '{ me { name } }');

    const { exitCode, stderr } = await explain(
      '--query',
      query,
      '--supergraph',
      file('unserved.graphql', unserved),
    );

    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'feature https://specs.apollo.dev/connect/v0.3 is for: EXECUTION but is unsupported',
    );
  });

  it('prints the plan with labels of progressive overrides on', async () => {
    const { supergraphSdl } = composeSupergraph({
      subgraphs: [
        subgraph('older', 'type Query { me: User } type User @key(fields: "id") { id: ID! name: String }'),
        subgraph(
          'newer',
          'type User @key(fields: "id") { id: ID! name: String @override(from: "older", label: "name-v2") }',
        ),
      ],
    });
    const named = file('overridden.graphql', supergraphSdl!);
    const withLabels = (...labels: string[]) =>
      explain('--supergraph', named, '--query', file('name.graphql', '{ me { name } }'), ...labels);

    expect((await withLabels()).stdout).not.toContain('Fetch(service: "newer")');
    expect((await withLabels('--override', 'name-v2')).stdout).toContain('Fetch(service: "newer")');
    expect((await withLabels('--override', 'name-v2', '--why')).stdout).toContain('Fetch(service: "newer")');
    const { exitCode, stderr } = await withLabels('--override', 'name-v3');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('No `@override` has the label "name-v3". Labels are: name-v2.');
  });
});

function explain(...args: string[]) {
  const given = args.includes('--supergraph') ? [] : ['--supergraph', supergraph];
  return startCli(['explain', ...given, ...args]).result;
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function composed(): string {
  return composeSupergraph({
    subgraphs: [
      subgraph(
        'accounts',
        `type Query { me: User you: User } type Mutation { rename: User }
         type User @key(fields: "id") { id: ID! name: String friend: User }`,
      ),
      subgraph('reviews', 'type User @key(fields: "id") { id: ID! karma: Int }'),
    ],
  }).supergraphSdl!;
}
