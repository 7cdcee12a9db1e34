/**
 * Plans whose fetches ask for parts of one object, which gateway/execution joins. Over 300 lines: a case for each way in
 * which they meet.
 */
import { at, entities, fetchOf, field, inParallel, inSequence, on, run } from './plan';

const schema = `
  type Query { t: T ts: [T] u: T }
  type T { id: ID a: Int b: String! c: C cs: [C!] e: E more: [T] }
  type C { x: Int y: Int! z: [Int!] }
  enum E { ONE TWO }
`;
const key = [on('T', field('__typename'), field('id'))];
const one = { __typename: 'T', id: '1' };

describe('a field that several fetches answer', () => {
  const plan = (first: string, second: string) =>
    inSequence(
      fetchOf('s', `{ts{__typename id ${first}}}`),
      at(['ts', '@'], entities('t', `...on T{${second}}`, key)),
      at(['ts', '@'], entities('u', `...on T{${second}}`, key)),
    );

  it.each([
    [1, [{ a: 2 }], [{ a: 3 }], 1],
    [null, [{ a: 2 }], [{ a: 3 }], 2],
    [undefined, [{ a: null }], [{ a: 3 }], 3],
    [undefined, [{}], [{ a: null }], null],
    [null, [null], [null], null],
  ])('is the first value that is not null: %j, %j, %j', async (s, t, u, expected) => {
    const { data } = await run({
      schema,
      operation: '{ ts { a } }',
      plan: plan('a', 'a'),
      answers: { s: [{ ts: [{ ...one, a: s }] }], t: [{ _entities: t }], u: [{ _entities: u }] },
    });
    expect(data).toEqual({ ts: [{ a: expected }] });
  });
});

describe('errors of entities', () => {
  it('reach each fetch that shares the call, under the names of the client', async () => {
    const outputRewrites = [
      { kind: 'KeyRenamer', path: ['... on T', 'c', 'x__alias_0'], renameKeyTo: 'x' },
    ] as const;
    const selection = '...on T{c{x__alias_0:x}}';
    const { data, errors } = await run({
      schema,
      operation: '{ ts { c { x } } u { c { x } } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id}u{__typename id}}'),
        inParallel(
          at(['ts', '@'], entities('t', selection, key, { outputRewrites })),
          at(['u'], entities('t', selection, key, { outputRewrites })),
        ),
      ),
      answers: {
        s: [{ ts: [{ ...one, id: '2' }, one, one], u: one }],
        t: [
          {
            data: { _entities: [{ c: { x__alias_0: 1 } }, { c: { x__alias_0: null } }] },
            errors: [
              { message: 'No x', path: ['_entities', 1, 'c', 'x__alias_0'] },
              { message: 'No c', path: ['_entities', 0, 'cs', 0, 'x'] },
            ],
          },
        ],
      },
    });
    expect(data).toEqual({
      ts: [{ c: { x: 1 } }, { c: { x: null } }, { c: { x: null } }],
      u: { c: { x: null } },
    });
    expect(errors?.map(({ message, path }) => [message, path])).toEqual([
      ['No x', ['ts', 1, 'c', 'x']],
      ['No x', ['ts', 2, 'c', 'x']],
      ['No c', ['ts', 0, 'cs', 0, 'x']],
      ['No x', ['u', 'c', 'x']],
    ]);
  });

  it('are told at each field that the failed call left null', async () => {
    const { data, errors } = await run({
      schema,
      operation: '{ u { a more { a } } t { b } }',
      plan: inSequence(
        fetchOf('s', '{u{__typename id}t{a}}'),
        at(['u'], entities('t', '...on T{a}', key)),
        at(
          ['u'],
          entities('s', '...on T{more{__typename id}}', [
            on('T', field('__typename'), field('id'), field('a')),
          ]),
        ),
        at(['u', 'more', '@'], entities('t', '...on T{a}', key)),
      ),
      answers: {
        s: [
          { u: one, t: { a: 1 } },
          { _entities: [{ more: [one, { ...one, id: '2' }, { ...one, id: '2' }] }] },
        ],
        t: [{ _entities: [{ a: 1 }] }, 'oops'],
      },
    });
    expect(data).toEqual({ u: { a: 1, more: [{ a: 1 }, { a: null }, { a: null }] }, t: null });
    expect(errors?.map(({ path }) => path)).toEqual([
      ['u', 'more', 1, 'a'],
      ['u', 'more', 2, 'a'],
      ['t', 'b'],
    ]);
  });

  it('explain each what their subgraph left out of one object', async () => {
    const { data, errors } = await run({
      schema: 'type Query { box: Box } type Box { a: Int b: Int must: Int! c: Int }',
      operation: '{ box { must a b c } }',
      plan: inParallel(fetchOf('s', '{box{a}}'), fetchOf('t', '{box{b must}}'), fetchOf('u', '{box{c}}')),
      answers: {
        s: [{ data: { box: null }, errors: [{ message: 'No a', path: ['box', 'a'] }] }],
        t: [{ data: { box: null }, errors: [{ message: 'No b', path: ['box', 'b'] }] }],
        u: [{ box: { c: 1 } }],
      },
    });
    expect(data).toEqual({ box: null });
    expect(errors?.map(({ path }) => path)).toEqual([
      ['box', 'a'],
      ['box', 'b'],
    ]);
  });

  it('explain nothing that is beside the null which they left', async () => {
    const { data, errors } = await run({
      schema: 'type Query { boxes: [Box] } type Box { in: In must: Int! } type In { a: Int! b: Int }',
      operation: '{ boxes { must in { a b } } }',
      plan: inParallel(fetchOf('s', '{boxes{must in{a}}}'), fetchOf('t', '{boxes{in{b}}}')),
      answers: {
        s: [
          {
            data: { boxes: [{ must: 1, in: { a: 1 } }, { in: null }] },
            errors: [{ message: 'No a', path: ['boxes', 1, 'in', 'a'] }],
          },
        ],
        t: [{ boxes: [{ in: { b: 2 } }, { in: { b: 2 } }] }],
      },
    });
    expect(data).toEqual({ boxes: [{ must: 1, in: { a: 1, b: 2 } }, null] });
    expect(errors?.map(({ path }) => path)).toEqual([
      ['boxes', 1, 'in', 'a'],
      ['boxes', 1, 'must'],
    ]);
  });

  it('name the subgraph that sent what is wrong, or was to send what is missing', async () => {
    const wrong = await run({
      schema,
      operation: '{ t { a } }',
      plan: inParallel(fetchOf('s', '{t{a}}'), fetchOf('u', '{t{a}}')),
      answers: { s: [{ t: {} }], u: [{ t: { a: 'x' } }] },
    });
    expect(wrong.errors).toMatchObject([{ path: ['t', 'a'], extensions: { service: 'u' } }]);
    const missing = await run({
      schema: 'type Query { t: T } type T { id: ID v: Int! }',
      operation: '{ t { v } }',
      plan: inSequence(
        fetchOf('s', '{t{__typename id}}'),
        at(['t'], entities('t', '...on T{v}', key)),
        at(['t'], entities('u', '...on T{v}', key)),
      ),
      answers: { s: [{ t: one }], t: [{ _entities: [{}] }], u: [{ _entities: [{}] }] },
    });
    expect(missing.errors).toMatchObject([{ path: ['t', 'v'], extensions: { service: 't' } }]);
  });

  it('explain what could not be asked for', async () => {
    const requires = [on('T', field('__typename'), field('id'), field('a'))];
    const plan = inSequence(
      fetchOf('s', '{t{__typename id}}'),
      at(['t'], entities('t', '...on T{a}', key)),
      at(['t'], entities('u', '...on T{b}', requires)),
    );
    const failed = await run({
      schema,
      operation: '{ t { id b } }',
      plan,
      answers: { s: [{ t: one }], t: ['oops'] },
    });
    expect(failed.data).toEqual({ t: null });
    expect(failed.errors?.map(({ path }) => path)).toEqual([['t', 'b']]);
    const missing = await run({
      schema,
      operation: '{ t { id b } }',
      plan,
      answers: { s: [{ t: one }], t: [{ _entities: [{}] }] },
    });
    expect(missing.data).toEqual({ t: null });
    expect(missing.errors?.map(({ path }) => path)).toEqual([['t', 'b']]);
  });

  describe('where an object stands only when another answer has come', () => {
    const late = {
      schema: `type Query { t: T o: O } type O { t: T } type T { id: ID a: Int! b: Int! c: Int }`,
      operation: '{ t { a } o { t { c b a } } }',
      plan: inSequence(
        fetchOf('s', '{t{a} o{__typename id t{__typename id a}}}'),
        inParallel(
          at(['o'], entities('late', '...on O{t{c}}', [on('O', field('__typename'), field('id'))])),
          at(['o', 't'], entities('u', '...on T{b}', key)),
        ),
      ),
    };
    const o = { __typename: 'O', id: '1', t: null };
    const answers = { late: [{ _entities: [{ t: { c: 1 } }] }], u: [] };

    it('explain what was not asked of it', async () => {
      const { data, errors } = await run({
        ...late,
        answers: {
          ...answers,
          s: [{ data: { t: { a: 1 }, o }, errors: [{ message: 'No a', path: ['o', 't', 'a'] }] }],
        },
      });
      expect(data).toEqual({ t: { a: 1 }, o: { t: null } });
      expect(errors?.map(({ path }) => path)).toEqual([['o', 't', 'a']]);
    });

    it('explain nothing if they are of something else', async () => {
      const { data, errors } = await run({
        ...late,
        answers: {
          ...answers,
          s: [{ data: { t: null, o }, errors: [{ message: 'No a', path: ['t', 'a'] }] }],
        },
      });
      expect(data).toEqual({ t: null, o: { t: null } });
      expect(errors?.map(({ path }) => path)).toEqual([
        ['t', 'a'],
        ['o', 't', 'b'],
      ]);
    });
  });

  it('stand at the first field of a fetch at the root, if they name no place', async () => {
    const { errors } = await run({
      schema,
      operation: '{ t { id } }',
      plan: fetchOf('s', '{t{id}}'),
      answers: { s: [{ errors: [{ message: 'x', extensions: 'odd' }] }] },
    });
    expect(errors).toEqual([
      { message: 'x', path: ['t'], extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', service: 's' } },
    ]);
  });

  it('are told for no more places than a response may hold errors', async () => {
    const { errors } = await run({
      schema,
      operation: '{ ts { a } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id}}'),
        at(['ts', '@'], entities('t', '...on T{a}', key)),
      ),
      answers: {
        s: [{ ts: Array.from({ length: 300 }, () => one) }],
        t: [{ data: { _entities: [{ a: null }] }, errors: [{ message: 'm', path: ['_entities', 0, 'a'] }] }],
      },
    });
    expect(errors).toHaveLength(100);
  });
});

describe('an entity that stands within itself', () => {
  it('is gone through at each depth', async () => {
    const depth = 16;
    const path = (length: number): string[] => Array.from({ length }, () => 'n');
    const selection = (length: number): string => (length === 0 ? 'v' : `n { ${selection(length - 1)} }`);
    const byId = [on('N', field('__typename'), field('id'))];
    const { data, sent } = await run({
      schema: 'type Query { n: N } type N { id: ID n: N v: Int }',
      operation: `{ ${selection(depth)} }`,
      plan: inSequence(
        fetchOf('s', '{n{__typename id}}'),
        ...Array.from({ length: depth - 1 }, (_, i) =>
          at(path(i + 1), entities('t', '...on N{n{__typename id}}', byId)),
        ),
        at(path(depth), entities('u', '...on N{v}', byId)),
      ),
      answers: {
        s: [{ n: { __typename: 'N', id: '1' } }],
        t: [
          { _entities: [{ n: { __typename: 'N', id: '2' } }] },
          { _entities: [{ n: { __typename: 'N', id: '1' } }] },
        ],
        u: [{ _entities: [{ v: 7 }] }],
      },
    });
    expect(JSON.stringify(data)).toBe(`${'{"n":'.repeat(depth)}{"v":7}${'}'.repeat(depth)}`);
    expect(sent.map(({ service }) => service)).toEqual(['s', 't', 't', 'u']);
  });
});

describe('an entity of which conditions leave out every key', () => {
  it('is not asked for', async () => {
    const { data, sent } = await run({
      schema,
      operation: 'query ($v: Boolean!) { t { a @include(if: $v) c { x } } }',
      variables: { v: false },
      plan: inSequence(
        fetchOf('s', 'query($v:Boolean!){t{__typename id@include(if:$v)}}', { variableUsages: ['v'] }),
        at(['t'], entities('t', '...on T{a c{x}}', key)),
      ),
      answers: { s: [{ t: { __typename: 'T' } }] },
    });
    expect(data).toEqual({ t: { c: null } });
    expect(sent).toHaveLength(1);
  });
});

describe('an entity of which a part of a required object is missing', () => {
  const inParts = {
    schema: 'type Query { t: T } type T { id: ID a: Int must: Int! key: Key } type Key { x: Int y: Int }',
    operation: '{ t { must a } }',
    plan: inSequence(
      fetchOf('s', '{t{__typename id key{x}}}'),
      at(['t'], entities('t', '...on T{must key{y}}', key)),
      at(
        ['t'],
        entities('u', '...on T{a}', [on('T', field('__typename'), field('key', field('x'), field('y')))]),
      ),
    ),
  };

  it('is not requested', async () => {
    const { data, errors, sent } = await run({
      ...inParts,
      answers: {
        s: [{ t: { ...one, key: { x: 1 } } }],
        t: [
          { data: { _entities: [null] }, errors: [{ message: 'No must', path: ['_entities', 0, 'must'] }] },
        ],
      },
    });
    expect(data).toEqual({ t: null });
    expect(errors?.map(({ message }) => message)).toEqual(['No must']);
    expect(sent.map(({ service }) => service)).toEqual(['s', 't']);
  });

  it('is requested with the null that a subgraph answered', async () => {
    const { data, sent } = await run({
      ...inParts,
      answers: {
        s: [{ t: { ...one, key: { x: 1 } } }],
        t: [{ _entities: [{ must: 2, key: { y: null } }] }],
        u: [{ _entities: [{ a: 3 }] }],
      },
    });
    expect(data).toEqual({ t: { must: 2, a: 3 } });
    expect(sent[2]!.variables).toEqual({ representations: [{ __typename: 'T', key: { x: 1, y: null } }] });
  });
});

describe('records of one entity', () => {
  it('stand for each other only while they say the same', async () => {
    const long = 'x'.repeat(300);
    const ts = [
      { ...one, b: long, c: { x: 1, y: 1 } },
      { ...one, b: long, c: { x: 1, y: 1 } },
      { ...one, b: long, c: { x: 2, y: 1 } },
      { ...one, b: 'a', c: null },
      { ...one, b: 'b', c: null },
    ];
    const { data } = await run({
      schema,
      operation: '{ ts { a b c { x y } e } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id b c{x y}}}'),
        at(['ts', '@'], entities('u', '...on T{e}', [on('T', field('__typename'), field('id'), field('b'))])),
        at(['ts', '@'], entities('t', '...on T{a}', key)),
      ),
      answers: {
        s: [{ ts }],
        u: [{ _entities: [{ e: 'ONE' }, { e: 'TWO' }, { e: 'ONE' }] }],
        t: [{ _entities: [{ a: 7 }] }],
      },
    });
    expect(data).toEqual({ ts: ts.map(({ b, c }) => ({ a: 7, b, c, e: b === 'a' ? 'TWO' : 'ONE' })) });
  });

  it('are gone through once, whatever path leads to them', async () => {
    const { data, sent } = await run({
      schema:
        'type Query { a: A } type A { id: ID bs: [B] } type B { id: ID a: A c: C } type C { id: ID v: Int }',
      operation: '{ a { bs { a { bs { c { v } } } } } }',
      plan: inSequence(
        fetchOf('s', '{a{bs{__typename id}}}'),
        at(
          ['a', 'bs', '@'],
          entities('t', '...on B{a{bs{c{__typename id}}}}', [on('B', field('__typename'), field('id'))]),
        ),
        at(
          ['a', 'bs', '@', 'a', 'bs', '@', 'c'],
          entities('u', '...on C{v}', [on('C', field('__typename'), field('id'))]),
        ),
      ),
      answers: {
        s: [
          {
            a: {
              bs: [
                { __typename: 'B', id: '1' },
                { __typename: 'B', id: '1' },
              ],
            },
          },
        ],
        t: [
          {
            _entities: [
              { a: { bs: [{ c: { __typename: 'C', id: '1' } }, { c: { __typename: 'C', id: '2' } }] } },
            ],
          },
        ],
        u: [{ _entities: [{ v: 1 }, { v: 2 }] }],
      },
    });
    const bs = [{ c: { v: 1 } }, { c: { v: 2 } }];
    expect(data).toEqual({ a: { bs: [{ a: { bs } }, { a: { bs } }] } });
    expect(
      sent.map(({ variables }) => (variables['representations'] as unknown[] | undefined)?.length),
    ).toEqual([undefined, 1, 2]);
  });
});

describe('values that only their type can take', () => {
  it.each([
    [
      '{ t { c { z } } }',
      '{t{c{z}}}',
      { t: { c: { z: [1, 'x', 2] } } },
      { t: { c: { z: null } } },
      ['t', 'c', 'z', 1],
    ],
    [
      '{ t { c { z } } }',
      '{t{c{z}}}',
      { t: { c: { z: [1, [2]] } } },
      { t: { c: { z: null } } },
      ['t', 'c', 'z', 1],
    ],
    ['{ t { e } }', '{t{e{x}}}', { t: { e: { x: 1 } } }, { t: { e: null } }, ['t', 'e']],
    ['{ t { e } }', '{t{e{x}}}', { t: { e: [{ x: 1 }] } }, { t: { e: null } }, ['t', 'e']],
    ['{ t { e } }', '{t{e}}', { t: { e: 'TWX' } }, { t: { e: null } }, ['t', 'e']],
  ])('of %s are null and an error otherwise', async (operation, query, answer, expected, path) => {
    const { data, errors } = await run({
      schema,
      operation,
      plan: fetchOf('s', query),
      answers: { s: [answer] },
    });
    expect(data).toEqual(expected);
    expect(errors?.map((error) => error.path)).toEqual([path]);
    if (query.includes('{e{')) expect(errors![0]!.message).toContain('cannot represent an object');
  });
});

describe('a record that stands for an entity of another one', () => {
  it('does not give way to one with the same JSON that other fetches have joined', async () => {
    const next = '...on S{next{__typename id}}';
    const keyOfS = [on('S', field('__typename'), field('id'))];
    const { data, sent } = await run({
      schema: 'type Query { x: S y: S } type S { id: ID next: T } type T { id: ID a: Int b: Int c: Int }',
      operation: '{ x { next { a c } } y { next { b c } } }',
      plan: inSequence(
        fetchOf('s', '{x{__typename id}y{__typename id}}'),
        inParallel(at(['x'], entities('n', next, keyOfS)), at(['y'], entities('n', next, keyOfS))),
        inParallel(
          at(['x', 'next'], entities('f', '...on T{a}', key)),
          at(['y', 'next'], entities('g', '...on T{b}', key)),
        ),
        inParallel(
          at(['x', 'next'], entities('h', '...on T{c}', key)),
          at(['y', 'next'], entities('h', '...on T{c}', key)),
        ),
      ),
      answers: {
        s: [{ x: { __typename: 'S', id: '1' }, y: { __typename: 'S', id: '2' } }],
        n: [{ _entities: [{ next: one }, { next: one }] }],
        f: [{ _entities: [{ a: 1 }] }],
        g: [{ _entities: [{ b: 2 }] }],
        h: [{ _entities: [{ c: 3 }] }],
      },
    });
    expect(data).toEqual({ x: { next: { a: 1, c: 3 } }, y: { next: { b: 2, c: 3 } } });
    expect(sent.filter(({ service }) => service === 'h')).toHaveLength(1);
  });
});
