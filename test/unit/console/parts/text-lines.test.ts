import fc from 'fast-check';
import { linesOf } from '../../../../console/parts/text-lines';

const text = '{\n  me { name }\n  stars\n}';
const part = (name: string, subgraphs: string[]) => {
  const from = text.indexOf(name);
  return { from, to: from + name.length, subgraphs, path: name };
};
const written = (lines: ReturnType<typeof linesOf>) =>
  lines.map(({ pieces }) =>
    pieces.map((piece) => (typeof piece === 'string' ? piece : `[${piece.text}]`)).join(''),
  );

it('cuts an operation at its lines and at the names of its fields', () => {
  const parts = [part('me', ['accounts']), part('name', ['accounts']), part('stars', ['reviews'])];
  const lines = linesOf({ text, parts });
  expect(written(lines)).toEqual(['{', '  [me] { [name] }', '  [stars]', '}']);
  expect(lines.map(({ owners }) => owners)).toEqual([[], ['accounts'], ['reviews'], []]);
});

it('names a subgraph once, where it begins to answer', () => {
  const lines = linesOf({ text, parts: [part('me', ['accounts']), part('stars', ['accounts'])] });
  expect(lines.flatMap(({ owners }) => owners)).toEqual(['accounts']);
});

it('keeps the text whatever the parts are', () => {
  const offset = fc.integer({ min: -3, max: text.length + 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(offset, offset)), (ranges) => {
      const parts = ranges.map(([from, to]) => ({ from, to, subgraphs: ['a'], path: 'a' }));
      const lines = linesOf({ text, parts }).map(({ pieces }) =>
        pieces.map((piece) => (typeof piece === 'string' ? piece : piece.text)).join(''),
      );
      expect(lines.join('\n')).toBe(text);
    }),
  );
});
