import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let subgraph: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'users',
    typeDefs: `type Query { me: User } type Mutation { rename: User } type Subscription { joined: User }
      type User { id: ID! }`,
    resolvers: { Query: { me: () => ({ id: '1' }) } },
  });
  gateway = await startTestGateway({ supergraph: sourceOf(compose([subgraph])) });
});

afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
});

beforeEach(() => {
  subgraph.requests.length = 0;
});

it('other directives are still unknown', async () => {
  const { errors } = await gateway.query('{ me { id @defers } }');
  expect(errors).toMatchObject([
    { message: 'Unknown directive "@defers".', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ]);
});

describe('on a graph of queries only', () => {
  let queries: TestSubgraph;
  let readOnly: TestGateway;

  beforeAll(async () => {
    queries = await startSubgraph({
      name: 'queries',
      typeDefs: 'type Query { me: ID }',
      resolvers: { Query: { me: () => '1' } },
    });
    readOnly = await startTestGateway({ supergraph: sourceOf(compose([queries])), limits: { batch: 2 } });
  });

  afterAll(async () => {
    await readOnly.stop();
    await queries.close();
  });

  it.each([
    'mutation { __typename }',
    'mutation { save }',
    'mutation { ... { __typename } }',
    'mutation { ...F } fragment F on Query { me }',
    'subscription { me }',
    'subscription { ... { __typename } }',
  ])('%s is not valid', async (query) => {
    const [kind] = query.split(' ');
    const invalid = {
      message: `The ${kind} operation is not supported by the schema.`,
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    };
    const answer = await readOnly.post({ query });
    const { errors } = (await answer.json()) as Json;
    expect([answer.status, errors[0]]).toEqual([400, expect.objectContaining(invalid)]);
    const batch = await readOnly.post([{ query: '{ me }' }, { query }]);
    expect(await batch.json()).toMatchObject([{ data: { me: '1' } }, { errors: [invalid] }]);
  });

  it('a document with a mutation is not valid, even where its query is asked for', async () => {
    const answer = await readOnly.post({ query: 'query Q { me } mutation M { save }', operationName: 'Q' });
    expect(((await answer.json()) as Json).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });
});
