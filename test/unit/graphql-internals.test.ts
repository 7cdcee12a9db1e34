/**
 * What gateway/ and schema/ use of graphql-js that is not its public interface, and may change in any version. The range
 * of `graphql` in package.json stays open: subgraphs and plugins must share one copy of it with us, or its `instanceof`
 * fails. An upgrade that changes one of these fails here, and names the files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suggestionList } from 'graphql/jsutils/suggestionList';

const root = join(__dirname, '../..');

it('is used in these files only', () => {
  const uses = ['cli', 'gateway', 'kit', 'optional-packages', 'schema', 'subgraphs']
    .flatMap((folder) => sourcesIn(folder))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/'(graphql\/[^']+)'/g)].map(([, path]) => [
        basename(file),
        path,
      ]),
    );
  expect(Object.fromEntries(uses)).toEqual({
    'build-schema.ts': 'graphql/utilities/extendSchema',
    'config-issue.ts': 'graphql/jsutils/suggestionList',
    'problem.ts': 'graphql/jsutils/suggestionList',
    'source-problem.ts': 'graphql/jsutils/suggestionList',
    'supergraph-facts.ts': 'graphql/language/parser',
    'tool-request.ts': 'graphql/jsutils/suggestionList',
    'unknown-names.ts': 'graphql/jsutils/suggestionList',
  });
  expect(uses).toHaveLength(7);
});

// `planner.test.ts` reads supergraphs with `Parser`. `build-schema.test.ts` compares what `extendSchemaImpl` makes with what the public `buildSchema` makes.
it.each([
  ['prot', 'port'],
  ['PORT', 'port'],
  ['listen', undefined],
])('suggests the nearest first: for %s, of host, port and depth, %s', (name, nearest) => {
  expect(suggestionList(name, ['host', 'port', 'depth'])[0]).toBe(nearest);
});

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(root, folder, name));
}
