import { ApolloServer, HeaderMap } from '@apollo/server';
import type { CreateServerForIntegrationTests } from '@apollo/server-integration-testsuite';
import { openStore } from '../../gateway/cache/stores/open-store';
import { RequestsInFlight } from '../../gateway/request/requests-in-flight';
import { createCaching } from '../../gateway/cache/responses/caching';
import { PersistedOperations } from '../../gateway/request/persisted/persisted-operations';
import { noTrustedOperations } from '../../gateway/request/persisted/trusted-operations';
import { createClientLimits } from '../../gateway/limits/client-limits';
import { Overload } from '../../gateway/admission/overload';
import { Slots } from '../../gateway/admission/slots';
import { type Options, parseOptions } from '../../gateway/options';
import { createRoutes, type Route } from '../../gateway/process/clients/routes';
import { createFormatError } from '../../gateway/request/answers/format-error';
import { createLearn } from '../../gateway/request/learn-operation';
import { DataChanges } from '../../gateway/cache/data-changes';
import { GraphSteps } from '../../gateway/request/graph-steps';
import { Pipeline } from '../../gateway/request/pipeline';
import { Reply } from '../../gateway/request/reply';
import { RunOperation } from '../../gateway/request/run-operation';
import { createLogger } from '../../gateway/telemetry/logger';
import { createMetrics } from '../../gateway/telemetry/metrics/metrics';

const otherType =
  'A body of another type than JSON is 415 and not 400, before any header is looked at: its type is what is wrong.';
const otherWords = 'It is 400 BAD_REQUEST, but Weir has words of its own for it.';
const noStore = 'An answer of which nothing says that it may be kept is `no-store`, and not silent.';

/** What Weir does otherwise, by the test that asks for it, and why: for `suite-environment.cjs`. */
export const deviations = new Map<string, string>([
  ['CSRF prevention › default', otherType],
  ['graphqlHTTP › throws an error if POST body is empty', otherType],
  ['graphqlHTTP › throws an error if invalid content-type', otherType],
  ['graphqlHTTP › throws an error if POST JSON is malformed', otherWords],
  ['graphqlHTTP › disables batch requests by default', otherWords],
  ['graphqlHTTP › cache-control not set without any hints with if-cacheable', noStore],
  ['cache-control › runs when cache-control is disabled', noStore],
]);

const logger = createLogger({ level: 'silent' });

/** Listens where Weir does, or stands in for what hands requests to a function of AWS Lambda. */
export type Listen = (parts: {
  readonly options: Options;
  readonly requests: RequestsInFlight;
  readonly pipeline: Pipeline;
  readonly reply: Reply;
  readonly route: Route;
}) => Promise<{ readonly url: string; readonly close: () => Promise<void> }>;

/** An Apollo Server behind Weir's routes and pipeline, as `gateway/process/configuration/` puts them together. */
export const createServerBehind =
  (listen: Listen): CreateServerForIntegrationTests =>
  async (config, { context } = {}) => {
    const server = new ApolloServer(config);
    await server.start();
    const options = parseOptions({
      supergraph: 'none.graphql',
      path: '/',
      limits: { batch: config.allowBatchedHttpRequests === true ? 1_000 : 1 },
      logging: { level: 'silent' },
    });
    const metrics = createMetrics();
    const store = openStore({ options: options.cache, meter: metrics.meter, logger });
    const inFlight = new RequestsInFlight({ options, logger, metrics, tracer: undefined });
    const overload = new Overload({
      options: options.overload,
      inFlight,
      requests: inFlight,
      statistics: metrics.overload,
      logger,
    });
    inFlight.onEnd = () => overload.requestEnded();
    const bodyLimit = options.limits.body;
    const unsent = { isTooMuch: false };
    const slots = new Slots({ inFlight, overload, unsent, bodyLimit, refuse: () => undefined });
    const reply = new Reply(logger, metrics.errors);
    const limits = createClientLimits({ limits: options.limits, introspection: true });
    const learn = createLearn(async () => ({
      HeaderMap,
      executeHTTPGraphQLRequest: ({ httpGraphQLRequest }) =>
        server.executeHTTPGraphQLRequest({ httpGraphQLRequest, context: context ?? (async () => ({})) }),
    }));
    const runOperation = new RunOperation({
      persistedOperations: new PersistedOperations({
        mostBytes: 1024 * 1024,
        ...{ options, store, logger, statistics: metrics.persistedOperations, trusted: noTrustedOperations },
      }),
      limits,
      gateway: { current: undefined },
      isPreflighted: () => true,
      learn,
      readingTurns: { read: async (_, read) => read() },
      hooks: {},
    });
    const graph = new GraphSteps({
      ...{ isReady: () => true, slots, limits, runOperation, learn, hooks: {}, reply, rates: undefined },
      sharesBodies: false,
      cachedAnswers: { answer: () => false, learn: () => undefined },
      answerHeaders: createCaching(options, store, metrics, logger, new DataChanges()).answerHeaders,
      formatError: createFormatError(logger, metrics.errors),
    });
    const pipeline = new Pipeline({
      ...{ bodyLimit, slots, reply, graph, admit: undefined, rates: undefined, sampling: undefined },
    });
    const route = createRoutes({ options, readiness: () => [], slots, reply, pageFor: () => undefined });
    const { url, close } = await listen({ options, requests: inFlight, pipeline, reply, route });
    return {
      server,
      url,
      extraCleanup: async () => {
        await close();
        overload.close();
        await store.close();
        metrics.close();
      },
    };
  };
