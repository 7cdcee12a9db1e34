import { ApolloServer, type ApolloServerPlugin, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { OperationTypeNode } from 'graphql';
import type { IncomingRequest, RequestHead } from './incoming-request';
import type { PersistedOperations } from './persisted/persisted-operations';
import { requestError } from '../errors';
import type { LearnedOperation, OperationContext } from '../graph/engine';
import type { Gateway } from '../graph/gateway';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import { missingRules } from './validation-rules';
import { type FormatError, unsupportedFeature } from './format-error';

export interface ApolloServerSettings {
  readonly gateway: Gateway;
  readonly options: Options;
  readonly persistedOperations: PersistedOperations;
  readonly formatError: FormatError;
  /** Plugins given to `startGateway`. */
  readonly plugins: readonly ApolloServerPlugin[];
  readonly logger: Logger;
}

/** Parses and validates new operations, selects the operation of a document, and registers automatic persisted queries. */
export function createApolloServer(settings: ApolloServerSettings): ApolloServer<OperationContext> {
  const { gateway, options, persistedOperations, formatError, logger } = settings;
  const { registry } = persistedOperations;
  const development = options.mode === 'development';
  return new ApolloServer<OperationContext>({
    gateway,
    nodeEnv: options.mode,
    // Who may ask for the schema, and how many operations at once, `limits/` decides by the client.
    introspection: true,
    allowBatchedHttpRequests: true,
    // An operation that was answered does not come here again; what was not is not kept.
    documentStore: null,
    persistedQueries: registry === undefined ? false : { cache: registry },
    validationRules: [...missingRules],
    validationOptions: { maxErrors: mostErrors },
    hideSchemaDetailsFromClientErrors: !development,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: options.csrf.enabled && { requestHeaders: [...options.csrf.headers] },
    stopOnTerminationSignals: false,
    logger: {
      debug: (message) => logger.debug(String(message)),
      info: (message) => logger.info(String(message)),
      warn: (message) => logger.warn(String(message)),
      error: (message) => logger.error(String(message)),
    },
    stringifyResult: (result) => JSON.stringify(result),
    formatError,
    plugins: [
      requestPlugin(gateway),
      ...settings.plugins,
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** Of validation, beside the one that says that there are more. */
const mostErrors = 9;

/** Keeps the generation open on which an operation is validated; notes which of a batch it is, and what is not served. */
function requestPlugin(gateway: Gateway): ApolloServerPlugin<OperationContext> {
  return {
    requestDidStart: ({ schema, request, contextValue }) => {
      contextValue.body = request.http?.body;
      // Called in the same step in which Apollo Server chose the schema, so no swap can come between.
      contextValue.request.onEnd(gateway.generationOf(schema).hold());
      return Promise.resolve({
        didEncounterErrors: ({ operation, errors }) => {
          const feature =
            operation?.operation === OperationTypeNode.SUBSCRIPTION
              ? 'Subscription'
              : errors.map(({ message }) => unsupportedFeature(message)).find((name) => name !== undefined);
          if (feature !== undefined) contextValue.onUnsupported(feature);
          return Promise.resolve();
        },
      });
    },
  };
}

/** Operations as Apollo Server takes them: of a GET the query string, of a POST the body, which may be a list. */
export interface HttpOperations {
  readonly search: string;
  readonly body: unknown;
}

export interface Learned {
  /** The operations that are valid, by their bodies. */
  readonly learned: ReadonlyMap<unknown, LearnedOperation>;
  /** What Apollo Server says: of those that are not valid what is wrong, of the others nothing. */
  readonly response: HTTPGraphQLResponse;
}

/** Has Apollo Server parse and validate new operations. */
export type Learn = (request: IncomingRequest, operations: HttpOperations) => Promise<Learned>;

export function createLearn(
  apollo: Pick<ApolloServer<OperationContext>, 'executeHTTPGraphQLRequest'>,
): Learn {
  return async (request, { search, body }) => {
    const learned = new Map<unknown, LearnedOperation>();
    let unsupported: string | undefined;
    const context: OperationContext = {
      request,
      onLearned: (sent, operation) => learned.set(sent, operation),
      onUnsupported: (feature) => (unsupported = feature),
    };
    const response = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: request.head.method, headers: headersOf(request.head), search, body },
      context: () => Promise.resolve(context),
    });
    // What is not served is told so, rather than that another method or another `Accept` would help.
    if ((response.status === 405 || response.status === 406) && unsupported !== undefined)
      throw requestError('UNSUPPORTED_OPERATION', { feature: unsupported });
    return { learned, response };
  };
}

function headersOf({ headers }: RequestHead): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}
