import { at, entities, fetchOf, field, inParallel, inSequence, run } from '../plan';

/** One entity of `t` from each of two subgraphs, whose further field a third has. */
const runWith = (turns: Record<string, number>) =>
  run({
    schema: 'type Query { a: T  b: T } type T { id: ID  name: String }',
    operation: '{ a { name } b { name } }',
    plan: inParallel(
      ...['a', 'b'].map((root) =>
        inSequence(
          fetchOf(root, `{${root}{__typename id}}`),
          at([root], entities('c', '...on T{name}', [field('__typename'), field('id')])),
        ),
      ),
    ),
    answers: {
      a: [{ a: { __typename: 'T', id: '1' } }],
      b: [{ b: { __typename: 'T', id: '2' } }],
      c: [{ _entities: [{ name: 'x' }, { name: 'y' }] }, { _entities: [{ name: 'y' }] }],
    },
    turns,
  });

describe('a call that another may be combined with', () => {
  const expected = { a: { name: 'x' }, b: { name: 'y' } };

  it.each([
    ['in the same turn', { a: 3, b: 3 }],
    ['a turn later', { a: 3, b: 4 }],
  ])('takes it along if that is due %s', async (_, turns) => {
    const { data, sent } = await runWith(turns);
    expect(data).toEqual(expected);
    expect(sent.map(({ service }) => service)).toEqual(['a', 'b', 'c']);
  });

  it('does not wait for one that is due turns later', async () => {
    const { sent } = await runWith({ a: 3, b: 8 });
    expect(sent.map(({ service }) => service)).toEqual(['a', 'b', 'c', 'c']);
  });
});
