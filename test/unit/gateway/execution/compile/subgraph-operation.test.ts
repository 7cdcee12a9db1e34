import { buildSchema } from 'graphql';
import type { FetchNode, Rewrite } from '../../../../../gateway/execution/compile/plan';
import {
  type FetchOperation,
  compileSubgraphOperation,
} from '../../../../../gateway/execution/compile/subgraph-operation';
import { TypeTable } from '../../../../../gateway/execution/compile/type-table';

const types = TypeTable.of(buildSchema('type Query { a: Int  b: Int }'));

/** The operations that fetches are compiled to, by number: equal numbers are one operation. */
function numbersOf(...fetches: Partial<FetchNode>[]): number[] {
  const operations = new Map<string, FetchOperation>();
  return fetches.map((fetch) => {
    const operation = fetch.operationName === undefined ? '{a}' : `query ${fetch.operationName}{a}`;
    const node: FetchNode = { ...fetchOfA, operation, ...fetch };
    return compileSubgraphOperation(node, types, operations).number;
  });
}

const fetchOfA = { kind: 'Fetch', serviceName: 's', operationKind: 'query' } as const;
const renamedTo = (renameKeyTo: string): { readonly outputRewrites: readonly Rewrite[] } => ({
  outputRewrites: [{ kind: 'KeyRenamer', path: ['a'], renameKeyTo }],
});

it('compiles fetches that ask the same only once, whatever their operations are called', () => {
  expect(numbersOf({}, {})).toEqual([0, 0]);
  expect(numbersOf({ operationName: 'One' }, { operationName: 'Two' })).toEqual([0, 0]);
});

it('tells fetches apart by subgraph, selection, and what is renamed in their answers', () => {
  expect(
    numbersOf(
      ...[{}, { serviceName: 't' }, { operation: '{b}' }],
      ...[renamedTo('b'), renamedTo('c'), renamedTo('b'), { outputRewrites: [] }],
    ),
  ).toEqual([0, 1, 2, 3, 4, 3, 0]);
});

it('reads a fragment that several types share once, however deep fragments are in each other', () => {
  const levels = 60;
  const node = TypeTable.of(
    buildSchema(`
      type Query { n: N }
      interface N { f: N  v: Int }
      type A implements N { f: N  v: Int }
      type B implements N { f: N  v: Int }
    `),
  );
  const fragments = Array.from({ length: levels }, (_, i) => {
    const below = i + 1 === levels ? '{v}' : `{..._${i + 1}}`;
    return `fragment _${i} on N{...on A{f${below}} ...on B{f${below}}}`;
  });
  const { shape } = compileSubgraphOperation(
    { ...fetchOfA, operation: `{n{..._0}} ${fragments.join(' ')}` },
    node,
    new Map(),
  );
  let [below] = shape.children;
  for (let i = 0; i < levels; i++) {
    expect(below!.keys).toEqual(['f']);
    [below] = below!.children;
  }
  expect(below!.keys).toEqual(['v']);
});
