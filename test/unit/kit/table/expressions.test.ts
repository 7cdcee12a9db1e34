import { atLeast, atMost, exists, hasEntry, lacksEntry, missing, not } from '../../../../kit';
import { type Condition } from '../../../../kit/table/condition';
import { conditionExpression, createExpressions, updateExpression } from '../../../../kit/table/expressions';
import { type Change } from '../../../../kit/table/table';

interface Item {
  a?: unknown;
  b?: unknown;
  name?: unknown;
}

/** An expression with its names and values in place of the placeholders. */
function plain(write: (expressions: ReturnType<typeof createExpressions>) => string | undefined) {
  const expressions = createExpressions();
  const text = write(expressions);
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } =
    expressions.placeholders();
  return text
    ?.replace(/#n\d+/g, (placeholder) => names[placeholder]!)
    .replace(/:v\d+/g, (placeholder) => JSON.stringify(values[placeholder]));
}

describe('a condition', () => {
  it.each<[Condition<Item> | undefined, string | undefined]>([
    [undefined, undefined],
    [{}, undefined],
    [{ a: undefined }, undefined],
    [{ a: 1 }, 'a = 1'],
    [{ a: null }, 'a = null'],
    [{ a: not(1) }, 'a <> 1'],
    [{ a: exists }, 'attribute_exists(a)'],
    [{ a: missing }, 'attribute_not_exists(a)'],
    [{ a: atLeast(1) }, 'a >= 1'],
    [{ a: atMost('x') }, 'a <= "x"'],
    [{ a: hasEntry('k.1') }, 'attribute_exists(a.k.1)'],
    [{ a: lacksEntry('k') }, 'attribute_not_exists(a.k)'],
    [{ a: 1, b: undefined, name: exists }, 'a = 1 AND attribute_exists(name)'],
    [[{ a: 1 }], 'a = 1'],
    [[{ a: 1, b: 2 }, { a: missing }], '(a = 1 AND b = 2) OR (attribute_not_exists(a))'],
    // One alternative always holds.
    [[{ a: 1 }, {}], undefined],
    // None can: `[]` is no test at all.
    [[], ''],
  ])('%j is %s', (condition, expected) => {
    expect(plain((expressions) => conditionExpression(condition, expressions))).toBe(expected);
  });

  it('takes what looks like a test for the value that it is', () => {
    const condition = { a: { kind: 'exists' } };
    expect(plain((expressions) => conditionExpression<Item>(condition, expressions))).toBe(
      'a = {"kind":"exists"}',
    );
  });
});

describe('a change', () => {
  it.each<[Change<Item>, string]>([
    [{ set: { a: 1, b: undefined, name: null } }, 'SET a = 1, name = null'],
    [{ add: { a: -1 } }, 'SET a = if_not_exists(a, 0) + -1'],
    [{ append: { a: ['x'] } }, 'SET a = list_append(if_not_exists(a, []), ["x"])'],
    [{ setEntries: { a: { k: 1, l: 2 } } }, 'SET a.k = 1, a.l = 2'],
    [{ remove: ['a', 'b'] }, 'REMOVE a, b'],
    [{ removeEntries: { a: ['k', 'l'], b: ['m'] } }, 'REMOVE a.k, a.l, b.m'],
    [{ set: { a: 1 }, remove: ['b'], removeEntries: { name: ['k'] } }, 'SET a = 1 REMOVE b, name.k'],
  ])('%j is %s', (change, expected) => {
    expect(plain((expressions) => updateExpression(change, expressions))).toBe(expected);
  });

  it.each<[Change<Item>]>([[{}], [{ set: { a: undefined } }], [{ setEntries: { a: {} } }], [{ remove: [] }]])(
    'has to change something: %j',
    (change) => {
      expect(() => updateExpression(change, createExpressions())).toThrow(
        new TypeError('A change must change something, but got an empty one.'),
      );
    },
  );
});
