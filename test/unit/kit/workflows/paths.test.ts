import { find, isPath, readPath, writePath } from '../../../../kit/workflows/paths';

const data = { order: { lines: [{ upc: 'p1' }, { upc: 'p2' }] }, none: null };

it.each([
  ['$', data],
  ['$.order.lines[1].upc', 'p2'],
  ['$.none', null],
])('reads %s', (path, value) => {
  expect(readPath(path, data)).toEqual(value);
});

it.each(['$.order.lines[2]', '$.order.lines.length', '$.none.more', '$.constructor', '$.__proto__'])(
  'finds nothing at %s',
  (path) => {
    expect(find(path, data)).toBeUndefined();
    expect(() => readPath(path, data)).toThrow(`The path ${path} leads to nothing in the state's data.`);
  },
);

it.each(['', 'order', '$order', '$..upc', '$.lines[*]', '$.a-b', "$['a']", '$.lines[-1]'])(
  'does not take %s for a path',
  (text) => {
    expect(isPath(text)).toBe(false);
  },
);

it('writes beside what is there, and replaces what is no object', () => {
  expect(writePath('$.order.id', { order: { a: 1 }, b: 2 }, 'o1')).toEqual({
    order: { a: 1, id: 'o1' },
    b: 2,
  });
  expect(writePath('$.order.id', { order: 7 }, 'o1')).toEqual({ order: { id: 'o1' } });
  expect(writePath('$', { order: 7 }, 'o1')).toBe('o1');
});

it('writes no prototype', () => {
  const written = writePath('$.__proto__.polluted', {}, true);
  expect(Object.keys(written as object)).toEqual(['__proto__']);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
