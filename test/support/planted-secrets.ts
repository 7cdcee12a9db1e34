import type { GatewayOptions } from '../../gateway';

/** What is in every secret. */
export const planted = 'pLaNtEd0';

let count = 0;
export const secretsSoFar = (): number => count;

/** Each time another one. */
export const secret = (): string => `${planted}-${++count}-0123456789abcdef0123456789`;

const headers = (number: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: number }, (_, i) => [`x-secret-${i}`, secret()]));

const subgraph = (number: number) => ({
  headers: { set: headers(number) },
  auth: { type: 'BEARER' as const, token: secret() },
});

/** Options with over 900 secrets, with which a gateway starts that has a subgraph `counts` with subscriptions. */
export const optionsWithSecrets = () =>
  ({
    mode: 'development',
    headers: { set: headers(100), forward: ['authorization'] },
    subgraphs: {
      counts: { ...subgraph(30), subscriptions: { protocol: 'sse' } },
      accounts: subgraph(30),
      // The supergraph has none of them.
      ...Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [
          `service${i}`,
          { ...subgraph(18), url: `https://user:${secret()}@host${i}.internal/graphql?key=${secret()}` },
        ]),
      ),
    },
    privateLinks: { keys: [secret(), secret()] },
    logging: { addressKey: secret() },
    telemetry: { metrics: { otlp: { url: 'http://127.0.0.1:9/v1/metrics', headers: headers(20) } } },
  }) satisfies GatewayOptions;
