/**
 * Apollo's own tests of what stands between Apollo Server and HTTP, run against Weir's: its listener, the front, Fastify
 * with its hooks and its handling of errors, and the endpoint, as `gateway/serving.ts` puts them together. What the tests
 * bring is the Apollo Server behind them, with a schema and plugins of its own, so neither the gateway nor the settings
 * of `gateway/apollo-server.ts` are tested here. Two options of theirs are Weir's to keep: batches and the context.
 *
 * @jest-environment <rootDir>/test/support/suite-environment.cjs
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import {
  type CreateServerForIntegrationTests,
  defineIntegrationTestSuite,
} from '@apollo/server-integration-testsuite';
import { openStore } from '../../gateway/cache/open-store';
import { ClientRequests } from '../../gateway/client-requests';
import { createCaching } from '../../gateway/edge/caching';
import { createFront } from '../../gateway/edge/front';
import { PersistedOperations } from '../../gateway/edge/persisted-operations';
import { graphqlEndpoint } from '../../gateway/endpoint';
import { createHttpServer } from '../../gateway/http-server';
import { createClientLimits } from '../../gateway/limits/client-limits';
import { Overload } from '../../gateway/limits/overload';
import { createListener } from '../../gateway/listener';
import { parseOptions } from '../../gateway/options';
import { createLogger } from '../../gateway/telemetry/logger';
import { createMetrics } from '../../gateway/telemetry/metrics';

/** What Weir does otherwise, by the test that asks for it. */
Object.assign(globalThis, {
  deviations: new Map<string, string>([]),
});

const createServer: CreateServerForIntegrationTests = async (config, { context } = {}) => {
  const server = new ApolloServer(config);
  await server.start();
  const options = parseOptions({
    supergraph: 'none.graphql',
    path: '/',
    limits: { batch: config.allowBatchedHttpRequests === true ? 10 : 1 },
    logging: { level: 'silent' },
  });
  const { path } = options;
  const logger = createLogger({ level: 'silent', secrets: [] });
  const metrics = createMetrics();
  const store = openStore({ options: options.cache, meter: metrics.meter, logger });
  const clients = new ClientRequests({ options, logger, metrics });
  const overload = new Overload({
    options: options.overload,
    inFlight: () => clients.size,
    meter: metrics.meter,
    logger,
  });
  const everybody = { admit: undefined, rates: undefined };
  const front = createFront({
    ...{ path, bodyLimit: options.limits.body, isOpen: () => true, answerers: [] },
    ...everybody,
  });
  const { app, handle } = createHttpServer({
    ...{ options, logger, readiness: () => [], clients, overload, front },
  });
  graphqlEndpoint(app, {
    ...{ path, isReady: () => true, ...everybody },
    apollo: {
      executeHTTPGraphQLRequest: ({ httpGraphQLRequest }) =>
        server.executeHTTPGraphQLRequest({ httpGraphQLRequest, context: context ?? (async () => ({})) }),
    },
    answerHeaders: createCaching(options, store, metrics).answerHeaders,
    cachedAnswers: { learn: () => undefined },
    limits: createClientLimits({ limits: options.limits, introspection: true }),
    persistedOperations: new PersistedOperations({
      ...{ options, store, logger, statistics: metrics.persistedOperations },
    }),
  });
  await app.ready();
  const listener = createListener(options, handle).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    extraCleanup: async () => {
      listener.close();
      listener.closeAllConnections();
      overload.close();
      await app.close();
      await store.close();
      await metrics.close();
    },
  };
};

defineIntegrationTestSuite(createServer, {
  // Weir has none.
  noIncrementalDelivery: true,
});
