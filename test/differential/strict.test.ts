/**
 * Small federated graphs, answered by hand: the data has to be that of graphql-js for the merged schema, and no error may
 * be told that a case does not name, nor one that it names be missing.
 */
import '../support/fast-graphql';
import { execute as executeMerged, parse } from 'graphql';
import { compileOperation, execute } from '../../gateway/execution';
import { type Send } from '../../gateway/subgraph-calls/contract/transport';
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
  /** Errors that are told: path, code and, where it is one's fault, subgraph. @default none */
  readonly errors?: readonly (readonly [path: string, code: string, service?: string])[];
  /** Of what no message says anything where errors of subgraphs are masked. */
  readonly secrets?: readonly string[];
}

const shop = {
  alpha: `
    type Query { shop: Shop }
    type Shop @key(fields: "__typename") { a: Int! }`,
  beta: `
    type Shop @key(fields: "__typename") { b: Int! c: Int }`,
};

const shades = {
  alpha: `
    type Query { shade: Shade must: Shade! shades: [Shade] found: [Found] sure: Found! }
    enum Shade { RED BLUE @inaccessible }
    union Found = Foo | Bar
    type Foo { x: Int }
    type Bar @inaccessible { x: Int }`,
};

const bare = { alpha: 'type Query { a: Bare list: [Bare!] } interface Bare { field: String }' };

const media = {
  alpha: `
    type Query { media: Media }
    interface Media @key(fields: "id") { id: ID! title: String }
    type Film implements Media @key(fields: "id") { id: ID! title: String }`,
  beta: `
    type Query { best: Media }
    type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int }`,
};

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
    errors: [['a', 'SUBREQUEST_MALFORMED_RESPONSE', 'alpha']],
    secrets: ['Nobody'],
  },
  'an object of an interface, of which its subgraph names the interface alone': {
    subgraphs: bare,
    operation: '{ a { field } list { field } }',
    answers: {
      alpha: [{ a: { __typename: 'Bare', field: 'x' }, list: [{ __typename: 'Bare', field: 'x' }] }],
    },
    value: { a: { __typename: 'Bare', field: 'x' }, list: [{ __typename: 'Bare', field: 'x' }] },
    errors: [
      ['a', 'SUBREQUEST_MALFORMED_RESPONSE', 'alpha'],
      ['list.0', 'SUBREQUEST_MALFORMED_RESPONSE', 'alpha'],
    ],
  },
  'an object of an interface with types, of which its subgraph names the interface alone': {
    subgraphs: media,
    operation: '{ media { title } }',
    answers: { alpha: [{ media: { __typename: 'Media', title: 'x' } }] },
    value: { media: { __typename: 'Media', title: 'x' } },
    errors: [['media', 'SUBREQUEST_MALFORMED_RESPONSE', 'alpha']],
  },
  'an object of a subgraph that has the interface as one': {
    subgraphs: media,
    operation: '{ best { rating } }',
    answers: { beta: [{ best: { __typename: 'Media', id: '1', rating: 5 } }] },
    value: { best: { __typename: 'Film', rating: 5 } },
  },
  'a value that nobody declared': {
    subgraphs: shades,
    operation: '{ shade }',
    answers: { alpha: [{ shade: 'GREEN' }] },
    value: { shade: 'GREEN' },
    errors: [['shade', 'SUBREQUEST_MALFORMED_RESPONSE', 'alpha']],
    secrets: ['GREEN'],
  },
  'a value that clients may not see, where null may be': {
    subgraphs: shades,
    operation: '{ shade shades }',
    answers: { alpha: [{ shade: 'BLUE', shades: ['RED', 'BLUE'] }] },
    value: { shade: null, shades: ['RED', null] },
  },
  'a value that clients may not see, where null may not be': {
    subgraphs: shades,
    operation: '{ shade must }',
    answers: { alpha: [{ shade: 'RED', must: 'BLUE' }] },
    value: { shade: 'RED', must: null },
    errors: [['must', 'INACCESSIBLE_VALUE']],
    secrets: ['BLUE'],
  },
  'a type that clients may not see, where null may be': {
    subgraphs: shades,
    operation: '{ found { ... on Foo { x } } }',
    answers: {
      alpha: [
        {
          found: [
            { __typename: 'Foo', x: 1 },
            { __typename: 'Bar', x: 2 },
          ],
        },
      ],
    },
    value: { found: [{ __typename: 'Foo', x: 1 }, null] },
  },
  'a type that clients may not see, where null may not be': {
    subgraphs: shades,
    operation: '{ sure { ... on Foo { x } } }',
    answers: { alpha: [{ sure: { __typename: 'Bar', x: 2 } }] },
    value: { sure: null },
    errors: [['sure', 'INACCESSIBLE_VALUE']],
    secrets: ['Bar'],
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
    inaccessibleValues: graph.inaccessibleValues,
    subgraphs: graph.facts,
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
    const told = (got.errors ?? []).map(({ path, extensions: { code, service } }) => [
      path.join('.'),
      code,
      ...(service === undefined ? [] : [service]),
    ]);
    expect(told).toEqual(errors);
    if (mask === 'all')
      for (const secret of one.secrets ?? []) expect(JSON.stringify(got.errors)).not.toContain(secret);
    expect(told.length > 0).toBe((expected.errors ?? []).length > 0);
    expect(Object.values(left).flat()).toEqual([]);
  }
});

const header = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@external", "@requires", "@inaccessible", "@interfaceObject"])`;
