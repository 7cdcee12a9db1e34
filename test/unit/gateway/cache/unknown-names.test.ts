import { parse } from 'graphql';
import type { Invalidation } from '../../../../gateway/options/invalidation';
import { sentenceOf, unknownNames } from '../../../../gateway/cache/unknown-names';
import { entityFactsOf } from '../../../support/own-planner';
import { compose } from '../../../support/compose';

const facts = entityFactsOf(
  parse(
    compose({
      accounts: `
        type Query { me: User node: Node }
        interface Node { id: ID! }
        type User implements Node @key(fields: "id") { id: ID! address: Address @inaccessible found: Found }
        type Address @inaccessible { city: String }
        union Found = User
        enum Size { S }
      `,
      products: `
        type Mutation { rename: Item }
        type Item @key(fields: "org { id } sku") @key(fields: "code") { org: Org sku: ID! code: ID! size: String }
        type Org { id: ID! }
      `,
    }),
  ),
);
const check = (invalidation: Invalidation) =>
  unknownNames(invalidation, facts).map((each) => sentenceOf(each));

it('accepts types in answers, keys of entities, and subgraphs', () => {
  expect(
    check({
      tags: ['anything', 'type:Nothing'],
      types: ['User', 'Node', 'Found', 'Address', 'Org'],
      entities: [
        { type: 'User', key: { id: 1, __typename: 'User' } },
        { type: 'Item', key: { sku: 's', org: { id: 'o' } } },
        { type: 'Item', key: { code: 'c' } },
      ],
      subgraphs: ['accounts', 'products'],
      operations: ['Any'],
    }),
  ).toEqual([]);
});

it.each<[Invalidation, string]>([
  [
    { types: ['User', 'Usr'] },
    '`types.1` must be an object type (not a root), an interface or a union of the supergraph, but got: "Usr"; did you mean "User"?',
  ],
  [
    { types: ['String'] },
    '`types.0` must be an object type (not a root), an interface or a union of the supergraph, but got: "String".',
  ],
  [{ types: ['Query'] }, 'but got: "Query"'],
  [{ types: ['Mutation'] }, 'but got: "Mutation".'],
  [{ types: ['__proto__'] }, 'but got: "__proto__".'],
  [
    { entities: [{ type: 'Itm', key: { code: 'c' } }] },
    '`entities.0.type` must be a type with a key of the supergraph, but got: "Itm"; did you mean "Item"?',
  ],
  [{ entities: [{ type: 'Address', key: { city: 'c' } }] }, '`entities.0.type` must be a type with a key'],
  [
    { entities: [{ type: 'Item', key: { sku: 's' } }] },
    '`entities.0.key` must have org.id and sku, or code, as keys of Item do, but has: sku.',
  ],
  [{ entities: [{ type: 'Item', key: { sku: 's', org: 'o' } }] }, 'but has: sku, org.'],
  [{ entities: [{ type: 'User', key: { id: 1, name: 'Ada' } }] }, 'must have id, as keys of User do'],
  [{ entities: [{ type: 'User', key: { __typename: 'User' } }] }, 'but has: nothing.'],
  [{ subgraphs: ['review'] }, '`subgraphs.0` must be a subgraph of the supergraph, but got: "review".'],
])('reports unknown names in %j', (invalidation, sentence) => {
  expect(check(invalidation)).toEqual([expect.stringContaining(sentence)]);
});

it('describes the first ten names, and counts all', () => {
  const sentences = check({ types: Array.from({ length: 1_000 }, (_, i) => `T${i}`) });
  expect(sentences).toHaveLength(11);
  expect(sentences[10]).toBe('And 990 more.');
});
