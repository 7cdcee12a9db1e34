/** Over 300 lines: the command prints something else for each kind of change. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signatureOf } from '../../../../gateway/usage/signature';
import { apiSchemaOf, openRegistryStore, Registry } from '../../../../schema';
import { startCli } from '../../../support/run-cli';

let folder: string;
let env: Record<string, string>;
/** A registry in which both subgraphs are published: each test has a copy. */
let published: string;
function openFolder(): void {
  folder = mkdtempSync(join(tmpdir(), 'weir-check-'));
  env = {
    WEIR_REGISTRY: join(folder, 'registry'),
    WEIR_GRAPH: 'shop@prod',
    GITHUB_ACTOR: 'ana',
    GITHUB_SHA: 'c0',
  };
}
beforeAll(async () => {
  openFolder();
  const publish = (name: string, schema: string, url: string) =>
    run('publish', name, '--schema', write(name, schema), '--routing-url', url);
  await publish('products', products, 'http://p.test/');
  await publish('reviews', reviews, 'http://r.test/');
  published = folder;
});
beforeEach(() => {
  openFolder();
  cpSync(published, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => rmSync(published, { recursive: true, force: true }));

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])\n';
const products = `${link}
type Query { product(id: ID!, currency: Currency): Product  search(filter: Filter!): [Product!]! }
enum Currency { EUR USD }
input Filter { text: String  currency: Currency }
type Product @key(fields: "id") { id: ID!  name: String! @shareable  price(currency: Currency): Float  weight: Int }
`;
const reviews = `${link}
type Product @key(fields: "id") { id: ID!  name: String! @shareable  reviews(first: Int): [Review!]! }
type Review { stars: Int  text: String! }
`;

const run = (...args: string[]) => startCli(args, env).result;
function write(name: string, text: string): string {
  const file = join(folder, `${name}.graphql`);
  writeFileSync(file, text);
  return file;
}
it('says that there is nothing to compare with before the first publish', async () => {
  env['WEIR_GRAPH'] = 'new@prod';
  const extension = `${link.replace('"@key"', '"@key", "@interfaceObject"')}
    type Query { a: Int }
    type Media @key(fields: "id") @interfaceObject { id: ID!  stars: Int }`;
  const alone = await run('check', 'stars', '--schema', write('stars', extension));
  expect(alone.exitCode).toBe(1);
  expect(alone.stdout).toMatch(/^error INTERFACE_OBJECT_USAGE_ERROR/);
  expect(alone.stdout).toContain(
    'Nothing is published as new@prod yet, so there is nothing to compare or compose with.\n' +
      'Check and publish subgraphs that need one another together, with --config FILE.\n',
  );
  const complete = await run('check', 'products', '--schema', write('products', products));
  expect(complete).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('nothing to compare or compose with'),
  });
});

const check = (schema: string, ...args: string[]) =>
  run('check', 'products', '--schema', write('products', schema), ...args);

/** As a gateway counts it: yesterday. */
async function use(
  query: string,
  requests: number,
  client = 'web',
  inputs?: Record<string, number>,
  variant = 'prod',
) {
  const store = await openRegistryStore(env['WEIR_REGISTRY']!);
  const registry = new Registry({ store, variant: { graph: 'shop', variant } });
  const schema = apiSchemaOf(await registry.supergraph(await registry.newest()));
  const { hash, text } = signatureOf(query, undefined, schema);
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  await registry.usage.putOperation(hash, text);
  const count = { operation: hash, client, version: '1.2', requests, ...(inputs && { inputs }) };
  await registry.usage.putSegment({ id: `g-${Math.random().toString(36).slice(2)}`, day, counts: [count] });
}

it('passes an added nullable field', async () => {
  const result = await check(products.replace('weight: Int', 'weight: Int  colour: String'));
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(result.stdout).toContain('safe Field `colour` was added to object type `Product`');
  expect(result.stdout).toMatch(/weir check against shop@prod passed: it composes, 1 change for clients.\n$/);
});

it('flags a removed field that a client used yesterday: names client, operation and count', async () => {
  await use('query Weigh { product(id: "1") { weight } }', 1234);
  await use('query Weigh { product(id: "1") { weight } }', 6, 'ios');
  await use('query Other { product(id: "1") { name } }', 99);
  const { exitCode, stdout } = await check(products.replace('weight: Int', ''));
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/breaking FIELD_REMOVED: .*`weight`.*; used by 1,240 requests in 30 days/);
  expect(stdout).toMatch(/ {2}Weigh \(\w{8}\), 1,240 requests: web 1\.2 1234, ios 1\.2 6\n/);
  expect(stdout).not.toContain('Other');
  expect(stdout).toMatch(/products\.graphql:6:6 \(products\)\n/);
});

it('allows a removed field that nobody used', async () => {
  await use('query Other { product(id: "1") { name } }', 99);
  const { exitCode, stdout } = await check(products.replace('weight: Int', ''));
  expect(stdout).toContain('not used in 30 days');
  expect(exitCode).toBe(0);
});

it('flags every breaking change without usage data', async () => {
  const { exitCode, stdout } = await check(products.replace('weight: Int', ''));
  expect(exitCode).toBe(1);
  expect(stdout).toContain('No usage data yet, so every breaking change fails the check.');
});

it.each([
  [
    'a new required argument',
    'price(currency: Currency)',
    'price(currency: Currency, tax: Boolean!)',
    '{ product(id: 1) { price } }',
    'FIELD_ARGUMENT_ADDED',
  ],
  [
    'a narrowed type',
    'price(currency: Currency): Float',
    'price(currency: Currency): Int',
    '{ product(id: 1) { price } }',
    'FIELD_TYPE_CHANGED',
  ],
  [
    'a narrowed argument',
    'product(id: ID!, currency: Currency)',
    'product(id: ID!, currency: Currency!)',
    '{ product(id: 1, currency: EUR) { id } }',
    'FIELD_ARGUMENT_TYPE_CHANGED',
  ],
  [
    'an enum value removed',
    'EUR USD',
    'EUR',
    '{ product(id: 1, currency: USD) { id } }',
    'ENUM_VALUE_REMOVED',
  ],
  [
    'a new required input field',
    'text: String ',
    'text: String  tax: Int! ',
    '{ search(filter: { text: "a" }) { id } }',
    'INPUT_FIELD_ADDED',
  ],
])('flags %s', async (_, before, after, query, code) => {
  await use(query, 7);
  const { exitCode, stdout } = await check(products.replace(before, after));
  expect(stdout).toMatch(new RegExp(`breaking ${code}: .*; used by 7 requests in 30 days`));
  expect(exitCode).toBe(1);
});

it('flags an enum value removed that a client sent in variables only', async () => {
  await use('query P($c: Currency) { product(id: 1, currency: $c) { id } }', 10, 'web', {
    'Currency.USD': 3,
  });
  const { exitCode, stdout } = await check(products.replace('EUR USD', 'EUR'));
  expect(stdout).toMatch(/breaking ENUM_VALUE_REMOVED: .*; used by 3 requests in 30 days/);
  expect(exitCode).toBe(1);
});

it('flags a type that is no longer shareable', async () => {
  const { exitCode, stdout } = await check(products.replace('name: String! @shareable', 'name: String!'));
  expect(exitCode).toBe(1);
  expect(stdout).toContain('error INVALID_FIELD_SHARING');
  expect(stdout).toContain('failed: it does not compose, with 1 error');
});

it('takes a threshold, a window and excluded clients', async () => {
  await use('{ product(id: 1) { weight } }', 3, 'smoke-test');
  await use('{ product(id: 1) { name } }', 997);
  const removed = products.replace('weight: Int', '');
  expect(await check(removed)).toMatchObject({ exitCode: 1 });
  expect(await check(removed, '--threshold', '3')).toMatchObject({ exitCode: 0 });
  expect(await check(removed, '--threshold', '0.1%')).toMatchObject({ exitCode: 1 });
  expect(await check(removed, '--threshold', '1%')).toMatchObject({ exitCode: 0 });
  expect(await check(removed, '--exclude-client', 'smoke-test')).toMatchObject({ exitCode: 0 });
  expect(await check(removed, '--exclude-client', 'smoke-test@9')).toMatchObject({ exitCode: 1 });
  expect(await check(removed, '--since', 'x')).toMatchObject({ exitCode: 2 });
});

it('warns of operations that would take more calls of subgraphs', async () => {
  await use('query Named { product(id: 1) { id name } }', 50);
  const moved = products.replace('name: String! @shareable', '');
  const { exitCode, stdout } = await check(moved);
  expect(stdout).toMatch(
    /warning SLOWER_PLAN: Named \(\w{8}, 50 requests\) would need 2 subgraph calls instead of 1, 2 in sequence instead of 1/,
  );
  expect(exitCode).toBe(0);
});

describe('with a contract that is made from the variant', () => {
  const tagged = products
    .replace('"@shareable"', '"@shareable", "@tag"')
    .replace('weight: Int', 'weight: Int @tag(name: "public")  size: Int');
  beforeEach(async () => {
    await run('publish', 'products', '--schema', write('products', tagged));
    await run('contract', 'shop@public', '--of', 'shop@prod', '--exclude', 'internal');
    await use('{ product(id: 1) { name } }', 50);
  });

  it('flags a change that only its clients notice, and names the contract', async () => {
    const removed = tagged.replace('size: Int', '');
    expect(await check(removed)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('shop@public: No usage data yet'),
    });
    await use('query Measure { product(id: 1) { size } }', 9, 'partner', undefined, 'public');
    const { exitCode, stdout } = await check(removed);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('breaking, allowed FIELD_REMOVED: Field `size` was removed');
    expect(stdout).toMatch(
      /shop@public: breaking FIELD_REMOVED: .*; used by 9 requests in 30 days\n.*\n(.*\n)+? {2}Measure \(\w{8}\), 9 requests: partner 1\.2 9\n/,
    );
    expect(stdout).toMatch(/failed: it composes, 1 change for clients, its contract shop@public fails\.\n$/);
    expect(await check(removed, '--exclude-client', 'partner')).toMatchObject({ exitCode: 1 });
    await use('{ product(id: 1) { name } }', 5, 'web', undefined, 'public');
    expect(await check(removed, '--exclude-client', 'partner')).toMatchObject({ exitCode: 0 });
  });

  it('flags elements that it would hide from its clients only', async () => {
    await use('{ product(id: 1) { size } }', 9, 'web', undefined, 'public');
    const hidden = tagged.replace('size: Int', 'size: Int @tag(name: "internal")');
    const { exitCode, stdout } = await check(hidden);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^shop@public: breaking FIELD_REMOVED: Field `size` was removed/);
    const json = JSON.parse((await check(hidden, '--format', 'json')).stdout) as unknown;
    expect(json).toMatchObject({
      passed: false,
      changes: [],
      contracts: { 'shop@public': { passed: false, changes: [{ code: 'FIELD_REMOVED', requests: 9 }] } },
    });
    expect((await check(hidden, '--format', 'github')).stdout).toMatch(/::shop@public: breaking/);
  });

  it('flags that it would not be valid', async () => {
    const hidden = tagged.replace('type Query {', 'type Query @tag(name: "internal") {');
    const { exitCode, stdout } = await check(hidden);
    expect(stdout).toContain('shop@public: error QUERY_ROOT_TYPE_INACCESSIBLE');
    expect(exitCode).toBe(1);
  });

  it('passes changes that its clients do not see, and all changes once it has ended', async () => {
    const added = tagged.replace('size: Int', 'size: Int  cost: Int @tag(name: "internal")');
    expect(await check(added)).toMatchObject({ exitCode: 0 });
    await run('contract', 'shop@public', '--remove');
    expect(await check(tagged.replace('size: Int', ''))).toMatchObject({ exitCode: 0 });
  });
});

it('warns of style, as the rules say', async () => {
  const odd = products.replace('weight: Int', 'Weight_kg: Int');
  expect((await check(odd)).stdout).toContain('warning field-names: `Weight_kg` must be in camelCase.');
  const forced = `${products} union _Entity = Product  input _Any { _id: ID! }`;
  expect((await check(forced)).stdout).not.toContain('warning');
  const rules = join(folder, 'lint.yaml');
  writeFileSync(rules, 'type-descriptions: error\nfield-names: off\n');
  const { exitCode, stdout } = await check(products, '--lint', rules);
  expect(stdout).toContain('error type-descriptions: `Product` has no description.');
  expect(exitCode).toBe(1);
  writeFileSync(rules, 'type-descriptoins: error\n');
  expect(await check(products, '--lint', rules)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(
      /lint\.yaml: .*there is no rule `type-descriptoins`; there are type-names/,
    ) as string,
  });
});

it('prints JSON and annotations', async () => {
  await use('query Weigh { product(id: "1") { weight } }', 5);
  const removed = products.replace('weight: Int', '');
  const file = join(folder, 'products.graphql');
  const json = JSON.parse((await check(removed, '--format', 'json')).stdout) as Record<string, unknown>;
  expect(json).toMatchObject({
    passed: false,
    changes: [{ code: 'FIELD_REMOVED', verdict: 'fails', requests: 5, operations: [{ name: 'Weigh' }] }],
    usage: { requests: 5 },
  });
  expect((await check(removed, '--format', 'github')).stdout).toMatch(
    new RegExp(
      `^::error file=${file},line=6,col=6,title=FIELD_REMOVED::breaking FIELD_REMOVED: .*%0A  Weigh`,
    ),
  );
  const gitlab = await check(removed, '--format', 'gitlab');
  expect(JSON.parse(gitlab.stdout)).toMatchObject([
    { check_name: 'FIELD_REMOVED', severity: 'critical', location: { path: file, lines: { begin: 6 } } },
  ]);
  // For the log of the job.
  expect(gitlab.stderr).toMatch(/^breaking FIELD_REMOVED.*\nweir check against shop@prod failed: .*\n$/s);
});

it('prints colours for terminals', async () => {
  env['FORCE_COLOR'] = '1';
  expect((await check(products)).stdout).toContain('\u001B[32mpassed');
});

it('checks against a file, without a registry', async () => {
  env = {};
  const file = write('products', products);
  const config = join(folder, 'supergraph.yaml');
  writeFileSync(
    config,
    `subgraphs:\n  products: { routing_url: http://p, schema: { file: ${file} } }\n  reviews: { routing_url: http://r, schema: { file: ${write('reviews', reviews)} } }\n`,
  );
  const changed = write('changed', products.replace('weight: Int', ''));
  const one = await run('check', 'products', '--schema', changed, '--against', config);
  expect(one.stdout).toMatch(/breaking FIELD_REMOVED/);
  expect(one.exitCode).toBe(1);
  const supergraph = join(folder, 'supergraph.graphql');
  await run('compose', config, '--out', supergraph);
  write('products', products.replace('weight: Int', ''));
  expect(await run('check', '--config', config, '--against', supergraph)).toMatchObject({ exitCode: 1 });
  expect(await run('check', 'products', '--schema', changed, '--against', supergraph)).toMatchObject({
    exitCode: 2,
  });
});

it('treats an added @oneOf as breaking if the input is used, and a removed @oneOf as safe', async () => {
  const oneOf = products.replace('input Filter {', 'input Filter @oneOf {');
  await use('query ($filter: Filter!) { search(filter: $filter) { id } }', 9, 'web', { Filter: 9 });

  const added = await check(oneOf);
  expect(added.exitCode).toBe(1);
  expect(added.stdout).toMatch(/^breaking DIRECTIVE_USAGE_INPUT_OBJECT_ADDED.*`Filter`/m);
  expect(added.stdout).toContain('products.graphql:5:7');

  await run('publish', 'products', '--schema', write('products', oneOf));
  const removed = await check(products);
  expect(removed.exitCode).toBe(0);
  expect(removed.stdout).toMatch(/^safe .*`oneOf` was removed from input object `Filter`/m);
});
