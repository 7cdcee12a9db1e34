import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph } from '../../../../schema';
import { startCli } from '../../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-mcp-command-'));
const config = join(folder, 'weir.yaml');
const composed = join(folder, 'supergraph.graphql');
const schema = (orders: string) => `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
  type Query { product(upc: ID!): String  ${orders}: Int @requiresScopes(scopes: [["support"]]) }
  type Mutation { buy: Int }`;

beforeAll(() => {
  mkdirSync(join(folder, 'agents'));
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write(
    'agents/product.graphql',
    'query Product($upc: ID!, $plain: Boolean = false) { product(upc: $upc) @skip(if: $plain) }',
  );
  write('agents/orders.graphql', 'query Orders { orders }');
  write('agents/buy.graphql', 'mutation Buy { buy }');
  write('weir.yaml', 'mcp: { operations: [agents/*.graphql] }\n');
  write(
    'graphs.yaml',
    'supergraph: { registry: registry }\ngraphs: { default: shop@prod }\nmcp: { operations: [agents/*.graphql] }\n',
  );
  write('empty.yaml', 'supergraph: supergraph.graphql\n');
  write('before.graphql', schema('orders'));
  write('after.graphql', schema('orderCount'));
  write(
    'supergraph.yaml',
    'subgraphs:\n  shop:\n    routing_url: http://shop.test/\n    schema: { file: before.graphql }\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function supergraph(file: string): void {
  const subgraphs = [{ name: 'shop', routingUrl: 'http://shop.test/', sdl: schema(file), file }];
  writeFileSync(composed, composeSupergraph({ subgraphs }).supergraphSdl!);
}

const run = (...args: string[]) => startCli(args, {}).result;

it('prints tools with what they require, and which operations are none', async () => {
  supergraph('orders');
  const { exitCode: code, stdout } = await run('mcp', 'tools', '--supergraph', composed, '--config', config);
  expect([code, stdout.replaceAll(`${folder}/`, '').replace(/\d+ bytes/g, 'N bytes')]).toEqual([
    0,
    `Orders()
  scopes support; N bytes; agents/orders.graphql
Product(upc, plain?)
  no login; N bytes; agents/product.graphql
left out: Buy
  It is a mutation, and \`mcp.mutations\` is never. agents/buy.graphql
`,
  ]);
});

it('prints schemas as JSON', async () => {
  supergraph('orders');
  const { stdout } = await run(
    'mcp',
    'tools',
    '--supergraph',
    composed,
    '--config',
    config,
    '--format',
    'json',
  );
  expect(JSON.parse(stdout)).toMatchObject({
    tools: [
      { name: 'Orders', scopes: ['support'] },
      { name: 'Product', inputSchema: { required: ['upc'] } },
    ],
    leftOut: [{ name: 'Buy', isInvalid: false }],
  });
});

it('fails where an operation does not fit the supergraph', async () => {
  supergraph('orderCount');
  const { exitCode: code, stdout } = await run('mcp', 'tools', '--supergraph', composed, '--config', config);
  expect([code, stdout]).toEqual([
    1,
    expect.stringContaining('left out: Orders\n  Cannot query field "orders"'),
  ]);
});

it('refuses options that offer nothing', async () => {
  const { exitCode: code, stderr } = await run('mcp', 'tools', '--config', join(folder, 'empty.yaml'));
  expect([code, stderr]).toEqual([2, expect.stringContaining('has no `mcp`: it offers nothing to agents.')]);
});

it.each(['text', 'json', 'github'])(
  'fails `weir check` where an operation would not fit any more: as %s',
  async (format) => {
    const file = (name: string): string => join(folder, name);
    const check = (schemaFile: string) =>
      run(
        ...['check', 'shop', '--schema', file(schemaFile), '--against', file('supergraph.yaml')],
        ...['--threshold', '100%', '--tools', config, '--format', format],
      );
    const passed = await check('before.graphql');
    expect([passed.exitCode, passed.stdout]).toEqual([0, expect.not.stringContaining('TOOL_INVALID')]);
    const { exitCode: code, stdout } = await check('after.graphql');
    expect(code).toBe(1);
    expect(stdout).toContain(
      format === 'json' ? '"tools": [\n    {\n      "name": "Orders"' : 'TOOL_INVALID',
    );
    expect(stdout).toContain('orders.graphql');
  },
);

it('reads options with several graphs beside a supergraph that the command line names', async () => {
  supergraph('orders');
  const several = join(folder, 'graphs.yaml');
  const { exitCode, stdout, stderr } = await run(
    ...['mcp', 'tools', '--supergraph', composed, '--config', several],
  );
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Orders()');
  const checked = await run(
    ...['check', '--config', join(folder, 'supergraph.yaml'), '--against', composed, '--tools', several],
  );
  expect([checked.exitCode, checked.stderr]).toEqual([0, '']);
  writeFileSync(join(folder, 'query.graphql'), '{ orders }');
  const explained = await run(
    ...['explain', '--query', join(folder, 'query.graphql'), '--supergraph', composed, '--config', several],
  );
  expect([explained.exitCode, explained.stderr]).toEqual([0, '']);
});
