import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { PersistedOperations } from './edge/persisted-operations';
import { type ErrorCode, errors } from './errors';
import type { OperationContext } from './executor';
import type { Gateway } from './gateway';
import type { Options } from './options';
import { stringifyResult } from './response-data';
import type { Logger } from './telemetry/logger';
import { oneOfVariables } from './validation-rules';

export interface ApolloServerSettings {
  readonly gateway: Gateway;
  readonly options: Options;
  readonly persistedOperations: PersistedOperations;
  readonly formatError: FormatError;
  readonly logger: Logger;
}

/** The GraphQL layer: parsing, validation, the choice of the operation, and plugins, in front of the gateway. */
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
    persistedQueries: registry === undefined ? false : { cache: registry },
    validationRules: [oneOfVariables],
    validationOptions: { maxErrors: mostErrors },
    hideSchemaDetailsFromClientErrors: !development,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    logger: {
      debug: (message) => logger.debug(String(message)),
      info: (message) => logger.info(String(message)),
      warn: (message) => logger.warn(String(message)),
      error: (message) => logger.error(String(message)),
    },
    // What it returns is handed to the socket as it is, so bytes may take the place of text.
    stringifyResult: (result) => stringifyResult(result) as string,
    formatError,
    plugins: [
      requestPlugin(gateway),
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

/** Keeps the generation open on which the operation is validated, and tells the access log what it was. */
function requestPlugin(gateway: Gateway): ApolloServerPlugin<OperationContext> {
  return {
    requestDidStart: ({ schema, contextValue: { client } }) => {
      // Called in the same step in which Apollo Server chose the schema, so no swap can come between.
      client.onEnd(gateway.generationOf(schema).hold());
      return Promise.resolve({
        didResolveOperation: ({ operationName, operation }) => {
          if (operation) client.resolve({ name: operationName, type: operation.operation });
          return Promise.resolve();
        },
      });
    },
  };
}

export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/** Apollo Server's own errors under the codes of our table, and no defect of ours in an answer. */
export function createFormatError(logger: Logger): FormatError {
  return (formatted, error) => {
    const { extensions = {} } = formatted;
    if (error instanceof GraphQLError) {
      const told = { ...formatted, message: speakable(formatted.message) };
      if (told.locations !== undefined) told.locations = told.locations.slice(0, mostLocations);
      const code = codeForStatus(error.extensions) ?? error.extensions['code'];
      if (isDefect(code)) logger.error({ err: error.cause ?? error, code }, 'an operation failed');
      if (code !== undefined) return { ...told, extensions: { ...extensions, code } };
    }
    logger.error({ err: error }, 'an operation failed');
    return { message: errors.INTERNAL_SERVER_ERROR.message(), extensions: { code: 'INTERNAL_SERVER_ERROR' } };
  };
}

/** Messages quote what the client sent, which may be as long as its request. */
const longestMessage = 1_000;
/** Of one error: what is there too often may be there thousands of times. */
const mostLocations = 10;

/** A message that is fit to be sent: of bounded length, and without the words of a parser that ran out of stack. */
function speakable(message: string): string {
  if (message.includes('Maximum call stack size exceeded')) return 'The document is nested too deeply.';
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage)} …`;
}

/** Codes of our own failures, whose cause only the log has. */
const isDefect = (code: unknown): boolean =>
  code === ('QUERY_PLANNING_FAILED' satisfies ErrorCode) ||
  code === ('INTERNAL_SERVER_ERROR' satisfies ErrorCode);

/** Apollo Server says BAD_REQUEST, or nothing at all, where the status it chose says more. */
function codeForStatus({ code, http }: GraphQLError['extensions']): string | undefined {
  if (code !== undefined && code !== 'BAD_REQUEST') return undefined;
  switch ((http as { readonly status?: number } | undefined)?.status) {
    case 400:
      return 'BAD_REQUEST';
    case 405:
      return 'METHOD_NOT_ALLOWED';
    case 406:
      return 'NOT_ACCEPTABLE';
    case 415:
      return 'UNSUPPORTED_MEDIA_TYPE';
    default:
      return undefined;
  }
}
