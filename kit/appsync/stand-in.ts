/**
 * Over 300 lines: all that AWS runs.
 *
 * An AppSync API on this machine, as far as a caller can tell: it checks the credentials of each mode as AppSync does,
 * runs federation by hand (`_Any` is an input there), answers with AppSync's errors and ends what takes too long; its
 * mutations feed subscriptions. For development and tests: AppSync itself runs nowhere but at AWS.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  buildASTSchema,
  type DefinitionNode,
  type DocumentNode,
  execute,
  getOperationAST,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  parse,
  validate,
  visit,
} from 'graphql';
import { pino } from 'pino';
import { type AppSyncMode, checkCredentials } from './credentials';
import { type RealTime, serveRealTime } from './real-time';
import { graphqlPath } from '../serve/app';
import { openDatabase, type Database } from '../table/database';
import { connectDynamoDB, noDynamoDB } from '../store/dynamodb';
import { prepareTable } from '../serve/prepare';
import { runProcess } from '../serve/process';
import { readSettings, standInUsage, type Settings } from '../serve/settings';
import { cannotListen } from '../serve/start-error';
import { type OptionDefinition, type Subgraph } from '../subgraph';
import { readTrace } from '../traces/trace';
import { openTracing } from '../traces/open-tracing';
import { traceRequest } from '../traces/request-span';
import { type Tracer } from '../traces/tracer';

export interface AppSyncApi {
  /** The schema as AppSync takes it: `_Any` is an input, AWS directives and scalars are undeclared. */
  readonly schema: string;
  readonly modes: readonly AppSyncMode[];
  readonly resolvers: AppSyncResolvers;
  /** Milliseconds that an operation may take. @default 30000 */
  readonly cap?: number;
  /** Milliseconds between keep-alives of a real-time connection. @default 60000 */
  readonly keepAlive?: number;
  /** Called with each accepted request. */
  readonly onCall?: (call: AppSyncCall) => void;
  /** Called with the answer to each refused request. */
  readonly onRefusal?: (message: string) => void;
  /** Records requests, as AppSync does in X-Ray. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** Resolvers by `Type.field`, as AppSync attaches them. */
export type AppSyncResolvers = Readonly<Record<string, (source: never, args: never) => unknown>>;

export interface AppSyncCall {
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
  readonly variables: unknown;
}

export interface AppSyncStandIn {
  /** URL of its GraphQL endpoint. */
  readonly url: string;
  stop(): Promise<void>;
}

/** An error of a resolver, as `util.error(message, errorType)` makes it. */
export class ResolverError extends Error {
  constructor(
    message: string,
    readonly errorType: string,
  ) {
    super(message);
  }
}

/** Starts a stand-in on loopback, at a free port unless `port` is given. */
export async function startAppSyncStandIn(
  api: AppSyncApi,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<AppSyncStandIn> {
  const schema = buildSchemaOf(api);
  const server = createServer((request, response) => {
    if (api.tracer && !request.url!.startsWith(healthPath)) {
      const { headers, method = '' } = request;
      const traced = { trace: readTrace(headers), method, protocol: 'http' as const };
      traceRequest(api.tracer, traced, { response, path: graphqlPath });
    }
    void answerTo(request, schema, api, realTime)
      .catch((): AppSyncAnswer => failure(500, 'InternalFailure', 'It failed.'))
      .then(({ status, content }) => {
        response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' });
        response.end(JSON.stringify(content));
      });
  });
  const realTime = serveRealTime(server, {
    text: api.schema,
    schema: buildSchemaOf({ ...api, resolvers: {} }),
    modes: api.modes,
    path: graphqlPath,
    keepAlive: api.keepAlive,
  });
  await listen(server, host, port);
  const { port: actualPort } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${actualPort}${graphqlPath}`,
    stop: () => {
      realTime.close();
      return close(server);
    },
  };
}

const healthPath = '/health/';

interface AppSyncAnswer {
  readonly status: number;
  readonly content: object;
}

const failure = (status: number, errorType: string, message: string): AppSyncAnswer => ({
  status,
  content: { errors: [{ errorType, message }] },
});

async function answerTo(
  request: IncomingMessage,
  schema: GraphQLSchema,
  api: AppSyncApi,
  realTime: RealTime,
): Promise<AppSyncAnswer> {
  // AppSync has no such path. The process that starts the stand-in reads its readiness there.
  if (request.url?.startsWith(healthPath)) return { status: 200, content: { status: 'ready' } };
  const body = await readBody(request);
  const { headers } = request;
  const refusal =
    request.method === 'POST'
      ? checkCredentials(api.modes, { headers, path: request.url!, body })
      : (['BadRequestException', 'Only POST is supported.'] as const);
  if (refusal !== undefined) {
    const [errorType, message] = refusal;
    api.onRefusal?.(message);
    return failure(request.method === 'POST' ? 401 : 400, errorType, message);
  }
  const operation = readOperation(body);
  if (operation === undefined)
    return failure(400, 'MalformedHttpRequestException', 'Unable to parse GraphQL query.');
  api.onCall?.({ headers, ...operation });
  const received = { headers, path: request.url!, body };
  const mode = api.modes.find((each) => checkCredentials([each], received) === undefined);
  return { status: 200, content: await run(operation, { schema, cap: api.cap, realTime, mode: mode?.type }) };
}

interface Operation {
  readonly query: string;
  readonly variables: Record<string, unknown> | undefined;
}

/** The operation of a body; undefined for anything else, and for a batch, which AppSync does not take. */
function readOperation(body: Buffer): Operation | undefined {
  try {
    const { query, variables } = JSON.parse(body.toString()) as Partial<Operation>;
    return typeof query === 'string' ? { query, variables } : undefined;
  } catch {
    return undefined;
  }
}

interface RunOptions {
  readonly schema: GraphQLSchema;
  /** Milliseconds. @default 30000 */
  readonly cap: number | undefined;
  readonly realTime: RealTime;
  /** By which the caller was authorised. */
  readonly mode: AppSyncMode['type'] | undefined;
}

async function run(
  { query, variables = {} }: Operation,
  { schema, cap = 30_000, realTime, mode }: RunOptions,
) {
  const document = parseOr(query);
  if (document instanceof GraphQLError) return invalid([document]);
  const mistakes = validate(schema, document);
  if (mistakes.length > 0) return invalid(mistakes);
  const result = await Promise.race([
    execute({ schema, document, variableValues: variables, contextValue: mode }),
    sleep(cap, 'late' as const, { ref: false }),
  ]);
  if (result === 'late') return { data: null, errors: [executionTimeout] };
  const { data = null, errors } = result;
  const operation = getOperationAST(document);
  if (operation?.operation === OperationTypeNode.MUTATION && data) await realTime.publish(operation, data);
  return { data, ...(errors && { errors: errors.map(toAppSyncError) }) };
}

function parseOr(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query);
  } catch (error) {
    return error as GraphQLError;
  }
}

const invalid = (errors: readonly GraphQLError[]) => ({
  data: null,
  errors: errors.map(({ message }) => ({
    path: null,
    locations: null,
    message: `Validation error: ${message}`,
  })),
});

const executionTimeout = {
  errorType: 'ExecutionTimeout',
  message: 'Execution timed out.',
  path: null,
  locations: null,
  errorInfo: null,
  data: null,
};

function toAppSyncError({ message, path, locations, originalError }: GraphQLError) {
  const errorType = originalError instanceof ResolverError ? originalError.errorType : null;
  const positions = locations?.map((location) => ({ ...location, sourceName: null })) ?? null;
  return { path: path ?? null, data: null, errorType, errorInfo: null, locations: positions, message };
}

const modeDirectives: Readonly<Record<string, AppSyncMode['type']>> = {
  aws_api_key: 'API_KEY',
  aws_iam: 'AWS_IAM',
  aws_oidc: 'OPENID_CONNECT',
  aws_cognito_user_pools: 'AMAZON_COGNITO_USER_POOLS',
  aws_lambda: 'AWS_LAMBDA',
};

/** The modes that may call a field, by its coordinate. A field without a directive may be called in every mode. */
function allowedModesIn(document: DocumentNode): Map<string, Set<unknown>> {
  const found = new Map<string, Set<unknown>>();
  for (const type of document.definitions) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const { name, directives = [] } of type.fields ?? []) {
      const modes = directives.flatMap((each) => modeDirectives[each.name.value] ?? []);
      if (modes.length > 0) found.set(`${type.name.value}.${name.value}`, new Set(modes));
    }
  }
  return found;
}

/** Adds the scalars and directives that AppSync defines itself. */
function buildSchemaOf({ schema: sdl, resolvers }: AppSyncApi): GraphQLSchema {
  const scalars = new Set<string>();
  const allowedModes = allowedModesIn(parse(sdl));
  const document = visit(parse(sdl), {
    Directive: () => null,
    NamedType: ({ name }) => {
      if (name.value.startsWith('AWS')) scalars.add(name.value);
    },
  });
  const declared = Array.from(scalars, (value): DefinitionNode => ({
    kind: Kind.SCALAR_TYPE_DEFINITION,
    name: { kind: Kind.NAME, value },
  }));
  const schema = buildASTSchema(
    { ...document, definitions: [...document.definitions, ...declared] },
    { assumeValid: true, assumeValidSDL: true },
  );
  for (const [coordinate, resolve] of Object.entries(resolvers)) {
    const [type, field] = coordinate.split('.') as [string, string];
    const { [field]: definition } =
      (schema.getType(type) as GraphQLObjectType | undefined)?.getFields() ?? {};
    if (definition === undefined) throw new Error(`There is no field ${coordinate} to attach a resolver to.`);
    const allowed = allowedModes.get(coordinate);
    definition.resolve = (source, args, mode: unknown) => {
      if (allowed?.has(mode) === false)
        throw new ResolverError(`Not Authorized to access ${field} on type ${type}`, 'Unauthorized');
      return resolve(source as never, args as never);
    };
  }
  return schema;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', (error) => failed(cannotListen(error, host, port)));
    server.listen(port, host, listening);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((closed) => {
    server.close(() => closed());
    server.closeAllConnections();
  });
}

/** A subgraph of the reference graph that is an AppSync API. */
export interface AppSyncSubgraph<OptionName extends string = string> extends Pick<
  Subgraph,
  'name' | 'port' | 'schema' | 'tables'
> {
  /** Its resolvers over its tables, which AppSync attaches as data sources. */
  readonly resolvers: (db: Database) => AppSyncResolvers;
  /** Settings of its own, by name, as in {@link Subgraph}. */
  readonly options: Readonly<Record<OptionName, OptionDefinition>>;
  /** The credentials that it accepts, from its options. */
  readonly modes: (options: Readonly<Record<OptionName, string>>) => readonly AppSyncMode[];
}

/** Starts the stand-in for such a subgraph, when its tables are there. */
export async function startAppSyncSubgraph<OptionName extends string>(
  subgraph: AppSyncSubgraph<OptionName>,
  settings: Settings = {},
  observers: Pick<AppSyncApi, 'onCall' | 'onRefusal'> = {},
): Promise<AppSyncStandIn> {
  const { host, port = subgraph.port ?? 4001, schema, options, database = { kind: 'embedded' } } = settings;
  const { name, tables = [] } = subgraph;
  const log = pino({ level: settings.logLevel ?? 'info', base: { subgraph: name } });
  const tracing = settings.traces && (await openTracing({ ...settings.traces, service: name, log }));
  const dynamodb = tables.length === 0 ? noDynamoDB : await connectDynamoDB(database);
  const { client } = dynamodb;
  const db = openDatabase({ client });
  const values = Object.entries<OptionDefinition>(subgraph.options).map(([key, { default: value }]) => [
    key,
    options?.[key] ?? value,
  ]);
  try {
    for (const table of tables) await prepareTable(table, { db, client, seed: false });
    const api: AppSyncApi = {
      schema: readFileSync(schema ?? subgraph.schema, 'utf8'),
      resolvers: subgraph.resolvers(db),
      modes: subgraph.modes(Object.fromEntries(values) as Record<OptionName, string>),
      ...observers,
      tracer: tracing?.tracer,
    };
    const standIn = await startAppSyncStandIn(api, { port, ...(host !== undefined && { host }) });
    return {
      url: standIn.url,
      async stop() {
        await standIn.stop();
        await Promise.all([dynamodb.stop(), tracing?.stop()]);
      },
    };
  } catch (error) {
    await dynamodb.stop();
    throw error;
  }
}

/** Runs the API as a process of its own if `module` is the one that node was started with. */
export function runStandInWhenMain<OptionName extends string>(
  module: NodeJS.Module,
  subgraph: AppSyncSubgraph<OptionName>,
): void {
  if (require.main !== module) return;
  const { name } = subgraph;
  void runProcess({
    name,
    usage: () => standInUsage(subgraph),
    async start(args) {
      const settings = readSettings(subgraph, args);
      const log = pino({ level: settings.logLevel ?? 'info', base: { subgraph: name } });
      const standIn = await startAppSyncSubgraph(subgraph, settings, {
        onCall: () => log.info('request'),
        onRefusal: (reason) => log.warn({ reason }, 'request refused'),
      });
      return { ...standIn, log };
    },
  });
}
