import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadOptions, type OptionsInput, parseOptions } from '../../../../gateway/options';
import { filesMatching, toolFilesIn } from '../../../../gateway/options/mcp';

const folder = mkdtempSync(join(tmpdir(), 'weir-mcp-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ['b.graphql', 'a.graphql', 'notes.txt']) writeFileSync(join(folder, name), '');

const operations = ['agents/*.graphql'];
const resource = 'https://api.shop.example/mcp';
const parse = (mcp: object, more: object = {}) => parseOptions({ mcp, ...more } as OptionsInput).mcp;
const oidc = [{ issuer: 'https://id.example', audience: 'shop' }];

it('takes no mutations, and lets each tool request its scopes, if nothing else is said', () => {
  expect(parse({ operations })).toEqual({
    ...{ operations, path: '/mcp', mutations: 'never', scopes: 'operation' },
  });
  expect(parse({ operations, resource }, { auth: { oidc } })!.resource).toBe(resource);
});

it.each<[string, object, string]>([
  ['no operations', {}, '`mcp.operations` is missing'],
  ['an empty list of operations', { operations: [] }, 'must name at least one file'],
  ['a manifest without tools', { operations: [{ manifest: 'web.json' }] }, '`mcp.operations.0'],
  ['a path of the gateway', { operations, path: '/.well-known/mcp' }, 'must not begin with /health'],
  ['the path of GraphQL', { operations, path: '/graphql' }, 'must not be `path`, where GraphQL is'],
  ['a resource without TLS', { operations, resource: 'http://shop.example/mcp' }, 'must be an https URL'],
  ['a resource with a fragment', { operations, resource: `${resource}#a` }, 'must be an https URL'],
  ['another word for mutations', { operations, mutations: 'yes' }, 'must be never or allow'],
  ['another word for scopes', { operations, scopes: 'some' }, 'must be operation or all'],
])('refuses %s', (_, mcp, rule) => {
  expect(() => parse(mcp)).toThrow(rule);
});

it('wants the audience where there are tokens', () => {
  expect(() => parse({ operations }, { auth: { oidc } })).toThrow(
    '`mcp.resource` is missing; it must be the URL',
  );
});

it('names the files that a pattern stands for, sorted, and the folder to be watched', () => {
  const pattern = join(folder, '*.graphql');
  const files = [join(folder, 'a.graphql'), join(folder, 'b.graphql')];
  expect(filesMatching(pattern)).toEqual(files);
  expect(filesMatching(join(folder, 'none', '*.graphql'))).toEqual([]);
  const manifest = join(folder, 'web.json');
  const mcp = parse({ operations: [pattern, files[0], { manifest, tools: ['A'] }] });
  expect(toolFilesIn(mcp)).toEqual([folder, ...files, files[0], manifest]);
  expect(toolFilesIn(undefined)).toEqual([]);
});

it('takes paths from the folder of the options', () => {
  const config = join(folder, 'weir.yaml');
  writeFileSync(config, 'mcp: { operations: ["agents/*.graphql", { manifest: web.json, tools: [A] }] }');
  expect(loadOptions({ config }).mcp!.operations).toEqual([
    join(folder, 'agents/*.graphql'),
    { manifest: join(folder, 'web.json'), tools: ['A'] },
  ]);
});
