/** Over 300 lines: a case for each way in which operations go into one, or do not. */
import { buildSchema, parse } from 'graphql';
import { Combinations } from '../../../../../gateway/execution/compile/combine';
import { compileSubgraphOperation } from '../../../../../gateway/execution/compile/subgraph-operation';
import { type PlanNode, type RequiredSelection } from '../../../../../gateway/execution/compile/plan';
import { TypeTable } from '../../../../../gateway/execution/compile/type-table';
import { at, entities, fetchOf, field, inParallel, inSequence, on, run } from '../plan';

const schema = `
  type Query { ts: [T]  us: [U]  query: Query  now: Int  must: Int! }
  type Mutation { a: T  b: T }
  type T { id: ID  v(n: Int, m: Int): Int  w: W }
  type U { id: ID  x(n: Int): Int  y: Int }
  type W { z: Int! }
`;
const keyOf = (type: string): RequiredSelection[] => [on(type, field('__typename'), field('id'))];
const t = (id: string) => ({ __typename: 'T', id });
const u = (id: string) => ({ __typename: 'U', id });
const variableDefinitions = '$representations:[_Any!]!';

describe('what is asked of one subgraph in one turn by several operations', () => {
  const both = (forT: string, forU: string, rest = {}): PlanNode =>
    inSequence(
      fetchOf('s', '{ts{__typename id}us{__typename id}}'),
      inParallel(
        at(['ts', '@'], entities('e', `...on T{${forT}}`, keyOf('T'), rest)),
        at(['us', '@'], entities('e', `...on U{${forU}}`, keyOf('U'), rest)),
      ),
    );
  const roots = { ts: [t('1'), t('2')], us: [u('1')] };

  it('is one request, with an alias for each', async () => {
    const { data, sent } = await run({
      schema,
      operation: '{ ts { id v } us { x y } }',
      plan: both('v', 'x y'),
      answers: { s: [roots], e: [{ _entities_0: [{ v: 1 }, { v: 2 }], _entities_1: [{ x: 3, y: 4 }] }] },
    });

    expect(sent).toHaveLength(2);
    expect(sent[1]!.document).toBe(
      'query($representations_0:[_Any!]!$representations_1:[_Any!]!){' +
        '_entities_0:_entities(representations:$representations_0){...on T{v}}' +
        '_entities_1:_entities(representations:$representations_1){...on U{x y}}}',
    );
    expect(sent[1]!.variables).toEqual({
      representations_0: [t('1'), t('2')],
      representations_1: [u('1')],
    });
    expect(data).toEqual({
      ts: [
        { id: '1', v: 1 },
        { id: '2', v: 2 },
      ],
      us: [{ x: 3, y: 4 }],
    });
  });

  it('gets its own errors, at the places where they would be alone', async () => {
    const { data, errors } = await run({
      schema,
      operation: '{ ts { id v } us { x y } }',
      plan: both('v', 'x y'),
      answers: {
        s: [roots],
        e: [
          {
            data: { _entities_0: [{ v: 1 }, { v: null }], _entities_1: [{ x: null, y: 4 }] },
            errors: [
              { message: 'no v', path: ['_entities_0', 1, 'v'] },
              { message: 'no x', path: ['_entities_1', 0, 'x'] },
            ],
          },
        ],
      },
    });

    expect(data).toEqual({
      ts: [
        { id: '1', v: 1 },
        { id: '2', v: null },
      ],
      us: [{ x: null, y: 4 }],
    });
    expect(errors).toMatchObject([
      { message: 'no v', path: ['ts', 1, 'v'] },
      { message: 'no x', path: ['us', 0, 'x'] },
    ]);
  });

  it.each([
    ['an error that names no place', [{ message: 'limit' }]],
    ['an error of a place that nobody asked for', [{ message: 'limit', path: ['else'] }]],
  ])('fails as a whole with %s', async (_, told) => {
    const { data, errors, sent } = await run({
      schema,
      operation: '{ ts { v } us { x } }',
      plan: both('v', 'x'),
      answers: { s: [roots], e: [{ errors: [...told, null] }] },
    });

    expect(data).toEqual({ ts: [{ v: null }, { v: null }], us: [{ x: null }] });
    const messages = ['limit', 'A subgraph reported an error.'];
    const paths = [
      ['ts', 0, 'v'],
      ['ts', 1, 'v'],
      ['us', 0, 'x'],
    ];
    expect(errors).toMatchObject(paths.flatMap((path) => messages.map((message) => ({ message, path }))));
    expect(sent).toHaveLength(2);
  });

  it('fails as a whole when its answer cannot be read', async () => {
    const { errors } = await run({
      schema,
      operation: '{ ts { v } us { x } }',
      plan: both('v', 'x'),
      answers: { s: [roots], e: ['{'] },
    });

    expect(errors?.map(({ path }) => path)).toEqual([
      ['ts', 0, 'v'],
      ['ts', 1, 'v'],
      ['us', 0, 'x'],
    ]);
  });

  it('is not failed by another that answers too few entities', async () => {
    const { data, errors } = await run({
      schema,
      operation: '{ ts { v } us { x } }',
      plan: both('v', 'x'),
      answers: { s: [roots], e: [{ _entities_0: [{ v: 1 }], _entities_1: [{ x: 3 }] }] },
    });

    expect(data).toEqual({ ts: [{ v: null }, { v: null }], us: [{ x: 3 }] });
    const message = expect.stringContaining('1 entities instead of 2');
    expect(errors).toMatchObject([0, 1].map((i) => ({ message, path: ['ts', i, 'v'] })));
  });

  // GraphQL, section 6.4.4: `_entities` is of a non-null type, so its error leaves no data at all.
  it('is asked again where the error of another has left it without data', async () => {
    const { data, errors, sent } = await run({
      schema,
      operation: '{ ts { v } us { x } }',
      plan: both('v', 'x'),
      answers: {
        s: [roots],
        e: [
          { data: null, errors: [{ message: 'out of reach', path: ['_entities_0'] }] },
          { _entities: [{ x: 3 }] },
        ],
      },
    });

    expect(data).toEqual({ ts: [{ v: null }, { v: null }], us: [{ x: 3 }] });
    expect(errors).toMatchObject([0, 1].map((i) => ({ message: 'out of reach', path: ['ts', i, 'v'] })));
    expect(sent[2]!.variables).toEqual({ representations: [u('1')] });
  });

  it('is several requests when it is more than ten operations', async () => {
    const numbers = Array.from({ length: 13 }, (_, i) => i);
    const { data, sent } = await run({
      schema: `type Query { ts: [T] } type T { id: ID ${numbers.map((i) => `f${i}: Int`).join(' ')} }`,
      operation: `{ ts { ${numbers.map((i) => `f${i}`).join(' ')} } }`,
      plan: inSequence(
        fetchOf('s', '{ts{__typename id}}'),
        inParallel(...numbers.map((i) => at(['ts', '@'], entities('e', `...on T{f${i}}`, keyOf('T'))))),
      ),
      answers: {
        s: [{ ts: [t('1')] }],
        e: [
          Object.fromEntries(numbers.slice(0, 10).map((i) => [`_entities_${i}`, [{ [`f${i}`]: i }]])),
          Object.fromEntries(numbers.slice(10).map((i) => [`_entities_${i - 10}`, [{ [`f${i}`]: i }]])),
        ],
      },
    });

    expect(sent).toHaveLength(3);
    expect(data).toEqual({ ts: [Object.fromEntries(numbers.map((i) => [`f${i}`, i]))] });
  });

  it('is a request for each where the fields to be named apart are in fragments', async () => {
    const { sent } = await run({
      schema,
      operation: '{ ts { v } us { x } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id}us{__typename id}}'),
        inParallel(
          at(
            ['ts', '@'],
            fetchOf(
              'e',
              `query(${variableDefinitions}){...F} fragment F on Query{_entities(representations:$representations){...on T{v}}}`,
              { requires: keyOf('T') },
            ),
          ),
          at(['us', '@'], entities('e', '...on U{x}', keyOf('U'))),
        ),
      ),
      answers: { s: [roots], e: [{ _entities: [null, null] }, { _entities: [null] }] },
    });

    expect(sent).toHaveLength(3);
  });
});

describe('combinations', () => {
  const types = new TypeTable(buildSchema(schema));
  const operations = Array.from({ length: 10 }, (_, i) => {
    const known = new Map(Array.from({ length: i }, (_unused, k) => [`${k}`, undefined as never]));
    return compileSubgraphOperation(fetchOf('s', `{a${i}:now}`), types, known);
  });

  it('are made once, and not endlessly many', () => {
    const combinations = new Combinations(types, new Set());
    const sets = operations.flatMap((one) => operations.map((other) => [one, other]));
    const made = sets.map((set) => combinations.of(set));

    expect(made.filter((combination) => combination !== undefined)).toHaveLength(64);
    expect(combinations.of(sets[3]!)).toBe(made[3]);
    expect(combinations.of(sets[99]!)).toBeUndefined();
  });
});

describe('root fields of one subgraph that are asked for in one turn', () => {
  it('are one request, whether they are leaves, objects or under a condition', async () => {
    const { data, sent } = await run({
      schema,
      operation: 'query ($n: Int) { ts { id } now us { id x(n: $n) } }',
      variables: { n: 1 },
      plan: inParallel(
        fetchOf('s', '{__typename ts{id}...@include(if:true){now}}'),
        fetchOf('s', 'query($n:Int){us{id x(n:$n)}}', { variableUsages: ['n'] }),
      ),
      answers: {
        s: [{ __typename_0: 'Query', ts_0: [{ id: '1' }], now_0: 5, us_1: [{ id: '2', x: 3 }] }],
      },
    });

    expect(sent).toEqual([
      {
        service: 's',
        document:
          'query($n:Int){__typename_0:__typename ts_0:ts{id}...@include(if:true){now_0:now}us_1:us{id x(n:$n)}}',
        variables: { n: 1 },
      },
    ]);
    expect(parse(sent[0]!.document)).toBeDefined();
    expect(data).toEqual({ ts: [{ id: '1' }], now: 5, us: [{ id: '2', x: 3 }] });
  });

  it('are asked again where the error of another has left them without data', async () => {
    const { data, errors } = await run({
      schema: schema.replace('must: Int!', 'must: Int'),
      operation: '{ must now }',
      plan: inParallel(fetchOf('s', '{must}'), fetchOf('s', '{now}')),
      answers: {
        s: [{ data: null, errors: [{ message: 'must not', path: ['must_0'] }] }, { now: 1 }],
      },
    });

    expect(data).toEqual({ must: null, now: 1 });
    expect(errors).toMatchObject([{ message: 'must not', path: ['must'] }]);
  });

  it('are two equal requests where they are the same', async () => {
    const { sent } = await run({
      schema,
      operation: '{ query { now } }',
      plan: inParallel(fetchOf('s', '{now}'), fetchOf('s', '{query{now}}'), fetchOf('s', '{now}')),
      answers: { s: [{ now_0: 1, query_1: { now: 1 } }, { now: 1 }] },
    });

    expect(sent.map(({ document }) => document)).toEqual(['{now_0:now query_1:query{now}}', '{now}']);
  });

  it('are not asked for together with entities', async () => {
    const { sent } = await run({
      schema,
      operation: '{ ts { v } query { now } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id}query{__typename}}'),
        inParallel(
          at(['ts', '@'], entities('e', '...on T{v}', keyOf('T'))),
          at(['query'], fetchOf('e', '{now}')),
        ),
      ),
      answers: {
        s: [{ ts: [t('1')], query: { __typename: 'Query' } }],
        e: [{ _entities: [{ v: 1 }] }, { now: 1 }],
      },
    });

    expect(sent).toHaveLength(3);
  });

  it('are never those of mutations', async () => {
    const mutation = (key: string) => fetchOf('s', `mutation{${key}{id}}`, { operationKind: 'mutation' });
    const { sent } = await run({
      schema,
      operation: 'mutation { a { id } b { id } }',
      plan: inParallel(mutation('a'), mutation('b')),
      answers: { s: [{ a: { id: '1' } }, { b: { id: '2' } }] },
    });

    expect(sent.map(({ document }) => document)).toEqual(['mutation{a{id}}', 'mutation{b{id}}']);
  });
});
