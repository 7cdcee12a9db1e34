import type * as Apollo from '@apollo/server';
import type { ApolloServer, ApolloServerPlugin, HeaderMap, HTTPGraphQLResponse } from '@apollo/server';
import type * as Disabled from '@apollo/server/plugin/disabled';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { IncomingRequest, RequestHead } from './incoming-request';
import { partsNotTaken, takesParts } from './answers/only-part';
import type { PersistedOperations } from './persisted/persisted-operations';
import { mediaTypes } from '../net/media-type';
import type { LearnedOperation, OperationContext } from '../graph/engine';
import type { Gateway } from '../graph/gateway';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import { errorTypeOf } from '../telemetry/traces/span';
import { refusalPlugin } from './refusals/note-refused';
import { missingRules } from './validation-rules';
import type { FormatError } from './answers/format-error';

export interface ApolloServerSettings {
  readonly gateway: Gateway;
  readonly options: Options;
  readonly persistedOperations: PersistedOperations;
  readonly formatError: FormatError;
  /** Plugins given to `startGateway`. */
  readonly plugins: readonly ApolloServerPlugin[];
  readonly logger: Logger;
  /** Whether requests with a span have their parsing and validation recorded. */
  readonly isTraced: boolean;
}

/**
 * Parses and validates new operations, selects the operation of a document, and registers automatic persisted queries. It is
 * loaded and started when it is first needed.
 */
export class OperationParser {
  readonly #settings: ApolloServerSettings;
  #started: Promise<StartedApolloServer> | undefined;

  constructor(settings: ApolloServerSettings) {
    this.#settings = settings;
  }

  /** Resolves when it has a schema. Rejects where a plugin does, and when the gateway is stopped before. */
  start(): Promise<StartedApolloServer> {
    return (this.#started ??= this.#start());
  }

  async #start(): Promise<StartedApolloServer> {
    const server = createApolloServer(this.#settings);
    await server.start();
    const { HeaderMap } = loadApolloServer();
    return {
      ...{ server, HeaderMap },
      executeHTTPGraphQLRequest: (request) => server.executeHTTPGraphQLRequest(request),
    };
  }

  /** Stops it, and the gateway. Rejects where a plugin does. */
  async stop(): Promise<void> {
    const started = await this.#started?.catch(() => undefined);
    await (started?.server ?? this.#settings.gateway).stop();
  }
}

interface Learner extends Pick<ApolloServer<OperationContext>, 'executeHTTPGraphQLRequest'> {
  readonly HeaderMap: new () => HeaderMap;
}

interface StartedApolloServer extends Learner {
  readonly server: ApolloServer<OperationContext>;
}

/** Loaded when it is first needed. By `require`: `import()` would load another copy than plugins have. */
const loadApolloServer = () => require('@apollo/server') as typeof Apollo;

function createApolloServer(settings: ApolloServerSettings): ApolloServer<OperationContext> {
  const { gateway, options, persistedOperations, formatError, logger } = settings;
  const { ApolloServer: Server } = loadApolloServer();
  const disabled = require('@apollo/server/plugin/disabled') as typeof Disabled;
  const { registry } = persistedOperations;
  const development = options.mode === 'development';
  return new Server<OperationContext>({
    gateway,
    nodeEnv: options.mode,
    // `limits/` decides per client whether introspection is allowed and how large a batch may be.
    introspection: true,
    allowBatchedHttpRequests: true,
    // An answered operation never comes here again, and others are not remembered.
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
      refusalPlugin(),
      ...(settings.isTraced ? [tracePlugin()] : []),
      ...settings.plugins,
      disabled.ApolloServerPluginCacheControlDisabled(),
      disabled.ApolloServerPluginInlineTraceDisabled(),
      disabled.ApolloServerPluginLandingPageDisabled(),
      disabled.ApolloServerPluginSchemaReportingDisabled(),
      disabled.ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** Validation errors per answer, without the one about further errors. */
const mostErrors = 9;

/** Keeps the generation open that validates. Notes the body in a batch, and unsupported features. */
function requestPlugin(gateway: Gateway): ApolloServerPlugin<OperationContext> {
  return {
    requestDidStart: ({ schema, request, contextValue }) => {
      contextValue.body = request.http?.body;
      // Apollo Server has chosen the schema in the same turn of the event loop, so no swap can have come between.
      contextValue.request.hold(gateway.generationOf(schema).hold());
      return Promise.resolve({
        didEncounterErrors: ({ operation }) => {
          if (operation?.operation === OperationTypeNode.SUBSCRIPTION)
            contextValue.onRefused(partsNotTaken(contextValue.request.sink));
          return Promise.resolve();
        },
      });
    },
  };
}

/** Records parsing and validation. */
function tracePlugin(): ApolloServerPlugin<OperationContext> {
  /** @param code of errors without a code of their own */
  const record = ({ request: { span } }: OperationContext, name: string, code: string) => {
    const begun = span?.child(name);
    return Promise.resolve((found: Error | readonly Error[] = []): Promise<void> => {
      const [error] = [found].flat();
      if (error !== undefined)
        begun?.fail(error instanceof GraphQLError && error.extensions['code'] ? errorTypeOf(error) : code);
      begun?.end();
      return Promise.resolve();
    });
  };
  return {
    requestDidStart: () =>
      Promise.resolve({
        parsingDidStart: ({ contextValue }) => record(contextValue, 'graphql.parse', 'GRAPHQL_PARSE_FAILED'),
        validationDidStart: ({ contextValue }) =>
          record(contextValue, 'graphql.validate', 'GRAPHQL_VALIDATION_FAILED'),
      }),
  };
}

/** Operations in the form of Apollo Server: the query string of a GET, or a body, which may be a list. */
export interface HttpOperations {
  readonly search: string;
  readonly body: unknown;
}

export interface LearnedOperations {
  /** The operations that are valid, by their bodies. */
  readonly learned: ReadonlyMap<unknown, LearnedOperation>;
  /** The answer of Apollo Server: the errors of invalid operations, and nothing for the others. */
  readonly response: HTTPGraphQLResponse;
}

/** Has Apollo Server parse and validate new operations. */
export type Learn = (request: IncomingRequest, operations: HttpOperations) => Promise<LearnedOperations>;

/** @param start resolves with what learns; called for each new operation */
export function createLearn(start: () => Promise<Learner>): Learn {
  const mediaTypeFor = mediaTypes();
  /** As Apollo Server takes it: an operation of a GET that is in the body as a POST, and an answer in JSON. */
  const asSent = ({ head, sink }: IncomingRequest, body: unknown, headers: HeaderMap) => {
    addHeaders(head, headers);
    if (takesParts(sink) && mediaTypeFor(head.headers.accept) === undefined)
      headers.set('accept', 'application/json');
    if (head.method !== 'GET' || body === undefined) return { method: head.method, headers };
    headers.set('content-type', 'application/json');
    return { method: 'POST', headers };
  };
  return async (request, { search, body }) => {
    const learned = new Map<unknown, LearnedOperation>();
    let refusal: GraphQLError | undefined;
    const context: OperationContext = {
      request,
      onLearned: (sent, operation) => learned.set(sent, operation),
      onRefused: (error) => (refusal = error),
    };
    const { HeaderMap, executeHTTPGraphQLRequest } = await start();
    const response = await executeHTTPGraphQLRequest({
      httpGraphQLRequest: { ...asSent(request, body, new HeaderMap()), search, body },
      context: () => Promise.resolve(context),
    });
    // The client gets the better error, not one that suggests another method or another `Accept`.
    if ((response.status === 405 || response.status === 406) && refusal !== undefined) throw refusal;
    return { learned, response };
  };
}

function addHeaders({ headers }: RequestHead, map: HeaderMap): void {
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
}
