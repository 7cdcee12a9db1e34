/** gateway/planning/search/: work that grows faster than an operation is counted in steps, and such operations are refused soon. */
import { parse } from 'graphql';
import { Planner } from '../../../../gateway/planning';
import { defaultBudget, StepCount } from '../../../../gateway/planning/budget';
import { planOperation } from '../../../../gateway/planning/plan-operation';
import { readSupergraph } from '../../../../gateway/planning/supergraph-facts';
import { runAtOnce } from '../../../../schema/supergraph/sliced-work';
import { compose } from '../../../support/compose';
import { heapUsed } from '../../../support/heap';

const times = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');

const users = {
  a: 'type Query { me: User } type Mutation { m: User } type User @key(fields: "id") { id: ID! friend: User local: String }',
  b: 'type User @key(fields: "id") { id: ID! name: String }',
};

const shapes = (types: number) => ({
  a: `type Query { shapes: [Shape] } interface Shape { id: ID! }
      ${times(types, (i) => `type T${i} implements Shape @key(fields: "id") { id: ID! }`)}`,
  b: `interface Shape { id: ID! far: String }
      ${times(types, (i) => `type T${i} implements Shape @key(fields: "id") { id: ID! far: String }`)}`,
});

/** A value type with fields that no object of its types can have. */
const values = {
  a: `type Query { v: V @shareable } type V { i: I @shareable p: V @shareable } interface I { id: ID! }
      type One implements I { id: ID! @shareable x: Int } type Two implements I { id: ID! @shareable }`,
  b: `type Query { v: V @shareable } type V { i: I @shareable p: V @shareable } interface I { id: ID! }
      type One implements I { id: ID! @shareable w: Int }`,
  c: 'type Query { two: Two } type Two { id: ID! @shareable y: Int }',
};

test.each([
  [
    'conditions around many fields',
    users,
    `query (${times(100, (i) => `$v${i}: Boolean!`)}) {
      me { ${times(100, (i) => `... @include(if: $v${i}) {`)} ${times(900, (i) => `a${i}: local`)} ${'}'.repeat(100)} } }`,
  ],
  [
    'common fields and a fragment for each of many types',
    shapes(200),
    `{ shapes { ${times(1000, (i) => `a${i}: far`)} ${times(200, (i) => `... on T${i} { id }`)} } }`,
  ],
  ['selections of one response name', users, `{ me { ${times(4000, (i) => `friend { a${i}: local }`)} } }`],
  [
    'mutation fields of one response name under conditions',
    users,
    `mutation (${times(4000, (i) => `$v${i}: Boolean!`)}) { m { id } ${times(4000, (i) => `m @include(if: $v${i}) { id }`)} }`,
  ],
  [
    'fields that nobody answers, in fragments that spread each other twice,',
    values,
    `{ v { ...F0 } } ${times(40, (i) => `fragment F${i} on V { l: p { ...F${i + 1} } r: p { ...F${i + 1} } }`)}
     fragment F40 on V { i { ... on One { x w } ... on Two { y } } }`,
  ],
])('%s are refused', (_name, subgraphs, source) => {
  expect(() => plan(subgraphs, source)).toThrow('too complex');
});

test('long operations that were refused are forgotten', async () => {
  const planner = new Planner({ supergraphSdl: compose(users), limits: { steps: 1 } });
  const refuse = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const document = `{ me { id } } # ${String(i).padEnd(1e6, 'x')}`;
      await expect(planner.plan(document, undefined)).rejects.toThrow('too complex');
    }
  };
  await refuse(3);
  const before = await heapUsed();
  await refuse(40);
  expect((await heapUsed()) - before).toBeLessThan(20e6);
  await planner.close();
});

function plan(subgraphs: Record<string, string>, source: string): StepCount {
  const { index } = runAtOnce(readSupergraph(compose(subgraphs), {}));
  const steps = new StepCount(defaultBudget);
  runAtOnce(planOperation({ document: parse(source, { noLocation: true }) }, index, steps));
  return steps;
}
