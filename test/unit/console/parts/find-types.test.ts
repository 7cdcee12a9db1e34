import { findTypes } from '../../../../console/parts/find-types';
import type { SchemaType } from '../../../../gateway/console/api';
import { processorTime } from '../../../support/times';

const type = (name: string, owner: string, fields: Record<string, boolean>): SchemaType => ({
  ...{ name, kind: 'object', owners: [owner], directives: [] },
  fields: Object.entries(fields).map(([field, yes]) => ({
    ...{ name: field, type: 'Int', owners: [owner], directives: [], mayBeDeleted: { yes, why: '' } },
  })),
});
const types = [
  type('Product', 'products', { name: false, price: true }),
  type('Review', 'reviews', { product: false, stars: false }),
  type('Price', 'products', { amount: false }),
];
const find = (search: string, isDeletable = false) =>
  findTypes(types, search, isDeletable).map(({ type: { name }, fields }) =>
    fields.length === 0 ? name : `${name}: ${fields.join(', ')}`,
  );

it.each([
  ['', ['Product', 'Review', 'Price']],
  ['prod', ['Product', 'Review: product']],
  ['PRICE', ['Price', 'Product: price']],
  ['reviews', ['Review']],
  ['Product.na', ['Product: name']],
  ['  stars ', ['Review: stars']],
  ['nothing', []],
])('finds types, subgraphs and fields by "%s", types first', (search, found) => {
  expect(find(search)).toEqual(found);
});

it('finds only fields that may be deleted', () => {
  expect(find('', true)).toEqual(['Product: price']);
  expect(find('stars', true)).toEqual([]);
});

it('searches 10,000 fields within a moment', async () => {
  const many = Array.from({ length: 500 }, (_, i) =>
    type(`Type${i}`, 'big', Object.fromEntries(Array.from({ length: 20 }, (_, k) => [`field${k}`, true]))),
  );
  const took = await processorTime(() => expect(findTypes(many, 'field19', false)).toHaveLength(500));
  expect(took).toBeLessThan(200);
});
