/** Over 300 lines: a table of what is JSON, and one of what is not. */
import fc from 'fast-check';
import { buildSchema, parse } from 'graphql';
import { deepest, MalformedJson, scanLeaves, scanResponse } from '../../../../../gateway/execution/json/scan';
import * as Tape from '../../../../../gateway/execution/json/tape';
import { shapeOfOperation } from '../../../../../gateway/execution/compile/read-shape';
import { type Shape } from '../../../../../gateway/execution/compile/shape';
import { TypeTable } from '../../../../../gateway/execution/compile/type-table';
import { anyCharacter } from '../../../../support/any-character';

const types = TypeTable.of(buildSchema('type Query { a: A } type A { b: Int } type B { b: Int }'));
const shapes = new Map<string, Shape>();

function shapeOf(source: string): Shape {
  let shape = shapes.get(source);
  if (shape === undefined)
    shapes.set(source, (shape = shapeOfOperation(parse(source), false, undefined, types)));
  return shape;
}

/** Scans and reads back what the tape says: what `JSON.parse` would give, of the fields in the shape. */
function scan(text: string | Uint8Array, source: string): unknown {
  const workspace = new Tape.Workspace();
  const shape = shapeOf(source);
  workspace.allocate(shape.size);
  const body = Buffer.from(text as string);
  const start = workspace.append(body);
  const { dataKind, data } = scanResponse(workspace, start, start + body.length, shape);
  if (dataKind === Tape.NULL) return null;
  return dataKind === Tape.OBJECT ? readObject(workspace, data, shape) : undefined;
}

function readObject(workspace: Tape.Workspace, record: number, shape: Shape): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [name, { slot, child }] of shape.fields) {
    if ((workspace.tape[record + slot + 1]! & Tape.KIND) === Tape.ABSENT) continue;
    entries.push([name, readValue(workspace, record + slot, child)]);
  }
  return Object.fromEntries(entries);
}

function readValue(workspace: Tape.Workspace, at: number, child: Shape | null): unknown {
  const a = workspace.tape[at]!;
  const b = workspace.tape[at + 1]!;
  switch (b & Tape.KIND) {
    case Tape.OBJECT:
      return readObject(workspace, a, child!);
    case Tape.LIST:
      return Array.from({ length: workspace.tape[a]! }, (_, i) => readValue(workspace, a + 1 + 2 * i, child));
    default:
      return JSON.parse(workspace.bytes.toString('utf8', a, a + (b >> Tape.LENGTH_SHIFT)));
  }
}

/** What a scan by a shape must give, said with `JSON.parse`. */
function pick(value: unknown, shape: Shape | null): unknown {
  if (shape === null || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => pick(item, shape));
  const entries = [...shape.fields].filter(([name]) => Object.hasOwn(value, name));
  return Object.fromEntries(
    entries.map(([name, { child }]) => [name, pick((value as Record<string, unknown>)[name], child)]),
  );
}

describe('scanning a response', () => {
  it.each([
    [
      'keys that nobody asked for',
      '{"x":[{}],"data":{"z":{"a":[1,{"b":"}"}]},"a":1,"zz":null}}',
      '{ a }',
      { a: 1 },
    ],
    [
      'a key that occurs twice, of which the last counts',
      '{"data":{"a":1,"a":2,"b":{"c":1},"b":null}}',
      '{ a b { c } }',
      { a: 2, b: null },
    ],
    ['data that occurs twice', '{"data":{"a":1},"data":{"a":2}}', '{ a }', { a: 2 }],
    [
      'whitespace everywhere',
      ' \t\r\n{ "data" : { "a" : [ 1 , 2 ] , "b" : { "c" : "x" } } } \n',
      '{ a b { c } }',
      { a: [1, 2], b: { c: 'x' } },
    ],
    ['a byte order mark', '\ufeff{"data":{"a":1}}', '{ a }', { a: 1 }],
    [
      'keys with escapes',
      '{"d\\u0061ta":{"\\u0061":1,"b\\u0062":{"c":"x"}}}',
      '{ a bb { c } }',
      { a: 1, bb: { c: 'x' } },
    ],
    [
      'escapes in strings',
      '{"data":{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ud800"}}',
      '{ a }',
      { a: '"\\/\b\f\n\r\té😀\ud800' },
    ],
    ['characters of all lengths', '{"data":{"a":"aé€😀"}}', '{ a }', { a: 'aé€😀' }],
    ['a delete character', '{"data":{"a":"\u007f"}}', '{ a }', { a: '\u007f' }],
    [
      'numbers',
      '{"data":{"a":[0,-0,1.5,-2e10,3E+2,4e-2,123456789,1234567890,12345678901234567890,1e400]}}',
      '{ a }',
      { a: [0, -0, 1.5, -2e10, 300, 0.04, 123456789, 1234567890, 1.2345678901234567e19, Infinity] },
    ],
    [
      'names of the prototype',
      '{"data":{"__proto__":{"constructor":1},"toString":2}}',
      '{ __proto__: a { constructor: b } toString: c }',
      JSON.parse('{"__proto__":{"constructor":1},"toString":2}'),
    ],
    ['null as data', '{"data":null}', '{ a }', null],
    ['no data', '{}', '{ a }', undefined],
  ])('takes %s', (_, text, source, expected) => {
    expect(scan(text, source)).toEqual(expected);
  });

  it('finds its way among many keys in any order', () => {
    const names = Array.from({ length: 100 }, (_, i) => `key${i}`);
    const data = Object.fromEntries(names.toReversed().map((name, i) => [name, i]));
    expect(scan(JSON.stringify({ data: { other: 1, ...data } }), `{ ${names.join(' ')} }`)).toEqual(data);
  });

  it.each([
    ['an empty text', ''],
    ['a scalar', '1 1'],
    ['text behind it', '{} x'],
    // Two bytes of each are those of a byte order mark: EF BB BF.
    ['a mark that ends otherwise', '\ufec0{"data":{"a":1}}'],
    ['a mark with something else in its middle', '\uf03f{"data":{"a":1}}'],
    ['a mark that begins otherwise', '\u2eff{"data":{"a":1}}'],
    ['a missing brace', '{"data":{"a":1}'],
    ['a missing comma', '{"data":{"a":1 "b":2}}'],
    ['a missing colon', '{"data":{"a" 1}}'],
    ['a comma at the end of an object', '{"data":{"a":1,}}'],
    ['a comma at the end of a list', '{"data":{"a":[1,]}}'],
    ['a comma at the end of a list of objects', '{"data":{"o":[{},]}}'],
    ['a key without quotation marks', '{"data":{a:1}}'],
    ['single quotation marks', "{'data':1}"],
    ['a string without an end', '{"data":{"a":"x}}'],
    ['a control character in a string', '{"data":{"a":"\u0001"}}'],
    ['a line break in a string', '{"data":{"a":"\n"}}'],
    ['an unknown escape', '{"data":{"a":"\\x"}}'],
    ['half a unicode escape', '{"data":{"a":"\\u00g0"}}'],
    ['a number with a leading zero', '{"data":{"a":01}}'],
    ['a number that ends in a point', '{"data":{"a":1.}}'],
    ['a number without digits', '{"data":{"a":-}}'],
    ['an exponent without digits', '{"data":{"a":1e}}'],
    ['NaN', '{"data":{"a":NaN}}'],
    ['a shortened null', '{"data":{"a":nul}}'],
    ['a shortened true', '{"data":{"a":tru}}'],
    ['a shortened false', '{"data":{"a":fals}}'],
    ['a comment', '{"data":{/* x */"a":1}}'],
    ['two commas', '{"data":{"a":1},,"b":1}'],
    ['an object closed as a list', '{"data":{"j":{"a":1]}}'],
    ['a list closed as an object', '{"data":{"j":[1}}}'],
    ['a list of objects closed as an object', '{"data":{"o":[{}}}}'],
    ['a colon in a list', '{"data":{"j":[1:2]}}'],
    ['a key without a value', '{"data":{"j":{"a"}}}'],
    ['a nested key that is no string', '{"data":{"j":{1:1}}}'],
    ['a NUL byte', '{"data":{"a":1}}\0'],
  ])('refuses %s', (_, text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(() => scan(text, '{ a b o { x } j }')).toThrow(MalformedJson);
  });

  it('says where it went wrong', () => {
    expect(() => scan('{"data":{"a":x}}', '{ a }')).toThrow('it is not JSON at byte 13');
    expect(() => scan('{"data":{"a":1', '{ a }')).toThrow('it ends in the middle');
  });

  it('takes what is nested 400 levels deep and refuses what is deeper than 500', () => {
    const nested = (depth: number, open = '[', close = ']'): string =>
      open.repeat(depth) + close.repeat(depth);
    for (const source of ['{ a }', '{ a { x } }']) {
      expect(scan(`{"data":{"a":${nested(400)}}}`, source)).toBeDefined();
      for (const depth of [600, 100_000]) {
        expect(() => scan(`{"data":{"a":${nested(depth)}}}`, source)).toThrow(
          'it is nested deeper than 500 levels',
        );
      }
      expect(() => scan(`{"data":{"b":${nested(10_000, '{"a":', '}')}}}`, source)).toThrow('nested deeper');
    }
    const deep = '{ a '.repeat(600) + '{ b }' + '}'.repeat(600);
    expect(() => scan(`{"data":${'{"a":'.repeat(600)}1${'}'.repeat(600)}}`, deep)).toThrow('nested deeper');
  });

  // The data is the first level.
  it.each([
    ['of lists of objects', '{ a { x } }', (n: number) => '['.repeat(n) + ']'.repeat(n)],
    ['of a scalar', '{ a }', (n: number) => '['.repeat(n) + ']'.repeat(n)],
    ['of a scalar in objects', '{ a }', (n: number) => '{"b":'.repeat(n - 1) + '{}' + '}'.repeat(n - 1)],
    ['that nobody asked for', '{ b }', (n: number) => '['.repeat(n) + ']'.repeat(n)],
  ])('takes 500 levels %s, and no more, and any number beside one another', (_, source, nested) => {
    const levels = deepest - 1;
    expect(scan(`{"data":{"a":${nested(levels)}}}`, source)).toBeDefined();
    expect(() => scan(`{"data":{"a":${nested(levels + 1)}}}`, source)).toThrow('nested deeper');
    const many = Array.from({ length: 2 * levels }, () => nested(2)).join();
    expect(scan(`{"data":{"a":[${many}]}}`, source)).toBeDefined();
  });

  it('takes any number of objects in lists', () => {
    const a = Array.from({ length: 2 * deepest }, () => ({ x: {} }));
    expect(scan(JSON.stringify({ data: { a } }), '{ a { x { y } } }')).toEqual({ a });
  });

  it('grows for large responses', () => {
    const a = Array.from({ length: 20_000 }, (_, i) => ({ x: i, y: `text ${i}` }));
    expect(scan(JSON.stringify({ data: { a } }), '{ a { x y } }')).toEqual({ a });
  });

  it('knows the types that objects say they have', () => {
    const workspace = new Tape.Workspace();
    const shape = shapeOf('{ a { t: __typename } }');
    const body = Buffer.from(
      '{"data":{"a":[{"t":"A"},{"t":"A"},{"t":"B"},{"t":"\\u0041"},{"t":"No"},{"t":1},{}]}}',
    );
    const start = workspace.append(body);
    const { data } = scanResponse(workspace, start, start + body.length, shape);
    const list = workspace.tape[data + shape.fields.get('a')!.slot]!;
    const said = Array.from(
      { length: 7 },
      (_, i) => workspace.tape[workspace.tape[list + 1 + 2 * i]! + Tape.TYPE],
    );
    const [a, b] = [types.idOf('A'), types.idOf('B')];
    expect(said).toEqual([a, a, b, a, -1, 0, 0]);
  });

  it('reads a list of leaves again, and no object', () => {
    const workspace = new Tape.Workspace();
    const text = Buffer.from('[1, "x",[2]]{"a":1}');
    const start = workspace.append(text);
    const list = scanLeaves(workspace, start, start + 12);
    expect(workspace.tape[list]).toBe(3);
    expect(readValue(workspace, list + 3, null)).toBe('x');
    expect(readValue(workspace, list + 5, null)).toEqual([2]);
    expect(scanLeaves(workspace, start + 12, start + 19)).toBe(0);
  });

  it('agrees with JSON.parse on whatever is JSON', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'dd', 'e', 'x', '__proto__', 'é"');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.constantFrom(null, true, false, 0, -0),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.string({ unit: anyCharacter }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const indent = fc.constantFrom('', ' ', '\n\t');
    const source =
      '{ a { b c { dd e } } b { a { b { c dd } } e } c dd { a b c { a { a } } } e __proto__: x }';
    const shape = shapeOf(source);
    fc.assert(
      fc.property(fc.dictionary(key, value), indent, (data, space) => {
        const text = JSON.stringify({ data, errors: [] }, undefined, space);
        expect(scan(text, source)).toEqual(pick(JSON.parse(text).data, shape));
      }),
      { numRuns: 300 },
    );
  });

  it('refuses exactly what JSON.parse refuses', () => {
    const shape = '{ a { b } c d { a { b } } }';
    const texts = [
      '{"data":{"a":[{"b":-1.5e+3},{"b":"\\u00e9\\n"}],"c":{"x":[true,false,null,{}]},"d":{"a":{"b":""}}},"errors":[]}',
      '{ "data" : { "c" : [ 1 , [ ] , { "y" : 0 } ] , "zz" : { } } }',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom('', ...'{}[]",:\\u0e-+.1ntf \n\u0000\u001f'.split(''))), {
          minLength: 1,
          maxLength: 2,
        }),
        fc.boolean(),
        (text, edits, isInsertion) => {
          let edited = text;
          for (const [position, character] of edits) {
            const at = position % edited.length;
            edited = edited.slice(0, at) + character + edited.slice(isInsertion ? at : at + 1);
          }
          let expected: { data?: unknown } | undefined;
          try {
            expected = JSON.parse(edited);
          } catch {
            expect(() => scan(edited, shape)).toThrow(MalformedJson);
            return;
          }
          if (
            Object.keys(expected!).includes('data') &&
            typeof expected!.data === 'object' &&
            !Array.isArray(expected!.data)
          ) {
            expect(scan(edited, shape)).toEqual(pick(expected!.data, shapeOf(shape)));
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
