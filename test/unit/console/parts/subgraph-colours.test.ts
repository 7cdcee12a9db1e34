import { colourOf } from '../../../../console/parts/subgraph-colours';

it('gives eight subgraphs eight colours, and each the same again', () => {
  const names = ['accounts', 'products', 'inventory', 'reviews', 'orders', 'payments', 'shipping', 'search'];
  const given = names.map(colourOf);
  expect([...given].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(names.map(colourOf)).toEqual(given);
  expect(colourOf('a ninth')).toBeLessThan(8);
});
