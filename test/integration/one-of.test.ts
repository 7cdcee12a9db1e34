import { executeSync, introspectionFromSchema, parse } from 'graphql';
import { apiSchemaOf } from '../../schema/composition/api-schema';
import { contractSupergraph } from '../../schema/composition/contract';
import { type InProcessGateway, inProcessSubgraph, openInProcess } from '../support/in-process-gateway';
import type { Json } from '../support/running-gateway';
import { compose } from '../support/small-graph';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@tag"])';

const users = inProcessSubgraph({
  name: 'users',
  // Apollo's subgraphs have to declare it.
  typeDefs: `${link}
    directive @oneOf on INPUT_OBJECT
    type Query { user(by: UserBy!): String  all(by: [UserBy!]): String  deep(in: In): String }
    input UserBy @oneOf { id: ID  name: String  at: Point }
    input Point { x: Int!  y: Int! }
    input In { by: UserBy }`,
  resolvers: {
    Query: {
      user: (_: unknown, { by }: Json) => JSON.stringify(by),
      all: (_: unknown, { by }: Json) => JSON.stringify(by),
      deep: (_: unknown, { in: given }: Json) => JSON.stringify(given),
    },
  },
});
// Says the same of its input, without `@oneOf`.
const orders = inProcessSubgraph({
  name: 'orders',
  typeDefs: `${link}
    type Query { orders(by: UserBy): Int }
    input UserBy { id: ID  name: String  at: Point }
    input Point { x: Int!  y: Int! }`,
  resolvers: { Query: { orders: (_: unknown, { by }: Json) => Object.keys(by ?? {}).length } },
});
const subgraphs = [users, orders];
let gateway: InProcessGateway;

beforeAll(async () => {
  gateway = await openInProcess(subgraphs, { introspection: true });
});

afterAll(() => gateway.stop());

beforeEach(() => {
  users.requests.length = orders.requests.length = 0;
});

it('is shown to clients', async () => {
  const { data } = await gateway.query(
    '{ by: __type(name: "UserBy") { isOneOf } point: __type(name: "Point") { isOneOf } }',
  );
  expect(data).toEqual({ by: { isOneOf: true }, point: { isOneOf: false } });
});

test.each<[string, string, Json, Json]>([
  ['a literal', '{ user(by: { id: 1 }) orders(by: { id: 1 }) }', {}, { user: '{"id":"1"}', orders: 1 }],
  [
    'a variable',
    'query ($by: UserBy!) { user(by: $by) orders(by: $by) }',
    { by: { at: { x: 1, y: 2 } } },
    { user: '{"at":{"x":1,"y":2}}', orders: 1 },
  ],
  [
    'a variable in a literal',
    'query ($id: ID!) { user(by: { id: $id }) }',
    { id: 7 },
    { user: '{"id":"7"}' },
  ],
  [
    'lists and objects of them',
    'query ($in: In) { all(by: [{ id: 1 }, { name: "a" }]) deep(in: $in) }',
    { in: { by: { name: 'b' } } },
    { all: '[{"id":"1"},{"name":"a"}]', deep: '{"by":{"name":"b"}}' },
  ],
])('sends on %s that has one field', async (_name, query, variables, data) => {
  const answers = [await gateway.query(query, variables), await gateway.query(query, variables)];
  expect(answers).toEqual([{ data }, { data }]);
});

test.each<[string, string, Json]>([
  ['no field', '{ user(by: {}) }', {}],
  ['two fields', '{ user(by: { id: 1, name: "a" }) }', {}],
  ['two fields for a subgraph that would take them', '{ orders(by: { id: 1, name: "a" }) }', {}],
  ['null', '{ user(by: { id: null }) }', {}],
  ['a field and null', '{ user(by: { id: 1, name: null }) }', {}],
  ['a variable that may be null', 'query ($id: ID) { user(by: { id: $id }) }', { id: 1 }],
  ['one in an item of a list', 'query ($id: ID) { all(by: [{ id: $id }]) }', { id: 1 }],
  ['one in an object that stands for a list', 'query ($id: ID) { all(by: { id: $id }) }', { id: 1 }],
  ['one in an object', 'query ($id: ID) { deep(in: { by: { id: $id } }) }', { id: 1 }],
  ['one with a default', 'query ($id: ID = 1) { user(by: { id: $id }) }', {}],
  ['one in a fragment', 'query ($id: ID) { ...F } fragment F on Query { user(by: { id: $id }) }', { id: 1 }],
  ['two fields in a list', '{ all(by: [{ id: 1 }, { id: 1, name: "a" }]) }', {}],
  ['two fields by default', 'query ($by: UserBy = { id: 1, name: "a" }) { orders(by: $by) }', {}],
])('a literal with %s is not valid', async (_name, query, variables) => {
  const answer = await gateway.post({ query, variables });
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as Json).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  expect([...users.requests, ...orders.requests]).toEqual([]);
});

test.each<[string, Json]>([
  ['no field', { by: {} }],
  ['two fields', { by: { id: 1, name: 'a' } }],
  ['null', { by: { id: null } }],
  ['a field and null', { by: { id: 1, name: null } }],
  ['an unknown field', { by: { other: 1 } }],
])('a variable with %s is refused, by an operation that is known, too', async (_name, variables) => {
  const query = 'query ($by: UserBy!) { user(by: $by) }';
  expect((await gateway.query(query, { by: { id: 1 } })).errors).toBeUndefined();
  users.requests.length = 0;
  const answer = await gateway.post({ query, variables });
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as Json).errors[0].extensions.code).toBe('BAD_USER_INPUT');
  expect(users.requests).toEqual([]);
});

it('is enforced by a supergraph of another composer, which need not declare it', async () => {
  const undeclared = compose(subgraphs).replace('directive @oneOf on INPUT_OBJECT', '');
  const other = await openInProcess(subgraphs, {}, undeclared);
  try {
    expect((await other.query('{ user(by: { id: 1, name: "a" }) }')).errors).toHaveLength(1);
    expect((await other.query('{ user(by: { id: 1 }) }')).data).toEqual({ user: '{"id":"1"}' });
  } finally {
    await other.stop();
  }
});

it('stays in what a caller may see of the schema', async () => {
  const supergraphSdl = compose([
    {
      ...{ name: 'users', url: users.url },
      typeDefs: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
        type Query { user(by: UserBy!): String  secret: Int @authenticated }
        input UserBy @oneOf { id: ID  name: String }`,
    },
  ]);
  const options = { introspection: true, authorization: { introspection: 'visible' } } as const;
  const some = await openInProcess(subgraphs, options, supergraphSdl);
  try {
    const { data } = await some.query(
      '{ __type(name: "UserBy") { isOneOf } __schema { queryType { fields { name } } } }',
    );
    expect(data).toEqual({
      __type: { isOneOf: true },
      __schema: { queryType: { fields: [{ name: 'user' }] } },
    });
  } finally {
    await some.stop();
  }
});

it('stays in a contract', () => {
  const { supergraphSdl } = contractSupergraph(compose(subgraphs), {
    include: [],
    exclude: ['internal'],
  });
  const schema = apiSchemaOf(supergraphSdl!);
  const { data } = executeSync({ schema, document: parse('{ __type(name: "UserBy") { isOneOf } }') });
  expect(data).toEqual({ __type: { isOneOf: true } });
  expect(JSON.stringify(introspectionFromSchema(schema))).toContain('"oneOf"');
});
