/** `weir dev` with a source: its overlay, and its mock. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningCli, startCli } from '../support/run-cli';
import type { Json } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const at = (file: string): string => join(folder, file);
let reviews: TestSubgraph;
let weir: RunningCli | undefined;

beforeAll(async () => {
  reviews = await startSubgraph({
    name: 'reviews',
    typeDefs: `type Query { reviews: [Review!]! }  type Review { author: User }
      type User @key(fields: "id") { id: ID! }`,
    resolvers: { Query: { reviews: () => [{ author: { id: 'u1' } }, { author: { id: 'u2' } }] } },
  });
  writeFileSync(
    at('users.graphql'),
    `type Query { usersByIds(ids: [ID!]!): [User!]! }  type User { id: ID! name: String! friendId: ID }`,
  );
  writeFileSync(
    at('users.join.graphql'),
    `extend type Query { usersByIds(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup @internal }
     extend type User { friend: User @derive @is(field: "{ id: friendId }") }`,
  );
  writeFileSync(
    at('supergraph.yaml'),
    `subgraphs:
  reviews: { routing_url: ${reviews.url}, schema: { subgraph_url: ${reviews.url} } }
  users:
    routing_url: http://127.0.0.1:1/graphql
    schema: { file: users.graphql }
    overlay: users.join.graphql
`,
  );
});
afterEach(() => weir?.stop());
afterAll(async () => {
  await reviews.close();
  rmSync(folder, { recursive: true });
});

const start = async (...flags: string[]): Promise<void> => {
  weir = startCli(['dev', '--supergraph-config', at('supergraph.yaml'), '--port', '0', ...flags]);
  await weir.printed(/curl/);
};

const ask = async (query: string): Promise<Json> => {
  const [, url] = /Endpoint +(\S+)/.exec(weir!.stdout)!;
  const response = await fetch(url!, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
};

it('answers for a source that is mocked, with all that its overlay adds', async () => {
  await start('--mock', 'users', '--record', at('keys.json'));
  const { data, errors } = await ask('{ reviews { author { id name friend { name } } } }');
  expect(errors).toBeUndefined();
  expect(data.reviews).toEqual(
    ['u1', 'u2'].map((id) => ({
      author: { id, name: expect.any(String), friend: { name: expect.any(String) } },
    })),
  );
});
