/** `weir dev --mock`: answers that are made up, beside real subgraphs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DocumentNode, execute, type FieldNode, type GraphQLSchema, Kind, print, visit } from 'graphql';
import { apiSchemaOf } from '../../schema';
import { amountOf } from '../support/amounts';
import { randomOperation, type RandomOperation } from '../support/random-operation';
import { RandomSource } from '../support/random-source';
import { type RunningCli, startCli } from '../support/run-cli';
import type { Json } from '../support/running-gateway';
import { type Shop, startShop } from '../support/shop';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const file = join(folder, 'supergraph.yaml');
const seed = Number(process.env['WEIR_SEED'] ?? 1);
const operations = amountOf('WEIR_OPERATIONS', 30, 300);
const all = ['accounts', 'products', 'inventory', 'reviews', 'orders', 'shipping', 'payments', 'history'];

/** Of the gateway, which limits callers. */
const refusals = ['UNAUTHORIZED_FIELD_OR_TYPE', 'MAX_LIST_SIZE_LIMIT'];

let shop: Shop;
let apiSchema: GraphQLSchema;

beforeAll(async () => {
  shop = await startShop();
  apiSchema = apiSchemaOf(shop.supergraphSdl);
  const urls: Record<string, string> = { ...shop.urls, shipping: shop.shippingUrl };
  const entries = all.map(
    (name) => `  ${name}:
    routing_url: ${urls[name]}
    schema: { file: ${resolve(`subgraphs/${name}/schema.graphql`)} }
`,
  );
  // Callers with a key see what needs authentication, too.
  writeFileSync(
    join(folder, 'weir.yaml'),
    `auth: { apiKeys: [{ client: tests, sha256: ${sha256('key')} }] }\n`,
  );
  writeFileSync(file, `subgraphs:\n${entries.join('')}`);
});

afterAll(async () => {
  await shop.stop();
  rmSync(folder, { recursive: true });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const start = async (mocked: readonly string[]): Promise<{ weir: RunningCli; url: string }> => {
  const weir = startCli(['dev', '--supergraph-config', file, '--port', '0', '--mock', ...mocked]);
  await weir.printed(/curl/);
  return { weir, url: /Endpoint +(\S+)/.exec(weir.stdout)![1]! };
};

const post = (url: string, { query, variables, operationName }: Json): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': 'key' },
    body: JSON.stringify({ query, variables, operationName }),
  });

const answerTo = async (url: string, query: string): Promise<Json> => (await post(url, { query })).json();

/** Adds `__typename` to each selection, so that an answer can be read by the schema. */
const withTypenames = (document: DocumentNode): DocumentNode =>
  visit(document, {
    SelectionSet: ({ selections, ...node }) => ({ ...node, selections: [...selections, typename] }),
  });

const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/** What the schema makes of an answer: the same data, unless it is not valid. */
const readBack = (document: DocumentNode, { variables, operationName }: RandomOperation, data: Json) =>
  execute({
    ...{ schema: apiSchema, document, operationName, variableValues: variables, rootValue: data },
    fieldResolver: (object, _arguments, _context, { path }) => object[path.key],
    typeResolver: (object) => object.__typename,
  });

it.each([
  { mocked: all, faults: refusals },
  // The real ones do not know all entities that mocks make up, nor their cursors.
  { mocked: ['products', 'shipping', 'accounts'], faults: undefined },
  { mocked: ['reviews', 'orders', 'history', 'inventory', 'payments'], faults: undefined },
])('answers random operations by the schema with $mocked mocked', async ({ mocked, faults }) => {
  const { weir, url } = await start(mocked);
  const codes = new Set<string>();
  const calls = new Set<string>();
  for (let number = 0; number < operations; number++) {
    const operation = randomOperation(apiSchema, new RandomSource(seed * 10_007 + number));
    const document = withTypenames(operation.document);
    const response = await post(url, { ...operation, query: print(document) });
    expect(response.status).toBeLessThan(500);
    const { data, errors = [], extensions }: Json = await response.json();
    for (const { extensions } of errors) codes.add(extensions.code);
    for (const name of extensions?.weir.mocked ?? []) calls.add(name);
    if (data == null) continue;
    expect(await readBack(document, operation, data)).toEqual({ data });
  }
  await weir.stop();
  expect(mocked).toEqual(expect.arrayContaining([...calls]));
  expect(calls.size).toBeGreaterThan(2);
  expect(codes).not.toContain('INTERNAL_SERVER_ERROR');
  if (faults !== undefined) expect(faults).toEqual(expect.arrayContaining([...codes]));
});

it('has the same bytes for the same operation, in each run', async () => {
  const query =
    '{ product(upc: "p7") { name price reviews(first: 2) { edges { node { rating author { name } } } } } }';
  const answers = [];
  for (let run = 0; run < 2; run++) {
    const { weir, url } = await start(all);
    for (let time = 0; time < 2; time++) {
      answers.push(JSON.stringify((await answerTo(url, query)).data));
    }
    await weir.stop();
  }
  expect(new Set(answers).size).toBe(1);
});

it('makes up entities with keys that were recorded, which real subgraphs know', async () => {
  const record = join(folder, 'keys.json');
  const review = '{ review(id: "r") { id rating author { name } product { name } } }';
  const first = await start(['reviews', '--record', record]);
  expect(await answerTo(first.url, review)).toMatchObject({ data: { review: { author: null } } });
  await answerTo(first.url, '{ user(id: "u3") { id } products(first: 5) { edges { node { upc } } } }');
  await first.weir.stop();

  const second = await start(['reviews', '--record', record]);
  const { data, errors } = await answerTo(second.url, review);
  expect(errors).toBeUndefined();
  expect(data.review).toEqual({
    ...{ id: 'r', rating: expect.any(Number) },
    author: { name: expect.any(String) },
    product: { name: expect.any(String) },
  });
  await second.weir.stop();
});

describe('refuses', () => {
  const refusal = async (flags: readonly string[], env: Record<string, string> = {}) => {
    const args = ['dev', '--supergraph-config', file, '--port', '0', ...flags];
    const { exitCode, stderr } = await startCli(args, env).result;
    return { exitCode, stderr };
  };

  it.each(['NODE_ENV', 'WEIR_MODE'])('mocks in production, as %s has it', async (variable) => {
    expect(await refusal(['--mock', 'reviews'], { [variable]: 'production' })).toEqual({
      exitCode: 2,
      stderr: `weir: --mock makes answers up, which is refused in production: ${variable} is production.\n`,
    });
  });

  it('mocks in production, as the file of options has it', async () => {
    const options = join(folder, 'production.yaml');
    writeFileSync(options, 'port: 0\nmode: ${MODE}\n');
    expect(await refusal(['--mock', 'reviews', '--config', options], { MODE: 'production' })).toEqual({
      exitCode: 2,
      stderr: `weir: --mock makes answers up, which is refused in production: ${options}:2 has \`mode: production\`.\n`,
    });
  });

  it('them in `weir gateway`, with a sentence that names the command', async () => {
    for (const flag of ['--mock', '--mock=reviews', '--mock-scalars']) {
      const { exitCode, stderr } = await startCli(['gateway', flag]).result;
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringContaining('`weir dev --mock NAME`'),
      });
    }
  });

  it('to mock what the graph does not have', async () => {
    expect(await refusal(['--mock', 'review'])).toEqual({
      exitCode: 2,
      stderr: `weir: --mock: ${file} has no subgraph review; it has: ${all.join(', ')}.\n`,
    });
  });

  it.each(['--mock-scalars', '--record'])('%s without a mock', async (flag) => {
    expect(await refusal([flag, 'file'])).toEqual({
      exitCode: 2,
      stderr: `weir: ${flag} has no effect without --mock NAME.\n`,
    });
  });
});
