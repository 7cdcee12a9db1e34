import { buildSchema, parse, print } from 'graphql';
import { withoutDoubledConditions } from '../../../../../gateway/planning/defects/doubled-conditions';
import { Graph } from '../../execution/graph';

const titles: Record<string, string> = { f1: 'Alien', s1: 'Fame' };
const typeOf = (id: string): string => (id.startsWith('f') ? 'Film' : 'Song');

const graph = new Graph({
  a: {
    sdl: `
      type Query { many: [Media!]! }
      type Media @interfaceObject @key(fields: "id") { id: ID! }`,
    resolvers: { Query: { many: () => [{ id: 'f1' }, { id: 's1' }] } },
  },
  b: {
    sdl: `
      interface Media @key(fields: "id") { id: ID! title: String! }
      type Film implements Media @key(fields: "id") { id: ID! title: String! }
      type Song implements Media @key(fields: "id") { id: ID! title: String! }`,
    resolvers: {
      Media: {
        __resolveReference: ({ id }: { id: string }) => ({ __typename: typeOf(id), id, title: titles[id] }),
        __resolveType: ({ __typename }: { __typename: string }) => __typename,
      },
      Film: { __resolveReference: ({ id }: { id: string }) => ({ id, title: titles[id] }) },
      Song: { __resolveReference: ({ id }: { id: string }) => ({ id, title: titles[id] }) },
    },
  },
  c: {
    sdl: `
      type Media @interfaceObject @key(fields: "id") {
        id: ID! title: String! @external label: String! @requires(fields: "title")
      }`,
    resolvers: { Media: { label: ({ title }: { title: string }) => `"${title}"` } },
  },
});

const films = (label: object): unknown => ({ many: [label, {}] });
const all = (film: object, song: object): unknown => ({ many: [film, song] });
const [alien, fame] = [{ label: '"Alien"' }, { label: '"Fame"' }];

it.each([
  ['... on Film @skip(if: $v) { label @skip(if: $w) }', films(alien)],
  ['... on Film @skip(if: $v) { ... @skip(if: $w) { label } }', films(alien)],
  ['... on Media @skip(if: $v) { label @skip(if: $w) }', all(alien, fame)],
  ['... @skip(if: $v) { ... @skip(if: $w) { label } }', all(alien, fame)],
])(
  'fetches a field of an interface object under two conditions of the same kind: %s',
  async (selection, whole) => {
    const source = `query ($v: Boolean!, $w: Boolean!) { many { ${selection} } }`;
    for (const v of [false, true])
      for (const w of [false, true]) {
        const { data, errors } = await graph.ask(source, { variables: { v, w } });
        expect([v, w, data, errors]).toEqual([v, w, v || w ? { many: [{}, {}] } : whole, []]);
      }
  },
);

it('leaves conditions on mutations as they are', () => {
  const schema = buildSchema('type Query { a: A }  type Mutation { a: A }  type A { b: Int }');
  const without = (text: string): string =>
    print(withoutDoubledConditions(parse(text), schema)).replaceAll(/\s+/g, ' ');
  const root = 'mutation M($v: Boolean!) { ... @skip(if: $v) { a { b } } ...F } ';
  const inner = '... @skip(if: $v) { ... on A @skip(if: $v) { ... @include(if: $v) { b @skip(if: $v) } } }';
  const left = '... on A @skip(if: $v) { b @skip(if: $v) }';
  expect(without(`${root}fragment F on Mutation { ... @skip(if: $v) { a { ${inner} } } }`)).toBe(
    `${root}fragment F on Mutation { ... @skip(if: $v) { a { ${left} } } }`,
  );
  expect(without(`{ a { ...F } } fragment F on A { ${inner} }`)).toBe(
    `{ a { ...F } } fragment F on A { ${left} }`,
  );
});
