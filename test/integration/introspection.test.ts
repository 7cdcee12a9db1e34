import {
  buildClientSchema,
  buildSchema,
  executeSync,
  getIntrospectionQuery,
  type GraphQLSchema,
  lexicographicSortSchema,
  parse,
  printSchema,
} from 'graphql';
import { incrementalDirectives } from '../../schema/supergraph/api-schema-parts';
import { type InProcessGateway, inProcessSubgraph, openInProcess } from '../support/in-process-gateway';

const typeDefs = `
  type Query { me(by: By): User  self: Query }
  input By { id: ID  name: String @deprecated(reason: "by id") }
  type User { id: ID!  name: String @deprecated  kind: Kind }
  enum Kind { OLD @deprecated NEW }
`;
/** As clients see it. */
const schema = buildSchema(incrementalDirectives + typeDefs);

const subgraph = inProcessSubgraph({
  name: 'users',
  typeDefs,
  resolvers: { Query: { me: () => ({ id: '1', kind: 'NEW' }), self: () => ({}) } },
});
let gateway: InProcessGateway;

beforeAll(async () => {
  gateway = await openInProcess([subgraph], { introspection: true });
});

afterAll(() => gateway.stop());

beforeEach(() => {
  subgraph.requests.length = 0;
});

test.each<[string, string, (Record<string, unknown> | undefined)?]>([
  ['isOneOf', '{ __type(name: "User") { isOneOf } }'],
  [
    'isDeprecated of directives',
    '{ __schema { directives(includeDeprecated: true) { name isDeprecated } } }',
  ],
  [
    'deprecated input fields',
    '{ __type(name: "By") { inputFields(includeDeprecated: true) { name isDeprecated } } }',
  ],
  ['aliases', '{ user: __type(name: "User") { one: isOneOf } by: __type(name: "By") { one: isOneOf } }'],
  ['a name in a variable', 'query ($n: String!) { __type(name: $n) { name isOneOf } }', { n: 'By' }],
  ['a name by default', 'query ($n: String = "By") { __type(name: $n) { name isOneOf } }'],
  [
    'fragments',
    '{ ...Q } fragment Q on Query { __schema { queryType { ...T } } } fragment T on __Type { name isOneOf }',
  ],
  ['inline fragments', '{ ... on Query { ... { __type(name: "By") { ... on __Type { isOneOf } } } } }'],
  [
    '@skip and @include',
    'query ($y: Boolean!) { a: __type(name: "By") @include(if: $y) { isOneOf @include(if: $y) name @skip(if: $y) } }',
    { y: true },
  ],
  [
    'what is left out',
    'query ($y: Boolean!) { __schema @skip(if: $y) { directives { isDeprecated } } }',
    { y: true },
  ],
])('answers %s as graphql-js does, and calls no subgraph', async (...[, query, variables]) => {
  const answer = await gateway.post({ query, variables });
  const { data } = executeSync({ schema, document: parse(query), variableValues: variables });
  expect([answer.status, await answer.json()]).toEqual([200, { data }]);
  expect(subgraph.requests).toEqual([]);
});

it('answers the query of tools with all its options', async () => {
  const query = getIntrospectionQuery({
    ...{ descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true },
    ...{ inputValueDeprecation: true, experimentalDirectiveDeprecation: true, oneOf: true },
  });
  const { data, errors } = await gateway.query(query);
  expect(errors).toBeUndefined();
  const sorted = (one: GraphQLSchema): string => printSchema(lexicographicSortSchema(one));
  expect(sorted(buildClientSchema(data))).toBe(sorted(schema));
});

test.each([
  [
    'beside other fields',
    'query ($n: String!) { me { id } __type(name: $n) { isOneOf } }',
    { me: { id: '1' }, __type: { isOneOf: null } },
  ],
  [
    'in a fragment with other fields',
    'query ($n: String!) { ...F } fragment F on Query { t: __type(name: $n) { isOneOf } me { kind } }',
    { t: { isOneOf: null }, me: { kind: 'NEW' } },
  ],
  [
    'of a query within the query',
    'query ($n: String!) { self { __type(name: $n) { isOneOf } } }',
    { self: { __type: { isOneOf: null } } },
  ],
])('answers introspection %s, of which subgraphs are not asked', async (_name, query, data) => {
  const answer = await gateway.post({ query, variables: { n: 'User' } });
  expect([answer.status, await answer.json()]).toEqual([200, { data }]);
  expect(subgraph.requests).toHaveLength(1);
  expect(JSON.stringify(subgraph.requests[0]!.body)).not.toMatch(/__type\(|isOneOf|"n"/);
});
