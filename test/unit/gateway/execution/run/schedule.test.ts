/** Over 300 lines: a plan for each thing that a fetch may wait for. */
import { buildSchema, parse } from 'graphql';
import { compileOperation, execute } from '../../../../../gateway/execution';
import { type PlanNode, type RequiredSelection } from '../../../../../gateway/execution/compile/plan';
import { type Send } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { at, entities, fetchOf, field, inParallel, inSequence, on } from '../plan';

const schema = buildSchema(`
  type Query { t: T  u: U  node: Node }
  type Mutation { t: T  u: U }
  interface Node { id: ID! }
  type T implements Node { id: ID!  code: Int  a: Int  b(of: Int): Int  c: Int  u: U }
  type U implements Node { id: ID!  x: Int }
`);
const t = { __typename: 'T', id: '1' };
const u = { __typename: 'U', id: '2' };
const requiring = (type: string, ...names: string[]): RequiredSelection[] => [
  on(type, field('__typename'), ...names.map((name) => field(name))),
];

describe('a fetch', () => {
  it('does not wait for a slow subgraph whose answer it does not look at', async () => {
    const { until, answer, done } = run({
      operation: '{ t { a b } u { x } }',
      // Both steps wait for all of the step before.
      plan: inSequence(
        inParallel(fetchOf('slow', '{u{__typename id}}'), fetchOf('s', '{t{__typename id}}')),
        inParallel(
          at(['u'], entities('v', '...on U{x}', requiring('U', 'id'))),
          at(['t'], entities('v', '...on T{a}', requiring('T', 'id'))),
        ),
        at(['t'], entities('w', '...on T{b}', requiring('T', 'id', 'a'))),
      ),
    });

    answer('s', { t });
    await until('v');
    answer('v', { _entities: [{ a: 1 }] });
    await until('w');
    answer('w', { _entities: [{ b: 2 }] });
    answer('slow', { u });
    await until('v');
    answer('v', { _entities: [{ x: 3 }] });
    expect(await done).toEqual({ t: { a: 1, b: 2 }, u: { x: 3 } });
  });

  it.each([
    ['directly', '{t{__typename id}}'],
    ['in fragments on all of its objects', '{t{...{__typename}...on T{id}}}'],
  ])('does not wait for a second answer that says what the first says for sure, %s', async (_, first) => {
    const { until, answer, done } = run({
      operation: '{ t { a b } }',
      plan: inSequence(
        fetchOf('s', first),
        at(['t'], entities('slow', '...on T{__typename id a}', requiring('T', 'id'))),
        at(['t'], entities('v', '...on T{b}', requiring('T', 'id'))),
      ),
    });

    answer('s', { t });
    await until('v');
    answer('v', { _entities: [{ b: 2 }] });
    answer('slow', { _entities: [{ ...t, a: 1 }] });
    expect(await done).toEqual({ t: { a: 1, b: 2 } });
  });

  it.each([
    ['may be null in the first', '{t{__typename id code}}', 'code', 't'],
    [
      'is asked for in the first only under a condition',
      '{t{__typename id...@include(if:true){x:id}}}',
      'x',
      't',
    ],
    ['is asked for in the first only of a type', '{node{...on T{__typename id}}}', 'id', 'node'],
  ])('waits for the second answer that says what %s', async (_, first, required, place) => {
    const alias = required === 'x' ? 'x:id' : required;
    const { until, answer, done, asked } = run({
      operation: `{ ${place} { ... on T { a b } } }`,
      plan: inSequence(
        fetchOf('s', first),
        at([place], entities('second', `...on T{a ${alias}}`, requiring('T', 'id'))),
        at([place], entities('v', '...on T{b}', requiring('T', required))),
      ),
    });

    answer('s', { [place]: { ...t, code: null } });
    await until('second');
    await turns();
    expect(asked).not.toContain('v');
    answer('second', { _entities: [{ a: 1, code: 7, x: '1', id: '1' }] });
    await until('v');
    answer('v', { _entities: [{ b: 2 }] });
    expect(await done).toEqual({ [place]: { a: 1, b: 2 } });
  });

  it('waits for what may say of which type an object is', async () => {
    const { until, answer, done, asked } = run({
      operation: '{ node { ... on T { a } } }',
      plan: inSequence(
        fetchOf('s', '{node{__typename id}}'),
        at(['node'], entities('types', '...on Node{__typename}', requiring('Node', 'id'))),
        at(['node'], entities('v', '...on T{a}', requiring('T', 'id'))),
      ),
    });

    answer('s', { node: { __typename: 'Node', id: '1' } });
    await until('types');
    await turns();
    expect(asked).not.toContain('v');
    answer('types', { _entities: [{ __typename: 'T' }] });
    await until('v');
    answer('v', { _entities: [{ a: 1 }] });
    expect(await done).toEqual({ node: { a: 1 } });
  });

  it('waits for all that it requires, and is sent once', async () => {
    const { until, answer, done, asked } = run({
      operation: '{ t { b } }',
      plan: inSequence(
        fetchOf('s', '{t{__typename id}}'),
        inParallel(
          at(['t'], entities('first', '...on T{a}', requiring('T', 'id'))),
          at(['t'], entities('second', '...on T{c}', requiring('T', 'id'))),
        ),
        at(['t'], entities('v', '...on T{b}', requiring('T', 'id', 'a', 'c'))),
      ),
    });

    answer('s', { t });
    await until('first');
    answer('first', { _entities: [{ a: 1 }] });
    await turns();
    expect(asked).toEqual(['s', 'first', 'second']);
    answer('second', { _entities: [{ c: 3 }] });
    await until('v');
    answer('v', { _entities: [{ b: 2 }] });
    expect(await done).toEqual({ t: { b: 2 } });
    expect(asked).toEqual(['s', 'first', 'second', 'v']);
  });

  it('waits for what says a nested field that it requires', async () => {
    const { until, answer, done, asked } = run({
      operation: '{ t { b } }',
      plan: inSequence(
        fetchOf('s', '{t{__typename id u{__typename id}}}'),
        at(['t', 'u'], entities('second', '...on U{x}', requiring('U', 'id'))),
        at(
          ['t'],
          entities('v', '...on T{b}', [on('T', field('__typename'), field('id'), field('u', field('x')))]),
        ),
      ),
    });

    answer('s', { t: { ...t, u } });
    await until('second');
    await turns();
    expect(asked).not.toContain('v');
    answer('second', { _entities: [{ x: 1 }] });
    await until('v');
    answer('v', { _entities: [{ b: 2 }] });
    expect(await done).toEqual({ t: { b: 2 } });
  });

  it('waits for what says an argument that it takes from the objects around', async () => {
    const { until, answer, done, asked } = run({
      operation: '{ t { b } }',
      plan: inSequence(
        fetchOf('s', '{t{__typename id}}'),
        at(['t'], entities('second', '...on T{a}', requiring('T', 'id'))),
        at(
          ['t'],
          entities('v', '...on T{b(of:$of)}', requiring('T', 'id'), {
            contextRewrites: [{ kind: 'KeyRenamer', path: ['a'], renameKeyTo: 'of' }],
            variableUsages: ['of'],
          }),
        ),
      ),
    });

    answer('s', { t });
    await until('second');
    await turns();
    expect(asked).not.toContain('v');
    answer('second', { _entities: [{ a: 1 }] });
    await until('v');
    answer('v', { _entities: [{ b: 2 }] });
    expect(await done).toEqual({ t: { b: 2 } });
  });

  it('waits for the type of an object around only where its path names types', async () => {
    const { until, answer, done, asked } = run({
      operation: '{ node { ... on T { u { x } } } }',
      plan: inSequence(
        fetchOf('s', '{node{__typename id u{__typename id}}}'),
        at(['node'], entities('types', '...on Node{__typename}', requiring('Node', 'id'))),
        inParallel(
          at(['node', 'u'], entities('any', '...on U{id}', requiring('U', 'id'))),
          at(['node|[T]', 'u'], entities('v', '...on U{x}', requiring('U', 'id'))),
        ),
      ),
    });

    answer('s', { node: { __typename: 'Node', id: '1', u } });
    await until('any');
    await turns();
    expect(asked).not.toContain('v');
    answer('any', { _entities: [{ id: '2' }] });
    answer('types', { _entities: [{ __typename: 'T' }] });
    await until('v');
    answer('v', { _entities: [{ x: 3 }] });
    expect(await done).toEqual({ node: { u: { x: 3 } } });
  });

  it('waits with others of its subgraph for the same objects when nothing waits for it', async () => {
    const { until, answer, done, asked } = run({
      operation: '{ t { a b c } }',
      plan: inSequence(
        fetchOf('s', '{t{__typename id}}'),
        inParallel(
          at(['t'], entities('v', '...on T{a}', requiring('T', 'id'))),
          inSequence(
            at(['t'], entities('w', '...on T{b}', requiring('T', 'id'))),
            at(['t'], entities('v', '...on T{c}', requiring('T', 'id', 'b'))),
          ),
        ),
      ),
    });

    answer('s', { t });
    await until('w');
    await turns();
    expect(asked).not.toContain('v');
    answer('w', { _entities: [{ b: 2 }] });
    await until('v');
    answer('v', { _entities_0: [{ a: 1 }], _entities_1: [{ c: 3 }] });
    expect(await done).toEqual({ t: { a: 1, b: 2, c: 3 } });
  });

  it('waits for each mutation before it, and a mutation for all before it', async () => {
    const mutation = (key: string) =>
      fetchOf('m', `mutation{${key}{__typename id}}`, { operationKind: 'mutation' });
    const { until, answer, done, asked } = run({
      operation: 'mutation { t { a } u { x } }',
      plan: inSequence(
        mutation('t'),
        at(['t'], entities('slow', '...on T{a}', requiring('T', 'id'))),
        mutation('u'),
        at(['t'], entities('v', '...on T{b}', requiring('T', 'id'))),
        at(['u'], entities('w', '...on U{x}', requiring('U', 'id'))),
      ),
    });

    answer('m', { t });
    await until('slow');
    await turns();
    expect(asked).toEqual(['m', 'slow']);
    answer('slow', { _entities: [{ a: 1 }] });
    await until('m');
    await turns();
    expect(asked).toEqual(['m', 'slow', 'm']);
    answer('m', { u });
    await until('v');
    answer('v', { _entities: [{ b: 2 }] });
    answer('w', { _entities: [{ x: 3 }] });
    expect(await done).toEqual({ t: { a: 1 }, u: { x: 3 } });
  });
});

/** Runs a plan whose subgraphs answer when the test says so. */
function run({ operation, plan }: { operation: string; plan: PlanNode }) {
  const program = compileOperation({
    plan: { kind: 'QueryPlan', node: plan },
    schema,
    supergraphSchema: schema,
    document: parse(operation),
  });
  const asked: string[] = [];
  const open = new Map<string, (data: unknown) => void>();
  const send: Send = ({ operation: { subgraph } }) => {
    asked.push(subgraph);
    return new Promise((resolve) => {
      open.set(subgraph, (data) => {
        open.delete(subgraph);
        resolve({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ data })) });
      });
    });
  };
  const done = execute(program, { send, caller: callerOf() }).then(
    ({ body }) => (JSON.parse(body.toString()) as { data: unknown }).data,
  );
  return {
    asked,
    done,
    answer: (subgraph: string, data: unknown): void => open.get(subgraph)!(data),
    /** Resolves when the subgraph is being asked, which takes no more than a few turns. */
    until: async (subgraph: string): Promise<void> => {
      for (let i = 0; i < 100 && !open.has(subgraph); i++) await turns();
      expect([...open.keys()]).toContain(subgraph);
    },
  };
}

/** Time enough for whatever does not wait for a subgraph. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};
