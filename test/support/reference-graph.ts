const subgraphs: readonly string[] = [
  ...['accounts', 'products', 'inventory', 'reviews', 'orders', 'payments', 'history', 'shipping'],
  ...['suppliers', 'wishlists'],
];

/** The others of the sample shop, for `--mock`: each process of it takes most of a second to start. */
export const allBut = (...names: readonly string[]): string[] =>
  subgraphs.filter((name) => !names.includes(name));
