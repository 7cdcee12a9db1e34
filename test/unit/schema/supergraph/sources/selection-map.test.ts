import {
  compileSelectionMap,
  fieldSetOf,
  parseSelectionMap,
} from '../../../../../schema/supergraph/sources/selection-map';

const made = (map: string, value: unknown): unknown => compileSelectionMap(parseSelectionMap(map))(value);

describe('parseSelectionMap', () => {
  it.each([
    ['', 'Expected a name, but got: the end (character 1).'],
    ['a b', 'Expected the end, but got: `b` (character 3).'],
    ['id id', 'Expected the end, but got: `id` (character 4).'],
    ['a.', 'Expected a name, but got: the end (character 3).'],
    ['{ }', 'Expected a name, but got: `}` (character 3).'],
    ['parts[id name]', 'Expected `]`, but got: `name` (character 10).'],
    ['a<T>', 'Expected `.`, but got: the end (character 5).'],
    ['<T>', 'Expected `.`, but got: the end (character 4).'],
    ['a | ', 'Expected a name, but got: the end (character 5).'],
    ['  $x', 'Expected a name, but got: `$` (character 3).'],
    ['{ a: }', 'Expected a name, but got: `}` (character 6).'],
    ['9', 'Expected a name, but got: `9` (character 1).'],
  ])('refuses "%s"', (text, message) => {
    expect(() => parseSelectionMap(text)).toThrow(new SyntaxError(message));
  });

  it('refuses what nests too deep, and paths that are too long, however long the text', () => {
    for (const text of ['['.repeat(1e6), '{a:'.repeat(1e6), 'a.{b:'.repeat(1e6)])
      expect(() => parseSelectionMap(text)).toThrow('must not nest more than 32 levels deep');
    expect(() => parseSelectionMap('a.'.repeat(1e6))).toThrow('must have 32 steps at most');
    expect(() => parseSelectionMap('a<T>.'.repeat(1e6))).toThrow('must have 32 steps at most');
  });

  it('reads a megabyte of blanks and alternatives in linear time', () => {
    expect(parseSelectionMap(`${' ,\n'.repeat(1e6)}id`)).toMatchObject({ kind: 'path' });
    expect(() => parseSelectionMap(`${' '.repeat(1e6)}$`)).toThrow('character 1000001');
    expect(parseSelectionMap(Array(1e5).fill('a').join('|'))).toMatchObject({ kind: 'choice' });
  });
});

describe('compileSelectionMap', () => {
  it.each<[map: string, value: unknown, input: unknown]>([
    ['id', { id: '1' }, '1'],
    ['id', {}, null],
    ['id', null, null],
    ['constructor', {}, null],
    ['id.length', { id: 'abc' }, null],
    ['packaging.weight', { packaging: { weight: 2 } }, 2],
    ['packaging.weight', { packaging: null }, null],
    ['{ width height }', { width: 1, height: 2 }, { width: 1, height: 2 }],
    ['{ w: width, h: height }', { width: 1, height: 2 }, { w: 1, h: 2 }],
    ['{ w: size.width h: size.height }', { size: { width: 1, height: 2 } }, { w: 1, h: 2 }],
    ['size.{ width height }', { size: { width: 1, height: 2 } }, { width: 1, height: 2 }],
    ['size.{ width }', { size: null }, null],
    ['parts[id]', { parts: [{ id: 1 }, null, {}] }, [1, null, null]],
    ['parts[id]', { parts: null }, null],
    ['[id]', [{ id: 1 }, { id: 2 }], [1, 2]],
    ['parts[{ id n: name }]', { parts: [{ id: 1, name: 'a' }] }, [{ id: 1, n: 'a' }]],
    ['parts[[{ id }]]', { parts: [[{ id: 1 }], [{ id: 2 }]] }, [[{ id: 1 }], [{ id: 2 }]]],
    [
      '{ weight, dimension: { width height } }',
      { weight: 1, width: 2, height: 3 },
      { weight: 1, dimension: { width: 2, height: 3 } },
    ],
    ['media<Book>.isbn', { media: { __typename: 'Book', isbn: 'x' } }, 'x'],
    ['media<Book>.isbn', { media: { __typename: 'Movie', isbn: 'x' } }, undefined],
    ['media<Book>.title | media<Movie>.movieTitle', { media: { __typename: 'Movie', movieTitle: 'm' } }, 'm'],
    [
      '{ movieId: <Movie>.id } | { productId: <Product>.id }',
      { __typename: 'Product', id: 7 },
      { productId: 7 },
    ],
    [
      '{ nested: { movieId: <Movie>.id } | { productId: <Product>.id } }',
      { __typename: 'Movie', id: 7 },
      { nested: { movieId: 7 } },
    ],
    ['{ id } | { name }', { id: null, name: 'n' }, { name: 'n' }],
    ['{ id } | { name }', { id: null, name: null }, { id: null }],
    ['{ __proto__: id }', { id: 1 }, JSON.parse('{"__proto__":1}')],
  ])('makes of `%s` and %j: %j', (map, value, input) => {
    expect(made(map, value)).toEqual(input);
  });

  it('lets the caller say which objects are of a type', () => {
    const map = parseSelectionMap('<Media>.id');
    expect(compileSelectionMap(map, (typename) => typename === 'Book')({ __typename: 'Book', id: 1 })).toBe(
      1,
    );
  });
});

describe('fieldSetOf', () => {
  it.each([
    ['id', 'id'],
    ['{ w: size.width h: size.height }', 'size { width height }'],
    ['[{ id region: region.code }]', 'id region { code }'],
    ['a<B>.c | a<D>.e', 'a { ... on B { c } ... on D { e } }'],
    ['parts[id]', 'parts { id }'],
  ])('selects for `%s`: %s', (map, fields) => {
    expect(fieldSetOf([parseSelectionMap(map)])).toBe(fields);
  });
});
