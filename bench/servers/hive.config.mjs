/** Hive Gateway as it comes, forwarding `authorization`. */
export const gatewayConfig = {
  host: '127.0.0.1',
  logging: 'warn',
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') }),
  },
};
