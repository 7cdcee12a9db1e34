/**
 * Apollo's own tests of what stands between Apollo Server and HTTP, run against Weir's: its listener, routes
 * and pipeline, as `gateway/process/configuration.ts` puts them together. What the tests
 * bring is the Apollo Server behind them, with a schema and plugins of its own, so neither the gateway nor the settings
 * of `gateway/request/learn-operation.ts` are tested here. One option of theirs is Weir's to keep: batches. There are no tests of
 * `@defer` and `@stream`, which Weir does not have.
 *
 * @jest-environment <rootDir>/test/support/suite-environment.cjs
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { defineIntegrationTestSuite } from '@apollo/server-integration-testsuite';
import { createBeginRequest } from '../../gateway/http/begin-request';
import { createReceive } from '../../gateway/http/receive';
import { createListener } from '../../gateway/process/clients/listener';
import { createHandle } from '../../gateway/process/clients/routes';
import { createServerBehind, deviations } from '../support/apollo-integration-server';
import { sinkOptions } from '../support/sink-options';

Object.assign(globalThis, { deviations });

const createServer = createServerBehind(async ({ options, requests, pipeline, route }) => {
  const begin = createBeginRequest(options, requests, sinkOptions());
  const receive = createReceive({ bodyLimit: options.limits.body, admitByHeaders: undefined, pipeline });
  const listener = createListener(options, createHandle(begin, route, receive)).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    close: async () => {
      listener.close();
      listener.closeAllConnections();
    },
  };
});

defineIntegrationTestSuite(createServer, {
  // Weir has none.
  noIncrementalDelivery: true,
});
