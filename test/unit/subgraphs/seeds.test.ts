/** Whether the seeds of all subgraphs in subgraphs/ fit together. */
import { seedUsers } from '../../../subgraphs/accounts/seed';
import { seedStock } from '../../../subgraphs/inventory/seed';
import { seedCarts, seedOrders } from '../../../subgraphs/orders/seed';
import { seedCategories, seedProducts } from '../../../subgraphs/products/seed';
import { seedRatings } from '../../../subgraphs/reviews/ratings';
import { seedReviews } from '../../../subgraphs/reviews/seed';

// The subgraphs do not know one another, so what their seeds say of each other's things is held together here.

const seeds = {
  seedUsers,
  seedProducts,
  seedCategories,
  seedStock,
  seedReviews,
  seedRatings,
  seedOrders,
  seedCarts,
};

const users = new Map([...seedUsers()].map((user) => [user.id, user]));
const products = new Map([...seedProducts()].map((product) => [product.upc, product]));
const reviews = [...seedReviews()];
const orders = [...seedOrders()];

it.each(Object.entries(seeds))('%s makes the same every time', (_, seed) => {
  expect([...seed()]).toEqual([...seed()]);
});

it('there are 120 users, 300 products and 3,000 reviews, with ids that can be known', () => {
  expect([...users.keys()]).toEqual(numbered('u', 120));
  expect([...products.keys()]).toEqual(numbered('p', 300));
  expect(reviews.map(({ id }) => id)).toEqual(numbered('r', 3000));
});

it('every product is on a shelf, and every shelf in a department', () => {
  const categories = new Map([...seedCategories()].map((category) => [category.id, category]));
  for (const { categoryId } of products.values()) {
    const shelf = categories.get(categoryId)!;
    expect(categories.get(shelf.parentId)!.parentId).toBe('root');
  }
});

it('inventory has stock of each product, by its SKU', () => {
  const stock = [...seedStock()];
  expect(stock.map(({ upc, sku }) => [upc, sku])).toEqual(
    [...products.values()].map(({ upc, sku }) => [upc, sku]),
  );
  expect(stock.filter(({ available }) => available === 0).length).toBeGreaterThan(5);
});

it('reviews are by users, of products, sorted by time, and the first user wrote some', () => {
  for (const { authorId, upc, mediaId } of reviews) {
    expect(users.has(authorId)).toBe(true);
    const { media } = products.get(upc)!;
    if (mediaId !== undefined) expect(media.map(({ id }) => id)).toContain(mediaId);
  }
  const times = reviews.map(({ createdAt }) => createdAt);
  expect(times).toEqual([...times].sort());
  expect(reviews.filter(({ authorId }) => authorId === 'u1').length).toBeGreaterThan(10);
});

it('ratings count the reviews', () => {
  const ofProduct = [...seedRatings()].find(({ group }) => group === 'p1')!;
  const ratings = reviews.filter(({ upc }) => upc === 'p1').map(({ rating }) => rating);
  expect(ofProduct.value).toEqual(
    [1, 2, 3, 4, 5].map((stars) => ratings.filter((rating) => rating === stars).length),
  );
});

it('orders and carts are of users and hold products', () => {
  for (const { buyerId, lines } of orders) {
    expect(users.has(buyerId)).toBe(true);
    for (const { upc } of lines) expect(products.has(upc)).toBe(true);
  }
  for (const { userId, lines } of seedCarts()) {
    expect(users.has(userId)).toBe(true);
    for (const { upc } of lines) expect(products.has(upc)).toBe(true);
  }
});

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
}
