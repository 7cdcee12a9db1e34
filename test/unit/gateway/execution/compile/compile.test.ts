/** Over 300 lines: a case for each thing that is decided before a request comes. */
import { buildSchema, parse } from 'graphql';
import { compileOperation, execute, type Program } from '../../../../../gateway/execution';
import { Workspace } from '../../../../../gateway/execution/json/tape';
import { sizeOfFields, sizeOfVariant } from '../../../../../gateway/execution/size';
import { at, entities, fetchOf, field, inParallel, inSequence, on, run } from '../plan';
import { callerOf } from '../../../../support/caller';

const schema = buildSchema(
  'type Query { a: Int b: Int node: Node any: Any } type Subscription { a: Int } interface Node { id: ID } interface Named implements Node { id: ID name: String } type T implements Node & Named { id: ID name: String } type U { x: Int } union Any = T | U',
);
const compile = (
  source: string,
  node?: Parameters<typeof compileOperation>[0]['plan']['node'],
  operationName?: string,
): Program =>
  compileOperation({
    plan: { kind: 'QueryPlan', node },
    schema,
    supergraphSchema: schema,
    document: parse(source),
    operationName,
  });
const caller = callerOf();
const answer = (data: unknown) => () =>
  Promise.resolve({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ data })) });

describe('compileOperation', () => {
  it.each([
    ['a plan with @defer', '@defer', () => compile('{ a }', { kind: 'Defer' })],
    [
      'a plan with @defer in it',
      '@defer',
      () => compile('{ a }', inSequence(fetchOf('s', '{a}'), { kind: 'Defer' })),
    ],
  ])('refuses %s', (_, feature, refused) => {
    expect(refused).toThrow(
      expect.objectContaining({
        message: `${feature} is not supported.`,
        extensions: expect.objectContaining({ code: 'UNSUPPORTED_OPERATION' }),
      }),
    );
  });

  it('refuses a name that no operation has, and a fetch without an operation', () => {
    expect(() => compile('query A { a }', undefined, 'B')).toThrow('The document has no such operation');
    expect(() => compile('{ a }', fetchOf('s', 'fragment F on Query { a }'))).toThrow('holds no operation');
  });

  it('compiles for any combination of conditions, and forgets old ones', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `v${i}`);
    const source = `query (${names.map((name) => `$${name}: Boolean!`).join(' ')}) { a ${names.map((name) => `x${name}: b @include(if: $${name})`).join(' ')} }`;
    const program = compile(source, fetchOf('s', `{a ${names.map((name) => `x${name}:b`).join(' ')}}`));
    const data = Object.fromEntries([['a', 1], ...names.map((name) => [`x${name}`, 2])]);
    const none = program.conditionsOf({});
    const first = program.variantFor(none);
    const whenNew = program.size.bytes;
    expect(program.variantFor(none)).toBe(first);
    for (let mask = 0; mask < 100; mask++) {
      const variables = Object.fromEntries(names.map((name, i) => [name, ((mask >> i) & 1) === 1]));
      const { body } = await execute(program, { variables, send: answer(data), caller });
      expect(Object.keys(JSON.parse(body.toString()).data)).toEqual([
        'a',
        ...names.filter((name) => variables[name]).map((name) => `x${name}`),
      ]);
      expect(program.size.bytes).toBeGreaterThanOrEqual(whenNew);
      // The largest of 64 variants has nine fields.
      expect(program.size.bytes).toBeLessThan(whenNew + 64 * (sizeOfVariant(1) + sizeOfFields(9)));
    }
    expect(program.variantFor(none)).not.toBe(first);
  });

  it('outlines the fetches that there are under some conditions', () => {
    const byKey = [on('T', field('__typename'), field('id'))];
    const program = compile(
      'query ($v: Boolean!) { node { ... on T { name } } a @include(if: $v) }',
      inSequence(
        { kind: 'Condition', condition: 'v', ifClause: fetchOf('s', '{a}') },
        fetchOf('s', '{node{__typename id}}'),
        at(['node'], entities('t', '...on T{name}', byKey)),
      ),
    );
    const outline = (v: boolean) =>
      program
        .outline(program.conditionsOf({ v }))
        .map(({ operation, path, waitsFor }) => [operation.request.document, path, waitsFor]);

    const entitiesOfT = entities('t', '...on T{name}', byKey).operation;
    expect(outline(true)).toEqual([
      ['{a}', '', []],
      ['{node{__typename id}}', '', []],
      [entitiesOfT, 'node', [1]],
    ]);
    expect(outline(false)).toEqual([
      ['{node{__typename id}}', '', []],
      [entitiesOfT, 'node', [0]],
    ]);
  });

  it('refuses a field of a wider type, whatever the objects are', async () => {
    const wide = buildSchema(
      'type Query { i: I } interface I { f: J } interface J { s: Int } type T implements I { f: K } type K implements J { s: Int }',
    );
    const program = compileOperation({
      plan: { kind: 'QueryPlan', node: fetchOf('s', '{i{__typename f{__typename s}}}') },
      schema: wide,
      supergraphSchema: wide,
      document: parse('{ i { f { s } } }'),
      refusals: {
        isRefused: (type) => type === 'J',
        isForbidden: () => false,
        dependsOnType: () => false,
        visibleSchema: wide,
      },
    });
    const { body } = await execute(program, {
      send: answer({ i: { __typename: 'T', f: { __typename: 'K', s: 1 } } }),
      caller,
    });
    expect(JSON.parse(body.toString())).toMatchObject({
      data: { i: { f: { s: null } } },
      errors: [{ path: ['i', 'f', 's'], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }],
    });
  });

  it('takes literal conditions, and the same fragment twice', async () => {
    const program = compile(
      '{ ...F ...F a @include(if: true) b @skip(if: true) ... @include(if: false) { a b } } fragment F on Query { a }',
      fetchOf('s', '{...F a}fragment F on Query{a b@skip(if:true)}'),
    );
    const { body } = await execute(program, { send: answer({ a: 1 }), caller });
    expect(body.toString()).toBe('{"data":{"a":1}}');
  });

  it('writes large responses and small ones with one program', async () => {
    const list = buildSchema('type Query { list: [T] } type T { s: String n: String! }');
    const program = compileOperation({
      plan: { kind: 'QueryPlan', node: fetchOf('s', '{list{s n}}') },
      schema: list,
      supergraphSchema: list,
      document: parse('{ list { s n } }'),
    });
    for (const length of [1, 5_000, 1, 1, 4_000, 0, 100, 5_000]) {
      const data = {
        list: Array.from({ length }, (_, i) => ({ s: `${i}`.repeat(i % 50), n: 'é'.repeat(200) })),
      };
      const execution = await execute(program, { send: answer(data), caller });
      expect(JSON.parse(execution.body.toString())).toEqual({ data });
      expect(JSON.parse(execution.data.toString())).toEqual(data);
    }
  });

  it('rejects when the engine itself fails, and goes on afterwards', async () => {
    const program = compile('{ a }', fetchOf('s', '{a}'));
    const broken = execute(program, { send: () => Promise.resolve(undefined as never), caller });
    await expect(broken).rejects.toThrow(TypeError);
    const { body } = await execute(program, { send: answer({ a: 1 }), caller });
    expect(body.toString()).toBe('{"data":{"a":1}}');
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const withVariable = compile(
      'query ($a: Int) { a }',
      fetchOf('s', 'query($a:Int){a(x:$a)}', { variableUsages: ['a'] }),
    );
    await expect(
      execute(withVariable, { send: answer({}), caller, variables: { a: cyclic } }),
    ).rejects.toThrow('circular');
    const entity = compile(
      'query ($a: Int) { node { ... on T { name } } }',
      inSequence(
        fetchOf('s', '{node{__typename id}}'),
        at(['node'], entities('t', '...on T{name}', [on('T', field('__typename'), field('id'))])),
      ),
    );
    let calls = 0;
    const failing = execute(entity, {
      send: () =>
        calls++ === 0 ? answer({ node: { __typename: 'T', id: '1' } })() : Promise.resolve(null as never),
      caller,
    });
    await expect(failing).rejects.toThrow(TypeError);
  });
});

describe('an answer', () => {
  const program = compile('{ a }', fetchOf('s', '{a}'));
  const told = async (send: Parameters<typeof execute>[1]['send']) =>
    (await execute(program, { send, caller })).body.toString();
  afterEach(() => jest.restoreAllMocks());

  it('that a transport throws for, or that has no status of success, is a failed call', async () => {
    const thrown = await told(() => {
      throw new Error('connect 10.0.0.1');
    });
    expect(JSON.parse(thrown)).toMatchObject({
      data: { a: null },
      errors: [{ message: 'Subgraph "s" could not be reached.', path: ['a'] }],
    });
    const continued = await told(() =>
      Promise.resolve({ status: 100, headers: {}, body: Buffer.from('oops') }),
    );
    expect(JSON.parse(continued)).toMatchObject({
      errors: [{ message: 'Subgraph "s" answered with HTTP status 100.' }],
    });
  });

  it('that is too large to be merged is a failed call, but a mistake of the engine none', async () => {
    const append = jest.spyOn(Workspace.prototype, 'append');
    append.mockImplementationOnce(() => {
      throw new RangeError('it is too large');
    });
    expect(JSON.parse(await told(answer({ a: 1 })))).toMatchObject({
      data: { a: null },
      errors: [{ message: expect.stringContaining('it is too large'), path: ['a'] }],
    });
    append.mockImplementationOnce(() => {
      throw new TypeError('undefined is not a function');
    });
    await expect(told(answer({ a: 1 }))).rejects.toThrow(TypeError);
    expect(await told(answer({ a: 1 }))).toBe('{"data":{"a":1}}');
  });
});

describe('an object of an abstract type', () => {
  const sdl =
    'type Query { node: Node named: Named any: Any } interface Node { id: ID } interface Named implements Node { id: ID name: String } type T implements Node & Named { id: ID name: String } type U { x: Int } union Any = T | U';

  it.each([
    [
      'needs no type where nobody depends on it',
      '{ named { id ... on Node { id } ...F } } fragment F on Named { name }',
      '{named{id name}}',
      { named: { id: '1', name: 'n' } },
      '{"named":{"id":"1","name":"n"}}',
      [],
    ],
    [
      'needs it where the plan asks for it',
      '{ node { id } }',
      '{node{__typename id}}',
      { node: { id: '1' } },
      '{"node":null}',
      [['node']],
    ],
    [
      'needs it for __typename',
      '{ named { id __typename } }',
      '{named{id}}',
      { named: { id: '1' } },
      '{"named":null}',
      [['named']],
    ],
    [
      'needs it for a fragment',
      '{ node { id ... on T { name } } }',
      '{node{id ...on T{name}}}',
      { node: { id: '1', name: 'n' } },
      '{"node":null}',
      [['node']],
    ],
    [
      'needs it for a nested fragment',
      '{ node { id ... on Node { ... on T { name } } } }',
      '{node{id ...on T{name}}}',
      { node: { id: '1' } },
      '{"node":null}',
      [['node']],
    ],
    [
      'needs it for a fragment in a fragment',
      '{ node { id ... on T { ...F } } } fragment F on T { name }',
      '{node{id ...on T{name}}}',
      { node: { id: '1' } },
      '{"node":null}',
      [['node']],
    ],
    [
      'needs no type for fragments of which conditions leave out everything',
      '{ node { id ... on T { ...F } ...F @skip(if: true) } } fragment F on T { name @include(if: false) }',
      '{node{id}}',
      { node: { id: '1' } },
      '{"node":{"id":"1"}}',
      [],
    ],
    [
      'of a union needs it for everything',
      '{ any { ... on T { name } } }',
      '{any{...on T{name}}}',
      { any: { name: 'n' } },
      '{"any":null}',
      [['any']],
    ],
    [
      'cannot be known by its interface only',
      '{ node { id } }',
      '{node{__typename id}}',
      { node: { __typename: 'Named', id: '1' } },
      '{"node":null}',
      [['node']],
    ],
    [
      'cannot be of an interface that does not fit',
      '{ named { id } }',
      '{named{__typename id}}',
      { named: { __typename: 'Node', id: '1' } },
      '{"named":null}',
      [['named']],
    ],
    [
      'cannot be of a union that does not fit',
      '{ named { id } }',
      '{named{__typename id}}',
      { named: { __typename: 'Any', id: '1' } },
      '{"named":null}',
      [['named']],
    ],
  ])('%s', async (_, operation, query, data, expected, paths) => {
    const outcome = await run({ schema: sdl, operation, plan: fetchOf('s', query), answers: { s: [data] } });
    expect(JSON.stringify(outcome.data)).toBe(expected);
    expect((outcome.errors ?? []).map(({ path }) => path)).toEqual(paths);
  });

  it('can be known by its interface only where that is an object for the subgraph', async () => {
    const { data, errors } = await run({
      schema: sdl,
      operation: '{ node { id } other: node { id } }',
      plan: inParallel(fetchOf('s', '{node{__typename id}}'), fetchOf('t', '{other:node{__typename id}}')),
      answers: {
        s: [{ node: { __typename: 'Named', id: '1' } }],
        t: [{ other: { __typename: 'Named', id: '1' } }],
      },
      interfaceObjects: { s: ['Named'], t: ['Node'] },
    });
    expect(data).toEqual({ node: { id: '1' }, other: null });
    expect(errors?.map(({ path }) => path)).toEqual([['other']]);
  });

  it('takes its type from what joins it, and is null without an error of its own where that failed', async () => {
    const plan = inSequence(
      fetchOf('s', '{node{__typename id}}'),
      at(['node'], entities('t', '...on Node{__typename}', [on('Node', field('__typename'), field('id'))])),
    );
    const s = { node: { __typename: 'Node', id: '1' } };
    const operation = '{ node { __typename id } }';
    const known = await run({
      schema: sdl,
      operation,
      plan,
      answers: { s: [s], t: [{ _entities: [{ __typename: 'T' }] }] },
    });
    expect(known.data).toEqual({ node: { __typename: 'T', id: '1' } });
    const unsaid = await run({
      schema: sdl,
      operation,
      plan,
      answers: { s: [s], t: [{ _entities: [{ __typename: 'Node' }] }] },
    });
    expect(unsaid.data).toEqual({ node: null });
    expect(unsaid.errors).toHaveLength(1);
    const failed = await run({ schema: sdl, operation, plan, answers: { s: [s], t: ['oops'] } });
    expect(failed.data).toEqual({ node: null });
    expect(failed.errors).toHaveLength(1);
    expect(failed.errors![0]!.message).toContain('Subgraph "t"');
    const odd = await run({
      schema: sdl,
      operation,
      plan: inSequence(
        fetchOf('s', '{node{__typename id}}'),
        at(['node'], entities('t', '...on T{__typename}', [on('Node', field('__typename'), field('id'))])),
      ),
      answers: { s: [{ node: { __typename: 'T', id: '1' } }], t: [{ _entities: [{ __typename: 'Node' }] }] },
    });
    expect(odd.data).toEqual({ node: { __typename: 'T', id: '1' } });
  });
});
