/** The files that `weir init` writes. */

/** `weir.yaml`. `schema` is the path of its JSON schema. */
export function optionsFile(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
# Options of the gateway, for \`weir dev\` and \`weir gateway --config weir.yaml\`. Weir's docs/configuration.md lists them.
port: 4000
# What \`weir compose supergraph.yaml --out supergraph.graphql\` writes; \`weir dev\` composes by itself.
supergraph: supergraph.graphql
`;
}

/** `supergraph.yaml` without subgraphs. */
export const supergraphHead = `# The subgraphs of this graph, in the format of Rover's supergraph.yaml. \`command\` and \`watch\` are for \`weir dev\`: it
# runs the command with PORT in its environment, and starts it anew after an edit of what is watched.
federation_version: 2
subgraphs:
`;

export function supergraphEntry(name: string, port: number) {
  return {
    routing_url: `http://127.0.0.1:${port}/graphql`,
    schema: { file: `${name}/schema.graphql` },
    command: `node ${name}/index.mjs`,
    watch: name,
  };
}

/** The files of a subgraph that is built on the kit, by path. */
export function subgraphFiles(name: string, weir: string): [path: string, text: string][] {
  const field = camelCase(name);
  const type = typeNameOf(name);
  return [
    [
      `${name}/schema.graphql`,
      `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key"])

type Query {
  ${field}: [${type}!]!
}

# An entity: other subgraphs may add fields to it, and the gateway joins them by its key.
type ${type} @key(fields: "id") {
  id: ID!
  name: String!
}
`,
    ],
    [
      `${name}/index.mjs`,
      `import { join } from 'node:path';
import { defineSubgraph, runWhenMain } from '${weir}/subgraph';

const ${field} = [
  { id: '1', name: 'The first of ${name}' },
  { id: '2', name: 'The second of ${name}' },
];

export const subgraph = defineSubgraph({
  name: '${name}',
  schema: join(import.meta.dirname, 'schema.graphql'),
  resolvers: {
    Query: { ${field}: () => ${field} },
    // The gateway asks for it where another subgraph knows only its key.
    ${type}: { __resolveReference: ({ id }) => ${field}.find((one) => one.id === id) ?? null },
  },
});

runWhenMain(import.meta, subgraph);
`,
    ],
    [
      `${name}/index.test.mjs`,
      `import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startSubgraph } from '${weir}/subgraph';
import { subgraph } from './index.mjs';

const { url, stop } = await startSubgraph(subgraph, { port: 0, logLevel: 'silent' });
after(stop);

async function ask(query, variables) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

test('lists ${name}', async () => {
  const { data } = await ask('{ ${field} { id name } }');
  assert.deepEqual(data.${field}[0], { id: '1', name: 'The first of ${name}' });
});

test('is asked for one by its key, as the gateway does', async () => {
  const query = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on ${type} { name } } }';
  const { data } = await ask(query, { of: [{ __typename: '${type}', id: '2' }] });
  assert.deepEqual(data, { _entities: [{ name: 'The second of ${name}' }] });
});
`,
    ],
  ];
}

/** The field name for a subgraph: `order-items` becomes `orderItems` … */
function camelCase(name: string): string {
  const words = name.split(/[-_]/).filter((word) => word !== '');
  return words.map((word, i) => (i === 0 ? lower(word) : upper(word))).join('');
}

/** … and the type name: `order-items` becomes `OrderItem`. */
function typeNameOf(name: string): string {
  const plural = upper(camelCase(name));
  const type = /(ss|us|is|ews|eries)$/.test(plural) ? plural : plural.replace(/ies$/, 'y').replace(/s$/, '');
  return takenTypes.has(type) ? `${type}Item` : type;
}

/** Types that every schema has. */
const takenTypes: ReadonlySet<string> = new Set([
  ...['Query', 'Mutation', 'Subscription'],
  ...['ID', 'Int', 'Float', 'String', 'Boolean'],
]);

const upper = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const lower = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1);
