/**
 * The features that `features.mjs` measures.
 *
 * `weir` and `base` are Weir's options with and without the feature, `limit` what `servers/limit-features.mjs` does for it.
 * `bodies` and `headers` are those of requests, `baseBodies` those without the feature. `apollo` says what Apollo Gateway does;
 * where it is left out, it has no such feature. `front` is what stands in front of the subgraphs. What needs a server gets
 * its URL as an argument.
 */
import { fileURLToPath } from 'node:url';
import { bodies } from '../fixture/feature-operations.mjs';
import { subgraphNames } from '../fixture/subgraphs.mjs';
import { gateways } from './costed-features.mjs';
import { redisMissing } from './redis.mjs';

export const [certificate, key] = ['cert.pem', 'key.pem'].map((name) =>
  fileURLToPath(new URL(`../../test/support/tls/${name}`, import.meta.url)),
);
const serves = { tls: { cert: certificate, key } };
const cached = {
  subgraphs: Object.fromEntries(
    subgraphNames.map((name) => [name, { cache: { maxAge: '1h', scope: 'public' } }]),
  ),
};
const { auth, rates } = gateways.tokens.config('');
const [{ issuer, audience, jwks }] = auth.oidc;
const jwt = { jwks, issuer, audience };

const workers = (count) => ({
  title: `${count} workers on one core`,
  ...{ workers: count, flags: ['--workers', count], limit: { workers: count } },
});

const traced = (percent) => ({
  title: `traces of ${percent} %`,
  weir: ({ collector: url }) => ({ telemetry: { traces: { otlp: { url }, sampling: percent / 100 } } }),
  limit: ({ collector: url }) => ({ traces: { url, share: percent / 100 } }),
  apollo: ({ collector: url }) => ({ traces: { url, share: percent / 100 } }),
});

export const features = {
  tls: { title: 'TLS', weir: serves, limit: { serves: 'h1', certificate, key }, ca: certificate },
  'http2-clients': {
    title: 'HTTP/2 from clients, over TLS',
    ...{ weir: serves, limit: { serves: 'h2', certificate, key }, ca: certificate, http2: true },
  },
  'http2-subgraphs': {
    title: 'HTTP/2 to subgraphs, over TLS',
    ...{
      weir: { connections: { http2: true, ca: certificate } },
      limit: { calls: 'h2', certificate },
      front: 'h2',
    },
  },
  'gzip-subgraphs': {
    title: 'gzip from subgraphs',
    ...{ weir: { connections: { compression: true } }, limit: { calls: 'gzip' }, front: 'gzip' },
  },
  brotli: {
    title: 'brotli of cached answers',
    ...{ base: cached, weir: cached, limit: {}, headers: [{ 'accept-encoding': 'br' }], isKept: true },
  },
  jwt: {
    title: 'JWT, rates, access log',
    ...{ weir: { auth, rates, logging: { level: 'info' } }, limit: { jwt }, apollo: { jwt } },
    headers: gateways.tokens.headers().map(({ authorization }) => ({ authorization })),
  },
  redis: {
    title: 'response cache in Redis alone',
    missing: redisMissing,
    base: cached,
    weir: ({ redis }) => ({ ...cached, cache: { store: redis, tiered: false } }),
    ...{ limit: ({ redis }) => ({ redis }), isKept: true },
  },
  defer: {
    title: '`@defer`, two parts',
    ...{ limit: { isInParts: true }, bodies: bodies.deferred },
    headers: [{ accept: 'multipart/mixed;incrementalSpec=v0.2' }],
  },
  variables: {
    title: '1 MB of variables, beside 1 KB',
    ...{ limit: {}, passesVariables: true, apollo: {} },
    ...{ bodies: bodies.largeVariables, baseBodies: bodies.smallVariables },
  },
  operations: { title: '1,000 distinct operations', limit: {}, bodies: bodies.distinct, apollo: {} },
  types: { title: 'supergraph of 3,000 types', limit: {}, isLarge: true, apollo: {} },
  'workers-2': workers(2),
  'workers-4': workers(4),
  'workers-8': workers(8),
  'traces-1': traced(1),
  'traces-100': traced(100),
};
