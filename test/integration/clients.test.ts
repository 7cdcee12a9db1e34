/** What docs/clients.md says, and its example, run as it stands there. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gql } from '@apollo/client';
import { transformSync } from '@swc/core';
import type { GatewayOptions } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

type Csrf = NonNullable<GatewayOptions['csrf']>;

let graph: SmallGraph;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  graph = await startSmallGraph();
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});
afterAll(() => graph.close());

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> {
  gateway = await startTestGateway({ ...options, supergraph: sourceOf(graph.supergraphSdl) });
  return gateway;
}

describe('a query as GET', () => {
  /** As urql sends it. */
  const urql = { accept: 'application/graphql-response+json, application/graphql+json, application/json' };
  const get = (headers: Record<string, string>, query = '{ me { name } }') =>
    fetch(`${gateway!.url}?query=${encodeURIComponent(query)}`, { headers });

  it.each<[string, Csrf, Record<string, string>, number]>([
    ['urql’s default', {}, {}, 400],
    ['urql with the header', {}, { 'apollo-require-preflight': 'true' }, 200],
    ['Apollo’s mobile clients', {}, { 'x-apollo-operation-name': 'Me' }, 200],
    ['a content type that needs a preflight', {}, { 'content-type': 'application/json' }, 200],
    ['a content type that needs none', {}, { 'content-type': 'text/plain' }, 400],
    ['an empty header', {}, { 'apollo-require-preflight': '' }, 400],
    ['a header of its own', { headers: ['X-Shop'] }, { 'x-shop': 'web' }, 200],
    ['another header than that', { headers: ['x-shop'] }, { 'apollo-require-preflight': 'true' }, 400],
    ['no header, where prevention is off', { enabled: false }, {}, 200],
  ])('of %s', async (_, csrf, headers, status) => {
    graph.accounts.headers = { 'cache-control': 'public, max-age=60' };
    await start({ csrf });
    // A new operation, a known one, and a cached answer; and where it is cached for others.
    await get({ 'content-type': 'application/json' });
    for (let i = 0; i < 3; i++) {
      const response = await get({ ...urql, ...headers });
      expect(response.status).toBe(status);
      const { data, errors } = (await response.json()) as Json;
      if (status === 200) expect(data).toEqual({ me: { name: 'Ada' } });
      else {
        expect(errors[0].extensions.code).toBe('BAD_REQUEST');
        for (const name of csrf.headers ?? ['x-apollo-operation-name', 'apollo-require-preflight'])
          expect(errors[0].message).toContain(name.toLowerCase());
      }
    }
  });

  it('is never a mutation, and a POST is JSON, also where prevention is off', async () => {
    await start({ csrf: { enabled: false } });
    expect((await get({}, 'mutation { rename(id: "u1", name: "x") { name } }')).status).toBe(405);
    const headers = { 'content-type': 'text/plain' };
    expect((await gateway!.post({ query: '{ me { name } }' }, { headers })).status).toBe(415);
  });
});

it('sends several operations of Apollo Client in one request', async () => {
  await start({ limits: { batch: 10 } });
  const sent: Json[] = [];
  const original = globalThis.fetch;
  jest.spyOn(globalThis, 'fetch').mockImplementation((url, init) => {
    sent.push(JSON.parse(init!.body as string));
    return original(url, init);
  });
  const client = exampleOf('Several operations in one request').createClient(gateway!.url);
  const queries = [
    gql`
      query {
        me {
          name
        }
      }
    `,
    gql`
      query {
        user(id: "u2") {
          name
        }
      }
    `,
  ];
  const answers = await Promise.all(queries.map((query) => client.query({ query })));
  jest.restoreAllMocks();
  client.stop();
  expect(answers.map(({ data }) => data)).toMatchObject([
    { me: { name: 'Ada' } },
    { user: { name: 'Grace' } },
  ]);
  expect(sent.map(({ length }) => length)).toEqual([2]);
});

it.each(['multipart/form-data; boundary=x', 'Multipart/Form-Data'])(
  'refuses a file (%s) with a sentence that says where files go',
  async (type) => {
    await start();
    const response = await gateway!.post('--x--', {
      headers: { 'content-type': type, 'apollo-require-preflight': 'true' },
    });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      errors: [
        {
          message: expect.stringMatching(/^Files are not uploaded through the gateway .* presigned URL/),
          extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' },
        },
      ],
    });
  },
);

/** What the TypeScript below a heading of the page exports. */
function exampleOf(heading: string): Json {
  const page = readFileSync(join(__dirname, '../../docs/clients.md'), 'utf8');
  const [code] = page.split(`## ${heading}\n`)[1]!.split('```ts\n')[1]!.split('```');
  const compiled = transformSync(code!, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  const exported: Json = {};
  // oxlint-disable-next-line typescript/no-implied-eval -- it is our own page
  new Function('exports', 'require', compiled.code)(exported, createRequire(__filename));
  return exported;
}
