/** What the official clients make of the tools, those of the protocol of 2026 and those before. */
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { toolFiles } from '../support/tool-files';

const files = toolFiles({
  'add.graphql': '"Adds two numbers." query Add($a: Int!, $b: Int! = 1) { sum(a: $a, b: $b) }',
  'hidden.graphql': 'query Hidden { hidden }',
  'any.graphql': 'query Anything { any { __typename ... on One { one } ... on Two { two } } }',
});
let subgraph: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'numbers',
    typeDefs: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@policy"])
      type Query { sum(a: Int!, b: Int!): Int  any: [Any!]  hidden: Int @policy(policies: [["board"]]) }
      union Any = One | Two
      type One { one: Int! }
      type Two { two: String }`,
    resolvers: {
      Query: {
        sum: (_: unknown, { a, b }: { a: number; b: number }) => a + b,
        any: () => [
          { __typename: 'One', one: 1 },
          { __typename: 'Two', two: null },
        ],
      },
    },
  });
  gateway = await startTestGateway({
    supergraph: sourceOf(compose([subgraph])),
    mcp: { operations: [files.pattern] },
  });
});
afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
  files.remove();
});

const info = { name: 'test', version: '1' };
const endpoint = (): URL => new URL(gateway.url.replace('/graphql', '/mcp'));

it.each<[string, () => Promise<Pick<Client, 'listTools' | 'callTool' | 'getServerVersion' | 'close'>>]>([
  [
    'that of 1.x',
    async () => {
      const client = new Client(info);
      await client.connect(new StreamableHTTPClientTransport(endpoint()));
      return client;
    },
  ],
  [
    'that of 2.x',
    async () => {
      const client = new ModernClient(info, { versionNegotiation: { mode: 'auto' } });
      await client.connect(new ModernTransport(endpoint()));
      expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
      return client as unknown as Client;
    },
  ],
])('are listed, and their answers are of their output schemas, for the client: %s', async (_, connect) => {
  const client = await connect();
  expect(client.getServerVersion()).toMatchObject({ name: 'weir' });
  const { tools } = await client.listTools();
  expect(tools.map(({ name, description }) => [name, description])).toEqual([
    ['Add', 'Adds two numbers.'],
    ['Anything', undefined],
  ]);
  // Clients check answers against the output schema of their tool.
  expect((await client.callTool({ name: 'Add', arguments: { a: 2 } })).structuredContent).toMatchObject({
    data: { sum: 3 },
  });
  const { structuredContent } = await client.callTool({ name: 'Anything' });
  expect(structuredContent).toMatchObject({
    data: {
      any: [
        { __typename: 'One', one: 1 },
        { __typename: 'Two', two: null },
      ],
    },
  });
  const wrong = await client.callTool({ name: 'Add', arguments: { a: 'two' } });
  expect([wrong.isError, JSON.stringify(wrong.content)]).toEqual([true, expect.stringContaining('argument')]);
  const refused = await client.callTool({ name: 'Hidden' });
  expect([refused.isError, JSON.stringify(refused.content)]).toEqual([
    true,
    expect.stringContaining('It needs the policy'),
  ]);
  await expect(client.callTool({ name: 'Ad' })).rejects.toThrow('did you mean "Add"?');
  await client.close();
});
