/**
 * Environment variables with the URL of each subgraph: `ORDERS_URL`, and `ORDER_HISTORY_URL` for `order-history`. Subgraphs
 * of the kit read them as their options `ordersUrl` and `orderHistoryUrl`.
 */
export const addressVariables = (urls: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(
    Array.from(urls, ([name, url]) => [
      `${name
        .replace(/(?<=[a-z0-9])[A-Z]/g, '_$&')
        .replace(/[-.]/g, '_')
        .toUpperCase()}_URL`,
      url,
    ]),
  );
