import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type GraphQLResolverMap } from '@apollo/subgraph/dist/schema-helper';
import { maybeCacheControlFromInfo } from '@apollo/cache-control-types';
import {
  GraphQLError,
  OperationTypeNode,
  Source,
  isCompositeType,
  parse,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import { readFile } from 'node:fs/promises';
import { type FastifyBaseLogger } from 'fastify';
import { errorCodes, SubgraphError } from './errors';
import { StartError } from './serve/start-error';
import { refuseSize } from './table/size';
import { type Resolvers } from './subgraph';
import { type Span } from './traces/tracer';

/** Key of the kit's own part of a request's context; the rest is the subgraph's. */
export const requestState = Symbol('weir.request');

export interface RequestState {
  readonly log: FastifyBaseLogger;
  /** Called when a mutation begins: the request is completed even if its caller leaves. */
  readonly carryThrough: () => void;
  /** Undefined where nothing is exported. */
  readonly span: Span | undefined;
  /** Resolves with whether an archive has what a mutation has written. Undefined: nobody waits for that. */
  readonly archived: (() => Promise<boolean>) | undefined;
}

/** Operations of a gateway have a few thousand tokens. Parsing many more would block the process. */
export const parseOptions = { maxLexicalTokens: 15_000 };

/**
 * Apollo Server for one subgraph, started. Its cache-control plugin is on: the hints of the schema become the
 * `Cache-Control` header of every response, of `_entities`, too.
 */
export async function createApolloServer(
  schema: GraphQLSchema,
  log: FastifyBaseLogger,
): Promise<ApolloServer> {
  const server = new ApolloServer({
    schema,
    introspection: true,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    formatError: maskError,
    parseOptions,
    plugins: [requests, ApolloServerPluginLandingPageDisabled(), ApolloServerPluginInlineTraceDisabled()],
    logger: log,
  });
  await server.start();
  return server;
}

/** The executable schema of a file. Throws a {@link StartError} with the position of a mistake. */
export async function loadSchema<Context>(
  file: string,
  resolvers: Resolvers<Context>,
): Promise<GraphQLSchema> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(`The schema ${file} cannot be read: ${(error as Error).message}`);
  });
  try {
    const typeDefs = parse(new Source(text, file));
    const schema = buildSubgraphSchema({
      typeDefs,
      resolvers: resolvers as unknown as GraphQLResolverMap<unknown>,
    });
    restrictEntitiesWithoutHint(schema);
    return schema;
  } catch (error) {
    const position = error instanceof GraphQLError ? error.locations?.[0] : undefined;
    const where = position ? `${file}:${position.line}:${position.column}` : file;
    throw new StartError(`The schema ${where} is not valid: ${(error as Error).message}`);
  }
}

/**
 * An answer that holds an entity whose type says nothing about its age must not be cached, as everywhere else in
 * Apollo's cache control; `_entities` of `@apollo/subgraph` lets the other entities of the call decide alone.
 */
function restrictEntitiesWithoutHint(schema: GraphQLSchema): void {
  const entities = schema.getQueryType()?.getFields()['_entities'];
  const resolve = entities?.resolve;
  if (!entities || !resolve) return;
  entities.resolve = (
    parent: unknown,
    args: { representations?: { __typename?: string }[] },
    context,
    info,
  ) => {
    const cacheControl = maybeCacheControlFromInfo(info);
    for (const name of new Set(args.representations?.map(({ __typename }) => __typename))) {
      const type = name === undefined ? undefined : schema.getType(name);
      const hinted = isCompositeType(type) && cacheControl?.cacheHintFromType(type)?.maxAge !== undefined;
      if (!hinted) cacheControl?.cacheHint.restrict({ maxAge: 0 });
    }
    return resolve(parent, args, context, info);
  };
}

/** Error codes that are not masked: Apollo Server's for invalid operations, and those of {@link SubgraphError}. */
const openCodes = new Set([
  ...Object.keys(errorCodes),
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

const isOpen = (extensions: GraphQLFormattedError['extensions']): boolean =>
  openCodes.has(String(extensions?.['code']));

const shownCode = (extensions: GraphQLFormattedError['extensions']): string =>
  isOpen(extensions) ? String(extensions!['code']) : 'INTERNAL_SERVER_ERROR';

/** The error as a caller may see it. */
export function maskError(formatted: GraphQLFormattedError): GraphQLFormattedError {
  if (isOpen(formatted.extensions)) return formatted;
  const { path, locations } = formatted;
  return {
    message: 'Internal server error',
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  };
}

const notAnsweredAtOnce = new GraphQLError(
  'A subscription has no single answer. Subscribe over WebSocket (graphql-transport-ws), with "Accept: text/event-stream", or with "Accept: application/json;callbackSpec=1.0".',
  { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } },
);

const notArchived = new SubgraphError(
  'NOT_ARCHIVED',
  'What the mutation has written is stored, but its events are not archived yet. Until they are, it is lost where the store is lost.',
);

const requests: ApolloServerPlugin = {
  requestDidStart: ({ schema, contextValue }) => {
    const { log, carryThrough, span, archived } = (contextValue as { [requestState]: RequestState })[
      requestState
    ];
    return Promise.resolve({
      didResolveOperation({ document, operation, operationName, request }) {
        if (operation)
          span?.set({
            'graphql.operation.type': operation.operation,
            ...(operationName != null && { 'graphql.operation.name': operationName }),
          });
        if (operation?.operation === OperationTypeNode.SUBSCRIPTION) throw notAnsweredAtOnce;
        const refusal = operation && refuseSize(schema, document, operation, request.variables ?? {});
        if (refusal) throw refusal;
        // A mutation that is aborted half-way costs more to repair than it saves.
        if (operation?.operation === OperationTypeNode.MUTATION) carryThrough();
        return Promise.resolve();
      },
      async willSendResponse({ operation, response: { body } }) {
        if (operation?.operation !== OperationTypeNode.MUTATION || !archived || body.kind !== 'single')
          return;
        const reason = await archived().then(
          (isArchived) => (isArchived ? undefined : 'the archive is late'),
          (error: unknown) => error,
        );
        if (reason === undefined) return;
        log.warn({ err: reason }, 'a mutation is answered before its events are archived');
        body.singleResult.errors = [...(body.singleResult.errors ?? []), notArchived.toJSON()];
      },
      didEncounterErrors({ errors, operationName }) {
        for (const error of errors) logError(error, operationName ?? undefined, log);
        span?.set({
          'weir.error.codes': [...new Set(errors.map(({ extensions }) => shownCode(extensions)))],
        });
        return Promise.resolve();
      },
    });
  },
};

/** Logs a masked error with the request id that the client got. */
export function logError(
  error: GraphQLError,
  operationName: string | undefined,
  log: FastifyBaseLogger,
): void {
  const cause = unwrapResolverError(error) as Error & { cause?: unknown };
  const code = error.extensions['code'];
  const facts = { operationName, path: error.path?.join('.') };
  if (!openCodes.has(String(code))) log.error({ ...facts, err: cause }, 'masked error');
  else if (code === 'UNAVAILABLE') log.warn({ ...facts, err: cause.cause }, cause.message);
}
