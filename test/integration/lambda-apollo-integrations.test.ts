/**
 * The tests of `apollo-integrations.test.ts`, through the handler of AWS Lambda: all of them by `npm run test:long`.
 *
 * @jest-environment <rootDir>/test/support/suite-environment.cjs
 */
import { defineIntegrationTestSuite } from '@apollo/server-integration-testsuite';
import { createEventHandlers } from '../../gateway/lambda/event-handlers';
import { amountOf } from '../support/amounts';
import { createServerBehind, deviations } from '../support/apollo-integration-server';
import { startLambdaFront } from '../support/lambda-front';

const isWhole = amountOf('WEIR_LAMBDA_INTEGRATIONS', 0, 1) > 0;
Object.assign(globalThis, { deviations: isWhole ? deviations : new Map() });

const createServer = createServerBehind(({ options, requests: inFlight, pipeline, reply, route }) => {
  const current = { inFlight, pipeline, reply, route };
  const { handler } = createEventHandlers(
    options,
    () => current,
    () => Promise.resolve(),
  );
  return startLambdaFront('http api', handler);
});

if (isWhole) defineIntegrationTestSuite(createServer, { noIncrementalDelivery: true });
else
  it('has Apollo Server answer events', async () => {
    const typeDefs = 'type Query { hello: String }';
    const { url, server, extraCleanup } = await createServer({
      typeDefs,
      resolvers: { Query: { hello: () => 'world' } },
    });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{"query":"{ hello }"}' });
    expect(await answer.json()).toEqual({ data: { hello: 'world' } });
    await server.stop();
    await extraCleanup?.();
  });
