/** Values that subgraphs may answer with, but that gateway/execution must not let clients see. */
import type { ErrorOptions } from '../../../../gateway/execution/complete/error-paths';
import { Graph } from './graph';

const graph = new Graph({
  a: {
    sdl: `
      type Query { color: Color sure: Color! colors: [Color!] rows: [[Color]!]! node: Node must: Node! nodes: [Node!] media: Media book: Book user: User }
      enum Color { RED BLUE @inaccessible }
      interface Node { id: ID! }
      type Book implements Node @key(fields: "id") { id: ID! title: String }
      type Secret implements Node @inaccessible { id: ID! }
      type Alien @inaccessible { id: ID! }
      union Media = Book | Alien
      type User @key(fields: "id") { id: ID! }
    `,
  },
  b: {
    sdl: `
      type User @key(fields: "id") { id: ID! color: Color node: Node sure: Color! }
      enum Color { RED BLUE }
      interface Node { id: ID! }
      type Book implements Node @key(fields: "id") { id: ID! pages: Int }
    `,
  },
});

const ask = (source: string, data: unknown, errors?: ErrorOptions) =>
  graph.ask(source, {
    answer: ({ subgraph }) => ({ data: subgraph === 'a' ? data : { _entities: [data] } }),
    ...(errors && { errors }),
  });

const secret = { __typename: 'Secret', id: '1' };
const alien = { __typename: 'Alien', id: '1' };
const book = { __typename: 'Book', id: '2' };

it.each([
  ['of an enum', '{ color }', { color: 'BLUE' }, { color: null }],
  [
    'of an enum, in lists',
    '{ rows }',
    { rows: [['BLUE', 'RED'], [], ['BLUE']] },
    { rows: [[null, 'RED'], [], [null]] },
  ],
  ['of an interface', '{ node { id } }', { node: secret }, { node: null }],
  ['of an interface, by type', '{ node { ... on Book { title } } }', { node: secret }, { node: null }],
  ['of a union', '{ media { __typename } }', { media: alien }, { media: null }],
])('a value %s is null, without an error, where null may be', async (_, source, data, expected) => {
  for (const mask of ['none', 'unexpected'] as const) {
    const outcome = await ask(source, data, { mask });
    expect([outcome.data, outcome.errors]).toEqual([expected, []]);
  }
  const text = await graph.ask('{ color }', { answer: () => Buffer.from('{"data":{"color":"\\u0042LUE"}}') });
  expect(text.text).toBe('{"data":{"color":null}}');
});

it('a value of an entity is null, too', async () => {
  const { data, errors } = await graph.ask('{ user { color node { id } } }', {
    answer: ({ subgraph }) =>
      subgraph === 'a'
        ? { data: { user: { __typename: 'User', id: '1' } } }
        : { data: { _entities: [{ color: 'BLUE', node: secret }] } },
  });
  expect([data, errors]).toEqual([{ user: { color: null, node: null } }, []]);
});

it.each([
  ['a field', '{ sure }', { sure: 'BLUE' }, null, ['sure'], 'Query.sure'],
  ['a field of an interface', '{ must { id } }', { must: secret }, null, ['must'], 'Query.must'],
  [
    'an item of a list',
    '{ colors }',
    { colors: ['RED', 'BLUE'] },
    { colors: null },
    ['colors', 1],
    'Query.colors',
  ],
  [
    'an object in a list',
    '{ nodes { id } }',
    { nodes: [book, secret] },
    { nodes: null },
    ['nodes', 1],
    'Query.nodes',
  ],
])('it is the error of %s that may not be null, which blames no subgraph', async (...given) => {
  const [, source, data, expected, path, coordinate] = given;
  const outcome = await ask(source, data);
  expect(outcome.data).toEqual(expected);
  expect(outcome.errors).toEqual([
    {
      message: `Cannot return null for non-nullable field ${coordinate}.`,
      path,
      extensions: { code: 'INACCESSIBLE_VALUE' },
    },
  ]);
});

it.each([
  ['a value that no enum declares', '{ color }', { color: 'PINK' }, 'Invalid value of type "Color".'],
  ['a value in other case', '{ color }', { color: 'blue' }, 'Invalid value of type "Color".'],
  [
    'a type that nobody declares',
    '{ node { id } }',
    { node: { __typename: 'Nope', id: '1' } },
    'Abstract type "Node" was resolved to a type that does not exist for field "Query.node".',
  ],
  [
    'an inaccessible type that does not implement the interface',
    '{ node { id } }',
    { node: alien },
    'The runtime Object type is not a possible type for "Node".',
  ],
  [
    'an inaccessible type that is no member of the union',
    '{ media { __typename } }',
    { media: secret },
    'The runtime Object type is not a possible type for "Media".',
  ],
  [
    'an inaccessible type in place of another',
    '{ book { __typename id } }',
    { book: secret },
    'Expected value of type "Book" for field "Query.book" but got another.',
  ],
])('%s is an error of the subgraph, and is not named where errors are masked', async (...given) => {
  const [, source, data, message] = given;
  for (const mask of ['unexpected', 'all'] as const) {
    const outcome = await ask(source, data, { mask });
    expect(outcome.errors).toMatchObject([
      { message, extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', service: 'a' } },
    ]);
    expect(outcome.text).not.toMatch(/Secret|Alien|Nope|PINK|blue/);
  }
  const ofOne: ErrorOptions[] = [
    { mask: 'none', maskOf: new Map([['a', 'unexpected']]) },
    { mask: 'all', maskOf: new Map([['b', 'none']]) },
  ];
  for (const given of ofOne)
    expect((await ask(source, data, given)).text).not.toMatch(/Secret|Alien|Nope|PINK|blue/);
  const named = await ask(source, data, { mask: 'none' });
  expect(named.errors).toHaveLength(1);
  expect(named.errors[0]!.message).toMatch(/Secret|Alien|Nope|PINK|blue/);
});
