import { buildSchema, parse } from 'graphql';
import { shapeOfOperation } from '../../../../../gateway/execution/compile/read-shape';
import { type Shape } from '../../../../../gateway/execution/compile/shape';
import { scanResponse } from '../../../../../gateway/execution/json/scan';
import { KIND, LENGTH_SHIFT, LIST, OBJECT, Workspace } from '../../../../../gateway/execution/json/tape';
import { TypeTable } from '../../../../../gateway/execution/compile/type-table';

const types = TypeTable.of(buildSchema('type Query { a: A } type A { x: Int y: Int a: A }'));

/** `one` and `two` have the name `a` in the response. */
const shape = shapeOfOperation(
  parse('{ one: a { x a { x } } two: a { y a { y } } }'),
  false,
  ['one', 'two'].map((key) => ({ kind: 'KeyRenamer', path: [key], renameKeyTo: 'a' })),
  types,
);

it.each([
  ['objects', { one: { x: 1 }, two: { y: 2 } }, { x: 1, y: 2 }],
  ['objects in the other order', { two: { y: 2 }, one: { x: 1 } }, { x: 1, y: 2 }],
  [
    'objects within objects',
    { one: { x: 1, a: { x: 3 } }, two: { y: 2, a: { y: 4 } } },
    { x: 1, y: 2, a: { x: 3, y: 4 } },
  ],
  [
    'lists',
    { one: [{ x: 1 }, null, { x: 2 }], two: [{ y: 3 }, null, { y: 4 }] },
    [{ x: 1, y: 3 }, null, { x: 2, y: 4 }],
  ],
  ['lists of lists', { one: [[{ x: 1 }]], two: [[{ y: 2 }]] }, [[{ x: 1, y: 2 }]]],
  ['empty lists', { one: [], two: [] }, []],
])('%s under two keys are merged', (_name, data, merged) => {
  expect(scan(data)).toEqual(merged);
});

it.each([
  ['a null and an object', { one: null, two: { y: 2 } }, { y: 2 }],
  ['an object and a null', { one: { x: 1 }, two: null }, null],
  ['lists of other lengths', { one: [{ x: 1 }], two: [{ y: 2 }, { y: 3 }] }, [{ y: 2 }, { y: 3 }]],
  ['an object and a list', { one: { x: 1 }, two: [{ y: 2 }] }, [{ y: 2 }]],
])('of %s the second one counts', (_name, data, second) => {
  expect(scan(data)).toEqual(second);
});

function scan(data: unknown): unknown {
  const workspace = new Workspace();
  workspace.allocate(shape.size);
  const body = Buffer.from(JSON.stringify({ data }));
  const start = workspace.append(body);
  const { data: record } = scanResponse(workspace, start, start + body.length, shape);
  const { slot, child } = shape.fields.get('a')!;
  return valueAt(workspace, record + slot, child);
}

function valueAt(workspace: Workspace, at: number, of: Shape | null): unknown {
  const [a, b] = [workspace.tape[at]!, workspace.tape[at + 1]!];
  switch (b & KIND) {
    case LIST:
      return Array.from({ length: workspace.tape[a]! }, (_, i) => valueAt(workspace, a + 1 + 2 * i, of));
    case OBJECT: {
      const there = [...of!.fields].filter(([, { slot }]) => workspace.tape[a + slot + 1] !== 0);
      return Object.fromEntries(
        there.map(([name, { slot, child }]) => [name, valueAt(workspace, a + slot, child)]),
      );
    }
    default:
      return JSON.parse(workspace.bytes.toString('utf8', a, a + (b >> LENGTH_SHIFT)));
  }
}
