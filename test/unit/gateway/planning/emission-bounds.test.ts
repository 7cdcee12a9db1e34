/** gateway/planning/emit/ and selections/: whatever an operation repeats, its plan takes steps in proportion to its size. */
import { type DocumentNode, type OperationDefinitionNode, parse, visit } from 'graphql';
import { type QueryPlan } from '../../../../gateway/execution/compile/plan';
import { StepCount } from '../../../../gateway/planning/budget';
import { FetchDraft, SelectionDraft } from '../../../../gateway/planning/emit/drafts';
import { NodeWriter } from '../../../../gateway/planning/emit/nodes';
import { Position } from '../../../../gateway/planning/emit/positions';
import { planOperation } from '../../../../gateway/planning/plan-operation';
import { readSupergraph } from '../../../../gateway/planning/supergraph-facts';
import { type SupergraphIndex } from '../../../../gateway/planning/supergraph-index';
import { runAtOnce } from '../../../../schema/supergraph/sliced-work';
import { compose } from '../../../support/compose';

const indexOf = (subgraphs: Record<string, string>): SupergraphIndex =>
  runAtOnce(readSupergraph(compose(subgraphs), {})).index;

const list = (count: number, itemOf: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => itemOf(i)).join(' ');

function planFor(
  index: SupergraphIndex,
  document: string | DocumentNode,
): { plan: QueryPlan; steps: number } {
  const steps = new StepCount({ steps: 15_000, depth: 1000 });
  const operation = { document: typeof document === 'string' ? parse(document) : document };
  const plan = runAtOnce(planOperation(operation, index, steps));
  return { plan, steps: steps.taken };
}

const boxes = indexOf({ a: 'type Query { box: Box } type Box { x: Int y(a: String): Int box: Box }' });

it('takes few steps of fragments that spread each other twice below an interface object', () => {
  const index = indexOf({
    a: 'type Query { media: Media } interface Media @key(fields: "id") { id: ID! } type Book implements Media @key(fields: "id") { id: ID! }',
    b: 'type Media @interfaceObject @key(fields: "id") { id: ID! review: Review } type Review { x: Int }',
  });
  const bomb = `{ media { review { ...F0 } } } fragment F40 on Review { x }
    ${list(40, (i) => `fragment F${i} on Review { ...F${i + 1} ...F${i + 1} }`)}`;
  expect(planFor(index, bomb).steps).toBeLessThan(500);
});

it('counts the types of which objects are fetched', () => {
  const types = Array.from({ length: 100 }, (_, i) => `T${i}`);
  const index = indexOf({
    a: `type Query { nodes: [Node] } interface Node { id: ID! }
      ${types.map((name) => `type ${name} implements Node @key(fields: "id") { id: ID! }`).join(' ')}`,
    b: `interface Node { price: Int }
      ${types.map((name) => `type ${name} implements Node @key(fields: "id") { id: ID! price: Int }`).join(' ')}`,
  });
  const aliases = (count: number): string =>
    `{ ${list(count, (i) => `a${i}: nodes { ...F }`)} } fragment F on Node { price }`;
  expect(planFor(index, aliases(10)).steps).toBeGreaterThan(10 * types.length);
  expect(() => planFor(index, aliases(200))).toThrow('too complex');
  const leaves = planFor(index, `{ nodes { ${list(1000, (i) => `a${i}: price`)} } }`);
  expect(leaves.steps).toBeGreaterThan(JSON.stringify(leaves.plan).length / 300);
});

describe('a long text that a fragment repeats', () => {
  const longText = 'x'.repeat(50_000);
  const repeated = (fields: string): string =>
    `query($v: String = "${longText}") { box { ${list(400, (i) => `a${i}: box { ...F }`)} } } fragment F on Box { ${fields} }`;

  it.each([
    ['an argument', repeated(`y(a: "${longText}")`)],
    ['a response name', repeated(`${longText}: x`)],
  ])('counts: %s', (_, document) => {
    expect(() => planFor(boxes, document)).toThrow('too complex');
  });

  it('counts: the default of a variable, in each fetch', () => {
    const index = indexOf({
      a: 'type Query { e: E } type E @key(fields: "id") { id: ID! e: E }',
      b: 'type E @key(fields: "id") { id: ID! y(a: String): Int }',
    });
    const fetches = list(300, (i) => `a${i}: e { y(a: $v) b${i}: y }`);
    const document = `query($v: String = "${longText}") { e { ${fetches} } }`;
    expect(() => planFor(index, document)).toThrow('too complex');
  });

  it('is printed once', () => {
    const document = parse(repeated('y(a: "text")'));
    let reads = 0;
    visit(document, {
      StringValue: (node) => {
        if (node.value !== 'text') return;
        Object.defineProperty(node, 'value', { get: () => `text${reads++}` });
      },
    });
    planFor(boxes, document);
    expect(reads).toBeLessThan(5);
  });
});

it('compares a path that was joined with others in slices, and no other path again', () => {
  const k = 20;
  const paths = Array.from({ length: k * k }, (_, n) => [Math.floor(n / k), n % k] as const).map(([i, j]) => [
    'n',
    `@|[A${i}]`,
    'n',
    `@|[B${j}]`,
    'n',
    `@|[C${(i + j) % k}]`,
    'u',
  ]);
  for (let i = 0; i < 60; i++) paths.push(['n', '@|[Z]', 'n', '@|[Z]', 'n', `@|[C${i}]`, 'u']);
  const [operation] = parse('{ box { x } }').definitions as [OperationDefinitionNode];
  const writer = new NodeWriter({ operation, selection: [], variables: new Map() }, boxes);
  const position = new Position([]);
  const drafts = paths.map(
    (path) => new FetchDraft({ stage: 0, path, position, when: [] }, 0, true, new SelectionDraft([])),
  );
  const steps = new StepCount({ steps: 15_000, depth: 1000 });
  jest.spyOn(steps, 'isSliceOver', 'get').mockReturnValue(true);
  const work = writer.write(drafts, steps);
  let slices = 1;
  let next = work.next();
  for (; next.done !== true; next = work.next()) slices++;
  expect(next.value).toMatchObject([{ kind: 'Parallel', nodes: { length: k * k + 1 } }]);
  expect(slices).toBeGreaterThan(paths.length ** 2 / 4);
  expect(slices).toBeLessThan(paths.length ** 2);
});

it('counts the levels of a fragment wherever it is spread', () => {
  const chain = (count: number): string =>
    `query($a: Boolean!) { box { ... @skip(if: $a) { ${list(count, (i) => `...F${i}`)} } ...F${count - 1} } }
    ${list(
      count,
      (i) =>
        `fragment F${i} on Box { ${'box { '.repeat(450)}${i > 0 ? `...F${i - 1}` : 'x'}${' }'.repeat(450)} }`,
    )}`;
  expect(() => planFor(boxes, chain(4))).toThrow('1000 levels');
  expect(planFor(boxes, chain(2)).plan.node?.kind).toBe('Fetch');
});
