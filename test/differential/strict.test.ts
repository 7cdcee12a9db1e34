/**
 * Small federated graphs, answered by hand: the data has to be that of graphql-js for the merged schema, and no error may
 * be told that a case does not name, nor one that it names be missing.
 */
import '../support/fast-graphql';
import { execute as executeMerged, parse } from 'graphql';
import { compileOperation, execute } from '../../gateway/execution';
import { type Send } from '../../gateway/transports/transport';
import { callerOf } from '../support/caller';
import { RandomWorld } from '../support/random-world';
import { composeGraph } from './systems';

interface Case {
  readonly subgraphs: Readonly<Record<string, string>>;
  readonly operation: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** What each subgraph answers to one call after the other: `data`, or a whole response. */
  readonly answers: Readonly<Record<string, readonly unknown[]>>;
  /** The root of the merged schema, for graphql-js. */
  readonly value: unknown;
  /** Errors that are told: path, code and, where it matters, subgraph. @default none */
  readonly errors?: readonly (readonly [path: string, code: string, service?: string])[];
}

const shop = {
  alpha: `
    type Query { shop: Shop }
    type Shop @key(fields: "__typename") { a: Int! }`,
  beta: `
    type Shop @key(fields: "__typename") { b: Int! c: Int }`,
};

const bare = { alpha: 'type Query { a: Bare list: [Bare!] } interface Bare { field: String }' };

const cases: Readonly<Record<string, Case>> = {
  'an entity whose key is its type': {
    subgraphs: shop,
    operation: '{ shop { a b } }',
    answers: { alpha: [{ shop: { __typename: 'Shop', a: 1 } }], beta: [{ _entities: [{ b: 2 }] }] },
    value: { shop: { a: 1, b: 2 } },
  },
  'an entity whose key is its type, of which nothing else is asked first': {
    subgraphs: shop,
    operation: '{ shop { c } }',
    answers: { alpha: [{ shop: { __typename: 'Shop' } }], beta: [{ _entities: [{ c: null }] }] },
    value: { shop: { c: null } },
  },
  'an entity whose key is its type, and that is null': {
    subgraphs: shop,
    operation: '{ shop { b } }',
    answers: { alpha: [{ shop: null }] },
    value: { shop: null },
  },
  'an entity whose key is its type, and that a subgraph does not know': {
    subgraphs: shop,
    operation: '{ shop { a c } }',
    answers: { alpha: [{ shop: { __typename: 'Shop', a: 1 } }], beta: [{ _entities: [null] }] },
    value: { shop: { a: 1, c: null } },
  },
  'null of an interface without types': {
    subgraphs: bare,
    operation: '{ a { field } list { field } }',
    answers: { alpha: [{ a: null, list: [] }] },
    value: { a: null, list: [] },
  },
  'an object of an interface without types, which its subgraph cannot tell': {
    subgraphs: bare,
    operation: '{ a { field } }',
    answers: { alpha: [{ data: { a: null }, errors: [{ message: 'No type', path: ['a'] }] }] },
    value: { a: {} },
    errors: [['a', 'DOWNSTREAM_SERVICE_ERROR', 'alpha']],
  },
  'an object of a type that nobody declared': {
    subgraphs: bare,
    operation: '{ a { field } }',
    answers: { alpha: [{ a: { __typename: 'Nobody', field: 'x' } }] },
    value: { a: { __typename: 'Nobody', field: 'x' } },
    errors: [['a', 'SUBREQUEST_MALFORMED_RESPONSE']],
  },
  'a value that nobody declared': {
    subgraphs: { alpha: 'type Query { shade: Shade } enum Shade { RED }' },
    operation: '{ shade }',
    answers: { alpha: [{ shade: 'GREEN' }] },
    value: { shade: 'GREEN' },
    errors: [['shade', 'SUBREQUEST_MALFORMED_RESPONSE']],
  },
  'a field that is skipped, though what requires it cannot be had': {
    subgraphs: {
      alpha: 'type User @key(fields: "id") { id: ID! name: String! }',
      beta: `
        type Query { user: User }
        type User @key(fields: "id") { id: ID! name: String! @external label: String! @requires(fields: "name") }`,
    },
    operation: 'query ($v: Boolean!) { user { id } user @skip(if: $v) { label } }',
    variables: { v: true },
    answers: { beta: [{ user: { __typename: 'User', id: '1' } }] },
    value: { user: { id: '1' } },
  },
};

test.each(Object.entries(cases))('%s', async (_name, { variables = {}, errors = [], ...one }) => {
  const sources = Object.entries(one.subgraphs).map(([name, types]) => ({ name, typeDefs: header + types }));
  const graph = composeGraph(sources, new RandomWorld(1, sources));
  if (Array.isArray(graph)) throw new Error(graph.join('\n'));
  const document = parse(one.operation);
  const program = compileOperation({
    plan: graph.plan({ source: one.operation }),
    schema: graph.apiSchema,
    supergraphSchema: graph.answerTypes,
    document,
  });
  const expected = await executeMerged({
    schema: graph.apiSchema,
    document,
    rootValue: one.value,
    variableValues: variables,
  });
  for (const mask of ['none', 'all'] as const) {
    const left = structuredClone(one.answers) as Record<string, unknown[]>;
    const send: Send = async ({ operation: { subgraph } }) => {
      const answer = left[subgraph]?.shift();
      if (answer === undefined) throw new Error(`Nobody expects a call of ${subgraph}`);
      const isWhole = typeof answer === 'object' && answer !== null && 'data' in answer;
      return {
        status: 200,
        headers: {},
        body: Buffer.from(JSON.stringify(isWhole ? answer : { data: answer })),
      };
    };
    const { body } = await execute(program, { variables, send, caller: callerOf(), errors: { mask } });
    const got = JSON.parse(body.toString()) as {
      data: unknown;
      errors?: { message: string; path: string[]; extensions: { code: string; service?: string } }[];
    };
    expect(got.data).toEqual(JSON.parse(JSON.stringify(expected.data)));
    const told = (got.errors ?? []).map(({ path, extensions: { code, service } }, i) => [
      path.join('.'),
      code,
      ...(errors[i]?.length === 2 ? [] : [service]),
    ]);
    expect(told).toEqual(errors);
    expect(told.length > 0).toBe((expected.errors ?? []).length > 0);
    expect(Object.values(left).flat()).toEqual([]);
  }
});

const header = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@external", "@requires"])`;
