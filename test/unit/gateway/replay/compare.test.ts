import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type ComparisonRules, comparisonBy } from '../../../../gateway/replay/compare';
import type { Difference } from '../../../../gateway/replay/difference';

const rules: ComparisonRules = { ignore: [], unordered: [], values: true };

/** Compares two bodies, given as JSON text. */
const compare = (a: string, b: string, more: Partial<ComparisonRules> = {}): readonly Difference[] =>
  comparisonBy({ ...rules, ...more })({ status: 200, body: a }, { status: 200, body: b });

/** The differences of two values of `data`: kind, and the first position. */
const between = (a: string, b: string, more: Partial<ComparisonRules> = {}): string[] =>
  compare(`{"data":${a}}`, `{"data":${b}}`, more).map(({ kind, at }) => `${kind} ${at}`);

const errorsBetween = (a: unknown, b: unknown, more: Partial<ComparisonRules> = {}): string[] =>
  compare(JSON.stringify({ data: null, errors: a }), JSON.stringify({ data: null, errors: b }), more).map(
    ({ kind, path, at }) => `${kind} ${path} ${at}`,
  );

describe('data', () => {
  it('is equal in any order of keys, with any spaces and escapes', () => {
    expect(between('{"a":1,"b":["x"]}', '{ "b": ["\\u0078"], "a": 1 }')).toEqual([]);
  });

  it('has each difference at its path', () => {
    expect(between('{"a":{"b":"x"}}', '{"a":{"b":"y"}}')).toEqual(['value a.b']);
    expect(between('{"a":[{"b":1},{"b":2}]}', '{"a":[{"b":1},{"b":3}]}')).toEqual(['value a[1].b']);
    expect(between('{"a":true}', '{"a":false}')).toEqual(['value a']);
    expect(between('{"a":"1"}', '{"a":1}')).toEqual(['type a']);
    expect(between('{"a":{}}', '{"a":[]}')).toEqual(['type a']);
    expect(between('{"a":1}', '{"a":null}')).toEqual(['null a']);
    expect(between('{"a":null}', '{}')).toEqual(['missing a']);
    expect(between('{}', '{"a":null}')).toEqual(['extra a']);
    expect(between('{"a":[1]}', '{"a":[1,2]}')).toEqual(['length a']);
    expect(between('{"a":1}', 'null')).toEqual(['null ']);
  });

  it('that is missing is not null', () => {
    expect(compare('{"errors":[]}', '{"data":null}')).toMatchObject([{ kind: 'extra', path: '' }]);
  });

  it('has numbers as they are written', () => {
    expect(between('[1.0]', '[1]')).toEqual(['number [0]']);
    expect(between('{"a":1e2,"b":0.5}', '{"a":100,"b":5e-1}')).toEqual(['number a', 'number b']);
    expect(between('[9007199254740993]', '[9007199254740992]')).toEqual(['value [0]']);
    expect(between('[1]', '[2]')).toEqual(['value [0]']);
    expect(between('["1.0", 12345678901234567890]', '["1.0",12345678901234567890]')).toEqual([]);
  });

  it('takes no text for a number', () => {
    expect(between('["\\u00001"]', '[1]')).toEqual(['type [0]']);
    expect(between('["\\u00001"]', '["\\u00001"]  ')).toEqual([]);
    expect(between('["a\\"1.0"]', '["a\\"1"]')).toEqual(['value [0]']);
  });

  it('has lists in order, but where the order does not matter', () => {
    const [a, b] = ['{"a":[{"b":1},{"b":2}]}', '{"a":[{"b":2},{"b":1}]}'];
    expect(between(a, b)).toEqual(['order a']);
    expect(between(a, b, { unordered: ['a'] })).toEqual([]);
    expect(between(a, b, { unordered: ['b'] })).toEqual(['order a']);
  });

  it('compares what is left of unordered lists with each other', () => {
    const more = { unordered: ['a'] };
    expect(
      between(
        '{"a":[{"id":1,"b":1},{"id":2,"b":1},{"id":2,"b":1}]}',
        '{"a":[{"id":2,"b":1},{"id":2,"b":9},{"id":1,"b":1}]}',
        more,
      ),
    ).toEqual(['value a[2].b']);
    const [inner, other] = ['{"a":[{"c":[1,2]},{"c":[3]}]}', '{"a":[{"c":[3]},{"c":[2,1]}]}'];
    expect(between(inner, other, more)).toEqual(['order a[0].c']);
    expect(between(inner, other, { unordered: ['a', 'a[].c'] })).toEqual([]);
  });

  it('leaves out what is ignored, also where items of lists are matched', () => {
    const [a, b] = ['{"a":[{"b":1,"c":{"d":1}},{"b":2}]}', '{"a":[{"b":2},{"b":1,"c":{"d":2}}]}'];
    expect(between(a, b, { ignore: ['a[].c'], unordered: ['a'] })).toEqual([]);
    expect(between(a, b, { ignore: ['a.c'] })).toEqual(['order a']);
    expect(between('{"x":{"at":1},"at":2}', '{"x":{"at":3},"at":4}', { ignore: ['**.at'] })).toEqual([]);
    expect(between('{"x":{"at":1},"at":2}', '{"x":{"at":3},"at":4}', { ignore: ['*.at'] })).toEqual([
      'value at',
    ]);
  });

  it('has each path and kind once, with how often', () => {
    const [a, b] = [1, 2].map((n) => JSON.stringify({ data: { a: [{ b: n }, { b: n }, { b: 0 }] } }));
    expect(compare(a!, b!)).toEqual([
      {
        ...{ kind: 'value', path: 'a[].b', at: 'a[0].b', count: 2 },
        ...{ a: { shape: 'a number', value: '1' }, b: { shape: 'a number', value: '2' } },
      },
    ]);
  });

  it('has keys of a map, which may be values, in no path', () => {
    const document = 'query A { a: b { ...F } map } fragment F on T { ... { list: c { map } } }';
    const bodies = [1, 2].map((n) => {
      const map = { S3CRET: { S3CRET: n } };
      const a = { list: [{ map, added: n }], map: { S3CRET: { list: n } } };
      const errors = [{ path: ['a', 'list', 0, 'map', 'S3CRET'], extensions: { code: `C${n}` } }];
      return { status: 200, body: JSON.stringify({ data: { a, map, new: n }, errors }) };
    });
    const hidden = comparisonBy({ ...rules, values: false })(bodies[0]!, bodies[1]!, document);
    expect(hidden.map(({ path }) => path)).toEqual([
      ...['a.list[].map.(key).(key)', 'a.list[].added', 'a.map.(key).(key)', 'map.(key).(key)', 'new'],
      'a.list[].map.(key)',
    ]);
    expect(JSON.stringify(hidden)).not.toContain('S3CRET');
    expect(comparisonBy(rules)(bodies[0]!, bodies[1]!, document)[0]).toMatchObject({
      path: 'a.list[].map.S3CRET.S3CRET',
    });
    expect(between('{"a":{"jane@example.com":1}}', '{"a":{"jane@example.com":2}}')).toEqual([
      'value a.(key)',
    ]);
  });

  it('may have the names of properties that every object has', () => {
    expect(between('{"__proto__":1,"constructor":2}', '{"toString":2}')).toEqual([
      'missing __proto__',
      'missing constructor',
      'extra toString',
    ]);
  });

  it('is compared so deep and so far', () => {
    const nested = (leaf: string): string => `${'['.repeat(20_000)}${leaf}${']'.repeat(20_000)}`;
    expect(compare(`{"data":${nested('1')}}`, `{"data":${nested('2')}}`)).toMatchObject([{ kind: 'depth' }]);
    const many = (n: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`a${i}`, n])));
    expect(between(many(1), many(2))).toHaveLength(1000);
  });
});

describe('any JSON', () => {
  const values = fc.jsonValue({ maxDepth: 4 });
  /** The same value with the keys of objects, and the items of lists, in another order. */
  const reversed = (value: unknown, lists: boolean): unknown => {
    if (Array.isArray(value)) {
      const items = value.map((each) => reversed(each, lists));
      return lists ? items.reverse() : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, each]) => [key, reversed(each, lists)])
        .reverse(),
    );
  };

  it('is equal to itself with its keys in another order', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(between(JSON.stringify(value), JSON.stringify(reversed(value, false), null, 1))).toEqual([]);
      }),
    );
  });

  it('is equal to itself with its lists in another order, where none matters', () => {
    fc.assert(
      fc.property(fc.array(values), (value) => {
        const data = [value, reversed(value, true)].map((each) => JSON.stringify({ a: each }));
        expect(between(data[0]!, data[1]!, { unordered: ['**.*'] })).toEqual([]);
      }),
    );
  });

  it('is different from any other value, on both sides alike', () => {
    const mirrored: Record<string, string> = { missing: 'extra', extra: 'missing' };
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
        const there = between(one, other);
        expect(there.length > 0).toBe(!isDeepStrictEqual(JSON.parse(one), JSON.parse(other)));
        const back = between(other, one).map((text) =>
          text.replace(/^\w+/, (kind) => mirrored[kind] ?? kind),
        );
        expect(back.sort()).toEqual([...there].sort());
      }),
    );
  });
});

describe('errors', () => {
  const error = (path: unknown, code?: string, message = 'text') => ({ message, path, extensions: { code } });

  it('are equal in any order and with any message; none are the same as an empty list', () => {
    const [x, y] = [error(['a'], 'X'), error(['b', 0], 'Y')];
    expect(errorsBetween([x, y], [{ ...y, message: 'other' }, x])).toEqual([]);
    expect(errorsBetween([], undefined)).toEqual([]);
  });

  it('are different by path, by code, or on one side alone', () => {
    expect(errorsBetween([error(['a', 1], 'X')], [error(['a', 1], 'Y')])).toEqual(['error-code a[] a[1]']);
    expect(errorsBetween([error(['a'], 'X')], [error(['b'], 'X')])).toEqual(['error-path a a']);
    expect(errorsBetween([error(['a', 1], 'X')], [error(['a', 2], 'X')])).toEqual(['error-path a[] a[1]']);
    expect(errorsBetween([error(['a'])], undefined)).toEqual(['error-missing a a']);
    expect(errorsBetween(undefined, [error(undefined)])).toEqual(['error-extra  ']);
    const twice = [error(['a'], 'X'), error(['a'], 'X')];
    expect(errorsBetween(twice, twice.slice(1))).toEqual(['error-missing a a']);
  });

  it('have the positions and paths that do not matter', () => {
    const [x, y] = [error(['a', 1, 'b'], 'X'), error(['a', 2, 'b'], 'X')];
    expect(errorsBetween([x], [y], { unordered: ['a'] })).toEqual([]);
    expect(errorsBetween([x], [], { ignore: ['a.b'] })).toEqual([]);
  });

  it('of no form at all are compared, too', () => {
    expect(errorsBetween([null, 1, 'x', [], {}], [])).toEqual(['error-missing  ']);
    expect(errorsBetween('x', [{ path: [null, {}], extensions: 1 }])).toHaveLength(1);
  });

  it('show codes that look like one, and messages with values alone', () => {
    const bodies = [['S3CRET value'], ['NOT_FOUND']].map(([code]) =>
      JSON.stringify({ errors: [error(['a'], code, 'secret text')] }),
    );
    const hidden = compare(bodies[0]!, bodies[1]!, { values: false });
    expect(hidden).toMatchObject([{ a: { shape: 'an error at a' }, b: { shape: 'NOT_FOUND at a' } }]);
    expect(JSON.stringify(hidden)).not.toMatch(/secret/i);
    expect(compare(bodies[0]!, bodies[1]!)).toMatchObject([{ a: { value: '"secret text"' } }]);
  });
});

describe('an answer', () => {
  const of = comparisonBy({ ...rules, values: false });

  it('with another status is compared as well', () => {
    expect(
      of({ status: 200, body: '{"data":{"a":1}}' }, { status: 500, body: '{"data":{"a":2}}' }),
    ).toMatchObject([
      { kind: 'status', path: '', a: { shape: 'status 200' }, b: { shape: 'status 500' } },
      { kind: 'value', path: 'a' },
    ]);
  });

  it.each(['<html>', '', '[]', '{"a":01}', '{"a":1}}'])(
    'that is %j is none, on both sides neither',
    (body) => {
      expect(of({ status: 200, body }, { status: 200, body })).toMatchObject([{ kind: 'not-json' }]);
    },
  );

  it('that never came is a difference', () => {
    expect(of({ failure: 'no answer within 10 s' }, { status: 200, body: '{}' })).toMatchObject([
      { kind: 'no-answer', a: { shape: 'no answer within 10 s' }, b: { shape: 'status 200' } },
    ]);
  });
});

it('has no values unless they are wanted', () => {
  const secret = 'S3CRET';
  const bodies = [`{"a":"${secret}","b":["${secret}"],"c":1}`, `{"a":"x","b":[],"c":{"d":"${secret}"}}`];
  const [a, b] = bodies.map((data) => ({ status: 200, body: `{"data":${data}}` }));
  const found = comparisonBy({ ...rules, values: false })(a!, b!);
  expect(found.map(({ a, b }) => `${a.shape} / ${b.shape}`)).toEqual([
    'a string / a string',
    'a list of 1 / a list of 0',
    'a number / an object',
  ]);
  expect(JSON.stringify(found)).not.toContain(secret);
});

it.each(['', 'a..b', 'a b', 'a[0]', '**', 'a.**.b', '[]', '$.a'])('refuses the pattern %j', (pattern) => {
  expect(() => comparisonBy({ ...rules, ignore: [pattern] })).toThrow('must be names of the answer');
});
