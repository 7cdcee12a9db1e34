import { type FetchOperation } from '../../../../../gateway/execution/compile/subgraph-operation';
import { groupsOf } from '../../../../../gateway/execution/run/call-scheduler';

const calls = (subgraph: string, numbers: number[], getsEntities = true) =>
  numbers.map((number) => ({
    operation: { number, getsEntities, request: { subgraph } } as FetchOperation,
  }));
const numbersOf = (all: ReturnType<typeof calls>[0][]): number[][] =>
  groupsOf(all).map((group) => group.map(({ operation }) => operation.number));

describe('what is sent together', () => {
  it('is in one order, in whatever order it came up', () => {
    for (const order of [
      [1, 2, 3],
      [3, 2, 1],
      [2, 3, 1],
      [3, 1, 2],
    ])
      expect(numbersOf(calls('s', order))).toEqual([[1, 2, 3]]);
  });

  it('is of one subgraph, and entities or root fields', () => {
    const all = [...calls('s', [5, 1]), ...calls('t', [4]), ...calls('s', [2, 3], false), ...calls('t', [6])];
    expect(numbersOf(all)).toEqual([
      [1, 5],
      [2, 3],
      [4, 6],
    ]);
  });

  it('is ten operations at most', () => {
    const numbers = Array.from({ length: 25 }, (_, i) => i);
    expect(numbersOf(calls('s', numbers))).toEqual([
      numbers.slice(0, 10),
      numbers.slice(10, 20),
      numbers.slice(20),
    ]);
  });

  it('is the same operation several times only for entities', () => {
    const [one, other] = calls('s', [1, 2], false);
    expect(numbersOf([one!, one!, other!, one!])).toEqual([[1, 2], [1], [1]]);
    const [entity] = calls('s', [1]);
    expect(numbersOf([entity!, entity!])).toEqual([[1, 1]]);
  });
});
