import { serverAudits } from 'graphql-http';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;
/** With `errors.jsonStatus: 200`. */
let lenient: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  const start = (jsonStatus: 200 | 400) =>
    startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      introspection: true,
      errors: { jsonStatus },
    });
  gateway = await start(400);
  lenient = await start(200);
});

afterAll(async () => {
  await gateway.stop();
  await lenient.stop();
  await graph.close();
});

/**
 * The audit asks for 200 when a document does not parse or is not valid, in the old media type. By default Weir answers 400 in
 * both: it says so in its documentation.
 */
const mayWarn = ['572B', 'FDE2', '7B9B'];

const auditsOf = (of: () => TestGateway) =>
  serverAudits({
    url: () => of().url,
    // Without it a GET is refused: a page of somebody else's could have sent it.
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), 'apollo-require-preflight': '1' },
      }),
  });

const audits = auditsOf(() => gateway);
const lenientAudits = auditsOf(() => lenient);

it.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
  'passes the audit %s',
  async (_, audit) => {
    const result = await audit.fn();
    if (result.status === 'warn' && mayWarn.includes(audit.id)) return;
    expect(result).toMatchObject({ status: 'ok' });
  },
);

it.each(lenientAudits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
  'passes the audit %s without a warning where JSON has the status 200',
  async (_, audit) => {
    expect(await audit.fn()).toMatchObject({ status: 'ok' });
  },
);

it('has 200 in application/json only, and for nothing but documents and variables', async () => {
  const statusOf = async (query: string, accept: string): Promise<number> =>
    (await lenient.post({ query }, { headers: { accept } })).status;
  const [json, graphql] = ['application/json', 'application/graphql-response+json'];
  expect(await statusOf('{', json)).toBe(200);
  expect(await statusOf('{ nothing }', json)).toBe(200);
  expect(await statusOf('{', graphql)).toBe(400);
  expect(await statusOf(`{ ${'a: __typename '.repeat(2)} ${'me { name } '.repeat(30)} }`, json)).toBe(400);
});

it.each([
  ['{', {}],
  ['{ nothing }', {}],
  ['query ($a: Boolean!) { __typename @include(if: $a) }', { a: 'no' }],
  ['query A { __typename } query B { __typename }', {}],
])('answers %j in the media type that the client prefers', async (query, variables) => {
  const accept = 'application/json, application/graphql-response+json;q=0.5';
  const { headers } = await lenient.post({ query, variables }, { headers: { accept } });
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
});
