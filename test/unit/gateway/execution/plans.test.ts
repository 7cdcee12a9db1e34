/**
 * Plans, as gateway/execution runs them. Over 300 lines: a plan with its answers for each way in which nodes fit together.
 */
import { buildSchema, parse } from 'graphql';
import { compileOperation, execute } from '../../../../gateway/execution';
import { type PlanNode, type RequiredSelection } from '../../../../gateway/execution/compile/plan';
import { at, entities, fetchOf, field, inParallel, inSequence, on, run, type Sent } from './plan';
import { callerOf } from '../../../support/caller';

describe('a value that several fetches answer parts of', () => {
  const schema = `
    type Query { a: A  list: [[A]]  media: Media }
    type A { x: Int  y: Int  b: B  id: ID  z: Int }
    type B { p: Int  q: Int  c: B }
    interface Media { id: ID  b: B }
    type Book implements Media { id: ID  b: B  pages: Int }
  `;

  it.each([
    ['the first is null', { a: null }, { a: { y: 4 } }, { a: { x: null, y: 4 } }],
    ['the second is null', { a: { x: 1 } }, { a: null }, { a: { x: 1, y: null } }],
    ['the first is missing', {}, { a: { y: 4 } }, { a: { x: null, y: 4 } }],
    ['both are null', { a: null }, { a: null }, { a: null }],
    ['one is no object', { a: { x: 1 } }, { a: 'odd' }, { a: { x: 1, y: null } }],
    ['one is a list', { a: { x: 1 } }, { a: [{ y: 1 }] }, { a: { x: 1, y: null } }],
  ])('is what there is when %s', async (_, s, t, expected) => {
    const { data } = await run({
      schema,
      operation: '{ a { x y } }',
      plan: inParallel(fetchOf('s', '{a{x}}'), fetchOf('t', '{a{y}}')),
      answers: { s: [s], t: [t] },
    });
    expect(data).toEqual(expected);
  });

  it('is an error where the first, or the only one, is no object', async () => {
    for (const second of [{ a: { y: 4 } }, {}, { a: null }]) {
      const { data, errors } = await run({
        schema,
        operation: '{ a { x y } }',
        plan: inParallel(fetchOf('s', '{a{x}}'), fetchOf('t', '{a{y}}')),
        answers: { s: [{ a: 'odd' }], t: [second] },
      });
      expect(data).toEqual({ a: null });
      expect(errors).toMatchObject([{ message: 'Expected an object for field "Query.a".', path: ['a'] }]);
    }
  });

  it('keeps the type that one of them knows', async () => {
    const { data } = await run({
      schema,
      operation: '{ media { __typename id b { p } } }',
      plan: inParallel(fetchOf('s', '{media{__typename id}}'), fetchOf('t', '{media{__typename b{p}}}')),
      answers: {
        s: [{ media: { __typename: 'Media', id: '1' } }],
        t: [{ media: { __typename: 'Book', b: { p: 1 } } }],
      },
    });
    expect(data).toEqual({ media: { __typename: 'Book', id: '1', b: { p: 1 } } });
  });

  it('keeps the interface that one of them knows it as, where the other says no type', async () => {
    const { data } = await run({
      schema,
      operation: '{ media { id b { p } } }',
      plan: inParallel(fetchOf('s', '{media{__typename id}}'), fetchOf('t', '{media{__typename b{p}}}')),
      answers: { s: [{ media: { __typename: 'Media', id: '1' } }], t: [{ media: { b: { p: 1 } } }] },
      interfaceObjects: { s: ['Media'] },
    });
    expect(data).toEqual({ media: { id: '1', b: { p: 1 } } });
  });
});

describe('a field that the plan asks nobody for', () => {
  const schema = 'type Query { a: Int b: A must: Int! } type A { x: Int y: Int! }';
  const failed = (...path: (string | number)[]) =>
    expect.objectContaining({ path, extensions: { code: 'QUERY_PLANNING_FAILED' } });
  const asked = {
    schema,
    plan: fetchOf('s', 'query($v:Boolean!){a@include(if:$v) b{x}}'),
    answers: { s: [{ a: 1, b: { x: 2 } }] },
  };

  it.each([
    ['{ a b { x } }', {}],
    ['{ other: a b { x } }', {}],
    ['{ ...F } fragment F on Query { a ... @include(if: true) { b { x } } }', {}],
    ['query ($w: Boolean!) { a @include(if: $w) b { x } }', { w: true }],
    ['query ($w: Boolean! = false) { a @skip(if: $w) b { x } }', {}],
    ['{ a b { x } a @skip(if: true) __typename }', {}],
  ])('is null with one error: %s', async (operation, variables) => {
    const plan = fetchOf('s', '{b{x}}');
    const { data, errors } = await run({
      schema,
      operation,
      plan,
      answers: { s: [{ b: { x: 2 } }] },
      variables,
    });
    const key = operation.includes('other') ? 'other' : 'a';
    expect(data).toMatchObject({ [key]: null, b: { x: 2 } });
    expect(errors).toEqual([failed(key)]);
    expect(errors![0]!.message).toBe('The query plan asks no subgraph for field "Query.a".');
  });

  it('leaves no data where it may not be null', async () => {
    const { data, errors } = await run({ ...asked, operation: '{ b { x } must }' });
    expect(data).toBeNull();
    expect(errors).toEqual([failed('must')]);
  });

  it('is told of the types that nobody asks it for, where others of the position have it', async () => {
    const { data, errors } = await run({
      schema:
        'type Query { all: [I] } interface I { x: Int } type A implements I { x: Int } type B implements I { x: Int }',
      operation: '{ all { x } }',
      plan: fetchOf('s', '{all{__typename ...on A{x}}}'),
      answers: { s: [{ all: [{ __typename: 'A', x: 1 }, { __typename: 'B' }] }] },
    });
    expect(data).toEqual({ all: [{ x: 1 }, { x: null }] });
    expect(errors).toEqual([failed('all', 1, 'x')]);
    expect(errors![0]!.message).toContain('"B.x"');
  });

  it('is told below the root, too', async () => {
    const { data, errors } = await run({ ...asked, operation: '{ b { x y } }' });
    expect(data).toEqual({ b: null });
    expect(errors).toEqual([failed('b', 'y')]);
  });

  it('is told where the plan asks for it under another condition', async () => {
    const operation = 'query ($v: Boolean!) { a b { x } ... @include(if: $v) { a } }';
    const answers = { s: [{ b: { x: 2 } }] };
    const { data, errors } = await run({ ...asked, answers, operation, variables: { v: false } });
    expect(data).toEqual({ a: null, b: { x: 2 } });
    expect(errors).toEqual([failed('a')]);
    expect((await run({ ...asked, operation, variables: { v: true } })).errors).toBeUndefined();
  });

  it('is told where the plan asks for it in an object that another condition leaves out', async () => {
    const { data, errors } = await run({
      schema,
      operation: 'query ($v: Boolean!) { b { x y } other: b @include(if: $v) { x } }',
      plan: inParallel(
        fetchOf('s', 'query($v:Boolean!){b@include(if:$v){x} other:b@include(if:$v){x}}'),
        fetchOf('t', '{b{y}}'),
      ),
      answers: { s: [{}], t: [{ b: { y: 1 } }] },
      variables: { v: false },
    });
    expect(data).toEqual({ b: { x: null, y: 1 } });
    expect(errors).toEqual([failed('b', 'x')]);
  });

  it('is told where other fetches have passed', async () => {
    const { data, errors } = await run({
      schema: 'type Query { t: T n: Int s: String } type T { id: ID v: Int }',
      operation: '{ n t { v } s }',
      plan: inSequence(
        fetchOf('s', '{t{__typename id}}'),
        at(['t'], entities('u', '...on T{v}', [on('T', field('__typename'), field('id'))])),
      ),
      answers: { s: [{ t: { __typename: 'T', id: '1' } }], u: [{ _entities: [{ v: 1 }] }] },
    });
    expect(data).toEqual({ n: null, t: { v: 1 }, s: null });
    expect(errors).toEqual([failed('n'), failed('s')]);
  });

  it('is not missed under each of the conditions under which it is asked for', async () => {
    const variables = 'query($v:Boolean!,$w:Boolean!)';
    const plan = fetchOf('s', `${variables}{a@include(if:$v)...@skip(if:$w){a}}`);
    const operation = `${variables} { a @include(if: $v) ... @skip(if: $w) { a } }`;
    for (const asked of [true, false]) {
      const { text } = await run({
        schema,
        operation,
        plan,
        answers: { s: [{}] },
        variables: { v: asked, w: asked },
      });
      expect(text).toBe('{"data":{"a":null}}');
    }
  });

  it('is not missed where a directive beside it is none of its conditions', async () => {
    for (const directives of ['@note(on:$v)', '@include(if:true)', '@skip(if:false)@note']) {
      const plan = fetchOf('s', `query($v:Boolean!){a${directives}}`);
      const { text } = await run({ schema, operation: '{ a }', plan, answers: { s: [{}] } });
      expect(text).toBe('{"data":{"a":null}}');
    }
  });

  it.each([
    'query ($v: Boolean!) { b { x } must @include(if: $v) @skip(if: $v) }',
    'query ($v: Boolean!) { b { x } ... @skip(if: $v) { must @include(if: $v) } }',
    'query ($v: Boolean!) { b { x must: y @include(if: false) } must @skip(if: true) }',
    'query ($v: Boolean!) { b { x } __schema @include(if: $v) { description } kind: __typename }',
  ])('is not missed where conditions leave it out: %s', async (operation) => {
    for (const v of [false, true]) {
      const { data, errors } = await run({ ...asked, operation, variables: { v } });
      expect(errors).toBeUndefined();
      expect(data).toMatchObject({ b: { x: 2 } });
    }
  });
});

describe('a fetch', () => {
  const schema = `
    type Query { t: T  ts: [T]  n: Node  ns: [Node] }
    type Mutation { m: T }
    interface Node { id: ID }
    type T implements Node { id: ID  u: U  us: [U]  query: Query  v: Int  w: Int  s: String }
    type U implements Node { id: ID  f: String  k: String  d: D ds: [D] x: X }
    type D { a: Int  b: Int e: D }
    union X = D | U
  `;
  const key = [on('T', field('__typename'), field('id'))];

  it('is not sent when there is nothing that it is about', async () => {
    const { data, sent } = await run({
      schema,
      operation: '{ ts { v query { t { id } } } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id query{__typename}}}'),
        at(['ts', '@'], entities('u', '...on T{v}', key)),
        at(['ts', '@', 'query'], fetchOf('t', '{t{id}}')),
        at(['ts', '@', 'unknown'], fetchOf('t', '{t{id}}')),
        at(
          ['t', 'u'],
          entities('u', '...on U{f}', [on('U', field('__typename'), field('id'), field('d', field('a')))]),
        ),
        inParallel(),
      ),
      answers: { s: [{ ts: [] }] },
    });
    expect(data).toEqual({ ts: [] });
    expect(sent).toHaveLength(1);
  });

  it('leaves out objects that lack what it requires, or are of other types', async () => {
    const { data, sent } = await run({
      schema,
      operation: '{ ns { id ... on T { v } } }',
      plan: inSequence(
        fetchOf('s', '{ns{__typename id ...on T{s}}}'),
        at(['ns', '@'], entities('t', '...on T{v}', [on('T', field('__typename'), field('id'), field('s'))])),
        at(['ns', '@'], entities('t', '...on T{v}', [on('T', field('__typename'), field('id'), field('s'))])),
      ),
      answers: {
        s: [
          {
            ns: [
              { __typename: 'T', id: '1', s: null },
              { __typename: 'T', id: '2' },
              { __typename: 'U', id: '3' },
              { __typename: 'No' },
              { id: '4' },
              { __typename: 'T', id: '5', s: 'x' },
            ],
          },
        ],
        t: [{ _entities: [{ v: 1 }, { v: 5 }] }],
      },
    });
    expect(sent[1]!.variables).toEqual({
      representations: [
        { __typename: 'T', id: '1', s: null },
        { __typename: 'T', id: '5', s: 'x' },
      ],
    });
    expect(data).toMatchObject({ ns: [{ v: 1 }, { v: null }, { id: '3' }, null, null, { v: 5 }] });
  });

  it('merges the fragments that apply, each only if it is complete', async () => {
    const plan = inSequence(
      fetchOf('s', '{ns{__typename id ...on U{f k d{a b}}}}'),
      at(
        ['ns', '@'],
        entities('u', '...on U{ds{a}}', [
          on('Node', field('__typename'), field('id'), field('d', field('a'))),
          on('U', field('__typename'), field('f'), field('d', field('b'))),
          on('U', field('k')),
        ]),
      ),
    );
    const { sent } = await run({
      schema,
      operation: '{ ns { ... on U { ds { a } } } }',
      plan,
      answers: {
        s: [
          {
            ns: [
              { __typename: 'U', id: '1', f: 'f', k: 'k', d: { a: 1, b: 2 } },
              { __typename: 'U', id: '2', f: 'f', d: { a: 1, b: 2 } },
              { __typename: 'U', k: 'k', d: {} },
            ],
          },
        ],
        u: [{ _entities: [null, null] }],
      },
    });
    expect(sent[1]!.variables['representations']).toEqual([
      { __typename: 'U', id: '1', f: 'f', k: 'k', d: { a: 1, b: 2 } },
      { __typename: 'U', id: '2', f: 'f', d: { a: 1, b: 2 } },
    ]);
  });

  it('asks once for an entity of which others require the same in another order', async () => {
    // An upper-case letter is less than the underscores of __typename, which comes first all the same.
    const [type, id, f, upper] = [field('__typename'), field('id'), field('f'), field('K')];
    const orders = [
      [type, id, upper, f],
      [type, f, id, upper],
      [upper, f, type, id],
      [f, id, upper, type],
    ];
    for (const parts of [
      (fields: RequiredSelection[]) => [on('U', ...fields)],
      (fields: RequiredSelection[]) => [on('U', ...fields.slice(0, 2)), on('U', ...fields.slice(2))],
    ]) {
      const objects = ['u', 'other', 'third', 'last'];
      const { data, sent } = await run({
        schema: 'type Query { u: U other: U third: U last: U } type U { id: ID f: String k: String v: Int }',
        operation: `{ ${objects.map((name) => `${name} { v }`).join(' ')} }`,
        plan: inSequence(
          fetchOf('s', `{${objects.map((name) => `${name}{__typename id f K:k}`).join(' ')}}`),
          inParallel(...objects.map((name, i) => at([name], entities('u', '...on U{v}', parts(orders[i]!))))),
        ),
        answers: {
          s: [
            Object.fromEntries(objects.map((name) => [name, { __typename: 'U', id: '1', f: 'f', K: 'k' }])),
          ],
          u: [{ _entities: [{ v: 1 }] }],
        },
      });
      expect(sent[1]!.variables['representations']).toEqual([{ __typename: 'U', id: '1', f: 'f', K: 'k' }]);
      expect(data).toEqual(Object.fromEntries(objects.map((name) => [name, { v: 1 }])));
    }
  });

  it('tells the place of an error behind a typed path, and for a fetch below the root', async () => {
    const schemaWithNonNull = `type Query { ns: [Node] } interface Node { id: ID } type T implements Node { id: ID query: Q } type U implements Node { id: ID query: Q } type Q { x: Int! }`;
    const { errors } = await run({
      schema: schemaWithNonNull,
      operation: '{ ns { ... on T { query { x } } ... on U { query { x } } } }',
      plan: inSequence(
        fetchOf('s', '{ns{__typename ...on T{query{__typename}}...on U{query{__typename}}}}'),
        at(['ns|[T]', '@', 'query'], fetchOf('t', '{x}')),
        at(['ns', '@|[U]', 'query|[Q]'], fetchOf('u', '{x}')),
      ),
      answers: {
        s: [
          {
            ns: [
              { __typename: 'U', query: {} },
              { __typename: 'T', query: { __typename: 'Q' } },
            ],
          },
        ],
        t: ['odd'],
        u: ['odd'],
      },
    });
    expect(errors?.map(({ path }) => path)).toEqual([0, 1].map((i) => ['ns', i, 'query', 'x']));
  });

  it('asks for thousands of entities in one call', async () => {
    const ids = Array.from({ length: 5_000 }, (_, i) => `${i}`);
    const { data, sent } = await run({
      schema,
      operation: '{ ts { id v } }',
      plan: inSequence(
        fetchOf('s', '{ts{__typename id}}'),
        at(['ts', '@'], entities('t', '...on T{v}', key)),
      ),
      answers: {
        s: [{ ts: [...ids, ...ids].map((id) => ({ __typename: 'T', id })) }],
        t: [{ _entities: ids.map((id) => ({ v: Number(id) })) }],
      },
    });
    expect(sent).toHaveLength(2);
    expect(data).toEqual({ ts: [...ids, ...ids].map((id) => ({ id, v: Number(id) })) });
  });

  it('of a mutation makes entities be asked for again', async () => {
    const changed = (service: string): PlanNode =>
      fetchOf(service, 'mutation{m{__typename id}}', { operationKind: 'mutation', operationName: undefined });
    const { sent } = await run({
      schema: `${schema} `,
      operation: 'mutation { m { v } }',
      plan: inSequence(
        changed('s'),
        at(['m'], entities('t', '...on T{v}', key)),
        changed('s'),
        at(['m'], entities('t', '...on T{w}', key)),
      ),
      answers: {
        s: [{ m: { __typename: 'T', id: '1' } }, { m: { __typename: 'T', id: '1' } }],
        t: [{ _entities: [{ v: 1 }] }, { _entities: [{ w: 1 }] }],
      },
    });
    expect(sent.map(({ service }) => service)).toEqual(['s', 't', 's', 't']);
  });

  it('of a mutation makes all entities be asked for again, however many they are', async () => {
    const changed = fetchOf('s', 'mutation{ms{__typename id}}', { operationKind: 'mutation' });
    for (const count of [1, 20, 30, 31, 32, 100, 500]) {
      const ms = Array.from({ length: count }, (_, i) => ({ __typename: 'T', id: `${count}/${i}` }));
      const { sent } = await run({
        schema: 'type Query { a: Int } type Mutation { ms: [T] } type T { id: ID v: Int }',
        operation: 'mutation { ms { v } }',
        plan: inSequence(
          changed,
          at(['ms', '@'], entities('t', '...on T{v}', key)),
          changed,
          at(['ms', '@'], entities('t', '...on T{v}', [...key, on('T', field('id'))])),
        ),
        answers: {
          s: [{ ms }, { ms }],
          t: [{ _entities: ms.map(() => ({ v: 1 })) }, { _entities: ms.map(() => ({ v: 2 })) }],
        },
      });
      const asked = sent.flatMap(({ service, variables }) =>
        service === 't' ? [(variables['representations'] as unknown[]).length] : [],
      );
      expect(asked).toEqual([count, count]);
    }
  });

  it('names the operation as the planner did', async () => {
    const schemaOf = buildSchema(schema);
    const bodies: string[] = [];
    const program = compileOperation({
      plan: { kind: 'QueryPlan', node: fetchOf('s', 'query N__s__0{t{id}}', { operationName: 'N__s__0' }) },
      schema: schemaOf,
      supergraphSchema: schemaOf,
      document: parse('{ t { id } }'),
    });
    await execute(program, {
      send: ({ operation }) => {
        bodies.push(operation.bodyPrefix.toString());
        return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{"data":{"t":null}}') });
      },
      caller: callerOf(),
    });
    expect(bodies).toEqual(['{"query":"query N__s__0{t{id}}","operationName":"N__s__0","variables":']);
  });
});

describe('a mutation', () => {
  const schema = `
    type Query { unused: Int }
    type Mutation { first: T! second: Int third: Int! }
    type T { id: ID v: Int! w: Int }
  `;
  const key = [on('T', field('__typename'), field('id'))];
  const mutation = (service: string, fields: string): PlanNode =>
    fetchOf(service, `mutation{${fields}}`, { operationKind: 'mutation' });
  const first = { __typename: 'T', id: '1' };
  const plan = inSequence(
    mutation('s', 'first{__typename id}'),
    at(['first'], entities('t', '...on T{v}', key)),
    mutation('u', 'second'),
    mutation('s', 'third'),
  );
  const operation = 'mutation { first { id v } second third }';
  const services = (sent: readonly Sent[]): string[] => sent.map(({ service }) => service);

  const failing = (path: (string | number)[], data: unknown = null) => ({
    data,
    errors: [{ message: 'No', path }],
  });

  it.each([
    ['its subgraph fails', { s: ['oops'] }, ['s'], ['first']],
    ['it fails', { s: [failing(['first'])] }, ['s'], ['first']],
    ['it is null', { s: [{ first: null }] }, ['s'], ['first']],
    [
      'what an entity in it has fails',
      { s: [{ first }], t: [failing(['_entities', 0, 'v'], { _entities: [null] })] },
      ['s', 't'],
      ['first', 'v'],
    ],
    [
      'what an entity in it has is of a wrong type',
      { s: [{ first }], t: [{ _entities: [{ v: 'x' }] }] },
      ['s', 't'],
      ['first', 'v'],
    ],
  ])('is not run when one before it left no data, as %s', async (_, answers, asked, path) => {
    const { data, errors, sent } = await run({ schema, operation, plan, answers });
    expect(services(sent)).toEqual(asked);
    expect(data).toBeNull();
    expect(errors?.map((error) => error.path)).toEqual([path]);
  });

  it('is run when those before it failed where null may be', async () => {
    const { data, sent } = await run({
      schema,
      operation,
      plan,
      answers: {
        s: [{ first }, { third: 3 }],
        t: [{ _entities: [{ v: 1 }] }],
        u: [failing(['second'])],
      },
    });
    expect(services(sent)).toEqual(['s', 't', 'u', 's']);
    expect(data).toEqual({ first: { id: '1', v: 1 }, second: null, third: 3 });
  });

  it('answers what those before it left as if nobody had looked at it', async () => {
    const plan = inSequence(
      mutation('s', 'first{__typename id w}'),
      at(['first'], entities('t', '...on T{v}', key)),
      mutation('u', 'second'),
      mutation('s', 'other:first{__typename id w v} third'),
    );
    const { data } = await run({
      schema,
      operation: 'mutation { first { id v w } second other: first { id v w } third }',
      plan,
      answers: {
        s: [{ first: { ...first, w: 5 } }, { other: { ...first, w: 6, v: 2 }, third: 3 }],
        t: [{ _entities: [{ v: 1 }] }],
        u: [{ second: 2 }],
      },
    });
    expect(data).toEqual({
      first: { id: '1', v: 1, w: 5 },
      second: 2,
      other: { id: '1', v: 2, w: 6 },
      third: 3,
    });
  });

  it('is run where conditions leave out the one before it', async () => {
    const left = fetchOf('s', 'mutation{first{id v}}', { operationKind: 'mutation' });
    const again = fetchOf('t', 'mutation{first{id v}}', { operationKind: 'mutation' });
    const conditional = inSequence(
      { kind: 'Condition', condition: 'v', ifClause: left },
      mutation('u', 'second'),
      { kind: 'Condition', condition: 'v', elseClause: again },
    );
    for (const v of [true, false]) {
      const { data, sent } = await run({
        schema,
        operation:
          'mutation ($v: Boolean!) { first @include(if: $v) { id v } second first @skip(if: $v) { id v } }',
        plan: conditional,
        variables: { v },
        answers: { s: [{ first: { id: '1', v: 1 } }], t: [{ first: { id: '2', v: 2 } }], u: [{ second: 2 }] },
      });
      expect(services(sent)).toEqual(v ? ['s', 'u'] : ['u', 't']);
      expect(data).toEqual(
        v ? { first: { id: '1', v: 1 }, second: 2 } : { second: 2, first: { id: '2', v: 2 } },
      );
    }
  });
});

describe('without a plan', () => {
  it('answers null with an error for each field, and no data where one may not be null', async () => {
    const schema = 'type Query { a: Int b: B } type B { c: Int! }';
    expect(
      await run({ schema, operation: '{ a b { c } __typename }', plan: undefined, answers: {} }),
    ).toEqual({
      data: { a: null, b: null, __typename: 'Query' },
      errors: ['a', 'b'].map((name) =>
        expect.objectContaining({ path: [name], extensions: { code: 'QUERY_PLANNING_FAILED' } }),
      ),
      sent: [],
      text: expect.any(String),
    });
    const strict = await run({
      schema: 'type Query { a: Int! }',
      operation: '{ a }',
      plan: undefined,
      answers: {},
    });
    expect(strict.data).toBeNull();
    expect(strict.errors?.map(({ path }) => path)).toEqual([['a']]);
  });
});

describe('aliases of the prototype', () => {
  it('are ordinary keys of the data', async () => {
    const schema = 'type Query { t: T } type T { id: ID v: Int }';
    const { data } = await run({
      schema,
      operation: '{ __proto__: t { id constructor: v } toString: t { id } }',
      plan: inSequence(
        fetchOf('s', '{__proto__:t{__typename id}toString:t{id}}'),
        at(
          ['__proto__'],
          entities('t', '...on T{constructor:v}', [on('T', field('__typename'), field('id'))]),
        ),
      ),
      answers: {
        s: [JSON.parse('{"__proto__":{"__typename":"T","id":"1"},"toString":{"id":"1"}}')],
        t: [{ _entities: [{ constructor: 1 }] }],
      },
    });
    expect(JSON.stringify(data)).toBe('{"__proto__":{"id":"1","constructor":1},"toString":{"id":"1"}}');
    expect(({} as Record<string, unknown>)['id']).toBeUndefined();
  });
});
